# SPDX-License-Identifier: BSD-2-Clause
"""Two guests, alpha and beta, on rig.py's server: what their tests share.

`recv` in a guest writes to a file and says the checksum, so that 64 MiB need
not come over a serial line.
"""
import atexit
import re
import struct

from rig import VECTORS, guest, live, named, rig    # first: it knows the paths
from blocks import BLOCK, MAKE_BLOCK
from children import until


class Pair:
    """Both machines, started when first wanted, ended with the program."""

    def __init__(self):
        self._machines = {'alpha': None, 'beta': None}
        # rig's own, which ends the server, was registered before: it runs last.
        atexit.register(self.close)

    def both(self):
        """(alpha, beta): booted, bound, and with no program of ours in them."""
        fresh = [name for name, machine in self._machines.items() if not machine]
        for name in fresh:
            self._machines[name] = guest(name, rig.server, vectors=VECTORS)
            self._machines[name].launch()
        for name in fresh:
            self._machines[name].wait_ready()
        for machine in self._machines.values():
            prepare(machine)
        return tuple(self._machines.values())

    def kill_beta(self):
        """Ends its QEMU at once."""
        self._machines['beta'].kill()
        self._machines['beta'].close()
        self._machines['beta'] = None

    def close(self):
        for name, machine in self._machines.items():
            if machine:
                machine.close()
            self._machines[name] = None


pair = Pair()


def prepare(machine):
    """Ends what an earlier case may have left, and binds the device."""
    machine.run('killall -9 bellring nc cat')
    until(lambda: machine.run('pidof bellring')[0] != 0,
          f'{machine.name}: no bellring runs any more', 20, 0.05)
    machine.check('bellring -a pci: bind >/dev/null'
                  f' && {{ {MAKE_BLOCK}; }}', 60)


def tool(machine, *words):
    """A command line of the tool in that guest, under the guest's name."""
    return ' '.join(('bellring -a pci: --name', machine.name, *map(str, words)))


# ---- transfers ---------------------------------------------------------------------

def receiver(machine, *words):
    """A Job in the guest that stores one message, or as many as words say."""
    return listener(machine, '-v', *words, 'recv -o /tmp/in')


def listener(machine, *words):
    """A Job of the tool in the guest that is on the bus, under the guest's name."""
    before = named(machine.name)    # who died there may be listed as live
    job = machine.spawn(tool(machine, *words))

    def look():
        entry = named(machine.name)
        if entry and entry != before:
            return entry
        assert not job.ended(), f'{job.command} ended: {job.output()}'
        return None
    until(look, f'{machine.name} is live', 30, 0.05)
    return job


def generate(blocks=None):
    """Shell words that write that many blocks, or blocks without end."""
    if blocks is None:
        return f'while cat {BLOCK}; do :; done'
    return f'for i in $(seq {blocks}); do cat {BLOCK}; done'


def sender(machine, to, *words, blocks=None):
    """A Job in the guest that sends one message of blocks; None: without end."""
    send = tool(machine, '-v', *words, 'send -w 30 -f -', to)
    return machine.spawn(f"sh -c '{{ {generate(blocks)}; }} 2>/dev/null | {send}'")


def receiving(machine, size=1 << 20):
    """Waits until that much has come to a receiver() there."""
    until(lambda: machine.run(f'[ $(stat -c %s /tmp/in 2>/dev/null || echo 0)'
                              f' -ge {size} ]')[0] == 0,
          f'{machine.name}: {size} bytes have come', 60, 0.05)


def told(text):
    """(bytes, checksum) of the transfers that -v told of."""
    return [(int(m[0]), m[1]) for m in
            re.findall(r'(?:sent|received) (\d+) bytes in .* XXH3 (\w+)', text)]


# ---- the memory, as a raw peer sees it ------------------------------------------------

def header(memory):
    """Places in the memory: doc/layout.md."""
    assert bytes(memory[:7]) == b'BELRING', bytes(memory[:8])
    bus_size, = struct.unpack_from('<Q', memory, 24)
    slots, slot_count, links, link_count = struct.unpack_from('<4I', memory, 48)
    return bus_size, slots, slot_count, links, link_count


def in_use(memory):
    """(slots that are not free, links of which an end is there).

    A link whose ends are both gone is for whoever needs one next.
    """
    _, slots, slot_count, links, link_count = header(memory)

    def words(start, count):
        return [struct.unpack_from('<Q', memory, start + 256 * i)[0]
                for i in range(count)]
    slot = words(slots, slot_count)

    def there(number, incarnation):
        return slot[number] & 15 in (1, 2) and slot[number] >> 28 & 0xfffff == incarnation
    return (sum(w & 15 != 0 for w in slot),
            sum(w & 15 != 0 and (there(w >> 4 & 0x3ff, w >> 24 & 0xfffff)
                                 or there(w >> 14 & 0x3ff, w >> 44))
                for w in words(links, link_count)))


def subscribed(memory):
    """How many live peers want some topic."""
    _, slots, slot_count, _, _ = header(memory)
    return sum(memory[at] & 15 == 2 and any(memory[at + 192:at + 256])
               for at in range(slots, slots + 256 * slot_count, 256))
