# SPDX-License-Identifier: BSD-2-Clause
"""What the tests on guests share: one server, one guest, the tool on the host.

Host and guest run the same bellring-static. The server's memory is 64 MiB, half
of it for the bus.
"""
import atexit
import hashlib
import json
import os
import random
import re
import signal
import struct
import subprocess
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [_HERE, os.path.join(_HERE, '..')]

import tap                                    # noqa: E402 (after the path)
import kernel as kernels                      # noqa: E402
import kmod                                   # noqa: E402
import vm                                     # noqa: E402
import ivshmem                                # noqa: E402 (vm.py knows where)
from children import Child, until             # noqa: E402
from keeper import end_keeper                 # noqa: E402

VECTORS = 16
TOOL = os.path.join(vm.BUILD, 'bellring-static')
PROBE = os.path.join(vm.BUILD, 'tests', 'guest', 'port-probe')
PROGRAMS = {'bellring': TOOL, 'port-probe': PROBE}


def guest(name, server, **options):
    """A Guest with our programs; a missing tool is a skip that names it."""
    try:
        return vm.Guest(name, server, programs=PROGRAMS, **options)
    except vm.Missing as e:
        return tap.missing_thing(str(e))


def with_module(name, **options):
    """A Guest whose device our kernel module can have; nothing is bound yet."""
    try:
        module = kmod.build(kernels.find())
    except vm.Missing as e:
        return tap.missing_thing(str(e))
    return guest(name, rig.server, vectors=VECTORS, extra_modules=module, **options)


# ---- the shared server and guest ---------------------------------------------------

class Kept(vm.Server):
    """A server with a keeper: it can die and come again."""

    def __init__(self, *options, **how):
        super().__init__('--keep', '--log-rate', '0', *options, **how)

    def die(self):
        if self._child:
            self._child.__exit__(None, None, None)
            self._child = None

    def again(self):
        self.__enter__()

    def upgrade(self):
        """Has it execute its program anew; returns when that serves."""
        served = self.said().count('listening on')
        os.kill(self.child.pid, signal.SIGHUP)
        until(lambda: self.child.check() or self.said().count('listening on') > served,
              'the new program serves')

    def __exit__(self, *what):
        self.die()
        end_keeper(self.path)
        super().__exit__(*what)


class Rig:
    """Started when first wanted, ended with the program."""

    server_class = vm.Server   # to be set before that

    def __init__(self):
        self._server = self._guest = None
        atexit.register(self.close)

    @property
    def server(self):
        if not self._server:
            try:
                # half for the bus, half for raw memory
                self._server = self.server_class('--bus', '32M', size='64M',
                                                 vectors=VECTORS).__enter__()
            except vm.Missing as e:
                tap.missing_thing(str(e))
        return self._server

    def unbound(self):
        """The guest, with its device free of any driver."""
        if not self._guest:
            machine = guest('guest', self.server, vectors=VECTORS,
                            modules=('pci-stub',))
            self._guest = machine.__enter__()
        elif self._guest.run('ls /sys/bus/pci/drivers/vfio-pci/0*')[0] == 0:
            self._guest.reset()
        return self._guest

    def bound(self):
        machine = self._guest or self.unbound()
        machine.check('bellring -a pci: bind')
        return machine

    def kill_guest(self):
        self._guest.kill()
        self._guest.close()
        self._guest = None

    def close(self):
        if self._guest:
            self._guest.close()
        if self._server:
            self._server.__exit__()
        self._guest = self._server = None


rig = Rig()


# ---- the tool, on the host -----------------------------------------------------------

def host(*args, status=0, seconds=60):
    """Output of a command of the tool on the host."""
    run = subprocess.run([TOOL, '-a', rig.server.address, *args],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, timeout=seconds, check=False)
    said = run.stderr.decode(errors='replace')
    assert run.returncode == status, f'{args}: status {run.returncode}: {said}'
    return run.stdout.decode(errors='replace')


def host_start(*args):
    """A command of the tool in the background on the host: a Child."""
    return Child([TOOL, '-a', rig.server.address, *args])


