# SPDX-License-Identifier: BSD-2-Clause
"""An aarch64 guest with an x86 host, on each port: `make check-guest`.

The machine is emulated (arm64.py): memory orders, page mappings, SMMUv3 and the
GIC's ITS are those of another architecture than in test-guest.py, so what depends
on them is shown again here. GUEST_CASES narrows a run, as arguments do.
"""
import atexit
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rig import (VECTORS, ended, file_from, file_to, host,  # noqa: E402
                 host_start, interrogate, live,
                 objects, rig, watcher_id)
import arm64                                  # noqa: E402 (rig.py knows where)
import tap                                    # noqa: E402
from children import until                    # noqa: E402
from kernel import Missing                    # noqa: E402

FILE_SIZE = 64 << 20
SLEEP_SECONDS = 10
SLEEP_CPU_NS = 10_000_000
QUESTIONS = 16 * VECTORS
PORTS = [('vfio',), ('module',)]


class Machine:
    """Booted when first wanted, ended with the program."""

    def __init__(self):
        self._guest = None
        self._port = None
        self._lacks = None    # why the module cannot be built

    def _boot(self):
        programs = arm64.programs('bellring-static', 'tests/guest/port-probe')
        modules = {}
        try:
            modules = arm64.modules()
        except Missing as e:
            self._lacks = str(e)
        self._guest = arm64.Guest('arm', rig.server, vectors=VECTORS, programs=programs,
                                  extra_modules=modules).__enter__()
        atexit.register(self._guest.close)

    def on(self, port):
        """The guest, its device served by that port."""
        try:
            if not self._guest:
                self._boot()
        except Missing as e:
            tap.missing_thing(str(e))
        if port == 'module' and self._lacks:
            tap.missing_thing(self._lacks)
        if port != self._port:
            self._guest.check(f'bellring -a pci: bind --driver {port}')
            self._port = port
        return self._guest


machine = Machine()


def info(guest):
    return objects(guest.check('bellring -a pci: --json info'))[0]


@tap.cases(PORTS)
def the_device_is_opened(port):
    guest = machine.on(port)
    assert 'aarch64' in guest.check('uname -m')
    about = info(guest)
    assert (about['port'], about['vectors']) == (port, VECTORS), about


# ---- interrupts ----------------------------------------------------------------------

@tap.cases(PORTS)
def host_rings_every_vector_of_the_guest(port):
    guest = machine.on(port)
    me = info(guest)['id']
    job = guest.spawn(f'bellring -a pci: --json watch -c {VECTORS}')
    until(lambda: 'watching as' in job.output(), 'the watcher is ready', 20, 0.05)
    for vector in range(VECTORS):
        host('ring', str(me), str(vector))
    status, text = job.wait()
    assert status == 0, text
    got = [o['vector'] for o in objects(text)]
    assert sorted(got) == list(range(VECTORS)), got


@tap.cases(PORTS)
def guest_rings_every_vector_of_the_host(port):
    guest = machine.on(port)
    with host_start('--json', 'watch', '-c', str(VECTORS)) as watch:
        me = watcher_id(watch)
        guest.check(f'for v in $(seq 0 {VECTORS - 1}); do '
                    f'bellring -a pci: ring {me} $v || exit 1; done', 60)
        got = [o['vector'] for o in objects(ended(watch))
               if o['event'] == 'interrupt']
    assert sorted(got) == list(range(VECTORS)), got


@tap.case
def the_bare_port_answers_on_every_vector():
    guest = machine.on('vfio')
    interrogate(guest, '', rig.server.path, VECTORS, info(guest)['bus'], QUESTIONS)


@tap.cases(PORTS)
def a_thousand_sleeps_wake_both_sides(port):
    """Round trips by interrupt, each side asleep in between; none is lost."""
    guest = machine.on(port)
    job = guest.spawn('bellring -a pci: --name mirror bench --serve')
    live('mirror')
    out = host('--json', 'bench', 'mirror', '--load', 'trip', '--rounds', '2',
               '--count', '500', '--sizes', '8,1024', seconds=180)
    trips = [o for o in objects(out) if o['type'] == 'latency']
    assert trips and all(o['samples'] == 1000 for o in trips), trips
    job.kill('TERM')
    assert job.wait()[0] == 0


# ---- messages ------------------------------------------------------------------------

@tap.cases(PORTS)
def a_file_of_64_mib_from_host_to_guest(port):
    file_to(machine.on(port), FILE_SIZE)


@tap.cases(PORTS)
def a_file_of_64_mib_from_guest_to_host(port):
    file_from(machine.on(port), FILE_SIZE)


# ---- sleep ---------------------------------------------------------------------------

@tap.cases(PORTS)
def a_receiver_in_the_guest_sleeps(port):
    """10 s of waiting cost under 10 ms of CPU, by the guest's scheduler."""
    guest = machine.on(port)
    job = guest.spawn('bellring -a pci: --name guest recv')
    live('guest')
    before = guest.cpu_ns(job.pid)
    assert before > 0, 'this clock does not run'
    guest.check(f'sleep {SLEEP_SECONDS}', SLEEP_SECONDS + 20)
    used = guest.cpu_ns(job.pid) - before
    host('send', 'guest', 'awake?')
    assert job.wait() == (0, 'awake?')
    print(f'# {used / 1e6:.3f} ms of CPU in {SLEEP_SECONDS} s')
    assert used < SLEEP_CPU_NS, f'{used} ns of CPU'


if __name__ == '__main__':
    sys.argv += os.environ.get('GUEST_CASES', '').split()
    tap.main()