def ended(child, seconds=30):
    """What a Child said, which must end with status 0."""
    status = child.wait(seconds)
    assert status == 0, f'{child.name}: status {status}: {child.said()}'
    return child.said()


def objects(text):
    """The JSON objects in it; a Child and a job in the guest merge in stderr."""
    return [json.loads(line) for line in text.splitlines() if line.startswith('{')]


def peers():
    """{id: entry} as the host sees it; the highest id is the looker's own."""
    return {p['id']: p for p in objects(host('--json', 'peers'))}


def named(name):
    """The entry of a live peer of that name, or None."""
    return next((p for p in peers().values()
                 if p['name'] == name and p['state'] == 'live'), None)


def live(name):
    return until(lambda: named(name), f'{name} is live', 30, 0.05)


def watcher_id(watch):
    """Id of a started `bellring watch`, which says it once it is ready."""
    def look():
        watch.check()
        return re.search(r'watching as id (\d+), ', watch.said())
    return int(until(look, 'the watcher is ready', 20).group(1))


def info(machine):
    return json.loads(machine.check('bellring -a pci: --json info'))


def fails(machine, command, *words, status=1):
    """The command ends with that status and tells of all these words."""
    got, text = machine.run(command)
    assert got == status, f'{command}: status {got}: {text}'
    for word in words:
        assert word in text, f'{command}: no "{word}" in: {text}'


# ---- files --------------------------------------------------------------------------

def file_to(machine, size):
    """Random bytes from the host into a file of the guest; sha256sum compares."""
    job = machine.spawn('bellring -a pci: --name guest recv -o /tmp/in')
    live('guest')
    data = random.randbytes(size)
    path = os.path.join(os.path.dirname(rig.server.path), 'out')
    with open(path, 'wb') as f:
        f.write(data)
    host('--name', 'host', 'send', 'guest', '-f', path, seconds=120)
    os.remove(path)
    status, text = job.wait(120)
    assert status == 0, text
    digest = machine.check('sha256sum /tmp/in && rm /tmp/in', 120).split()[0]
    assert digest == hashlib.sha256(data).hexdigest()


def file_from(machine, size):
    """The other way round; size in whole MiB."""
    digest = machine.check(f'dd if=/dev/urandom of=/tmp/out bs=1M count={size >> 20} '
                           '2>/dev/null; sha256sum /tmp/out', 180).split()[0]
    path = os.path.join(os.path.dirname(rig.server.path), 'in')
    with host_start('--name', 'host', 'recv', '-o', path) as receiver:
        live('host')
        machine.check('bellring -a pci: --name guest send host -f /tmp/out', 120)
        ended(receiver, 60)
    with open(path, 'rb') as f:
        data = f.read()
    os.remove(path)
    machine.check('rm /tmp/out')
    assert len(data) == size
    assert hashlib.sha256(data).hexdigest() == digest


# ---- interrupts, raw ----------------------------------------------------------------

def armed(machine):
    """Waits until some process in the guest has all vectors."""
    def look():
        status, text = machine.run('grep -c vfio-msix /proc/interrupts')
        return status == 0 and int(text) == VECTORS
    until(look, 'all vectors have a handler in the guest', 20, 0.05)


def interrogate(machine, address, server_path, vectors, offset, count):
    """Asks the probe in the guest count times, and checks each answer."""
    with ivshmem.Client(server_path, vectors) as client:
        job = machine.spawn(f'port-probe "{address}" {offset} {client.id} {count}')
        until(lambda: 'ready' in job.output() or job.ended(), 'probe', 20, 0.05)
        words = job.output().split()
        assert words[:1] == ['ready'], words
        peer = int(words[1])
        assert [int(w) for w in words[2:]] == [client.size, vectors], words
        for i in range(count):
            vector, question = i % vectors, random.getrandbits(32)
            at = offset + 128 * vector
            struct.pack_into('<I', client.map, at, question)
            client.ring(peer, vector)
            client.wait_interrupt(vector)
            answer, = struct.unpack_from('<I', client.map, at + 64)
            assert answer == question ^ 0xffffffff, f'round {i}: stale memory'
        status, text = job.wait()
        assert status == 0, text
