# SPDX-License-Identifier: BSD-2-Clause
"""What `bellring qemu` prints, given to a real QEMU: the device is there.

aarch64 needs qemu-system-aarch64 (Debian: qemu-system-arm).
"""
import json
import os
import shlex
import socket
import subprocess
import sys
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [_HERE, os.path.join(_HERE, '..')]

import tap                                    # noqa: E402 (after the path)
from children import Child, DEADLINE, until   # noqa: E402
from qtest import Lines, QEMU                 # noqa: E402
from rig import Bellring                      # noqa: E402

TOOL = os.path.join(os.environ.get('top_builddir', '.'), 'bellring')
DEVICE = {'vendor': 0x1af4, 'device': 0x1110}
MIB = 1 << 20


def words(address, *args):
    done = subprocess.run([TOOL, *(['-a', address] if address else []), 'qemu', *args],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=DEADLINE, check=False)
    assert done.returncode == 0, done
    return shlex.split(done.stdout)


class Machine(Child):
    """A QEMU with nothing in it but what these words give it; no CPU runs."""

    def __init__(self, argv, program=QEMU):
        control, qmp = socket.socketpair()
        self._qmp = Lines(control)
        with qmp:
            super().__init__(
                [program, '-accel', 'tcg', '-S', '-m', '128', '-nodefaults',
                 '-display', 'none', '-no-user-config',
                 '-chardev', f'socket,id=qmp,fd={qmp.fileno()}',
                 '-mon', 'chardev=qmp,mode=control', *argv],
                pass_fds=[qmp.fileno()])

    def _line(self):
        try:
            line = self._qmp.take(time.monotonic() + DEADLINE)
        except EOFError:
            until(lambda: self.check() or False, 'QEMU, which hung up, ends')
        assert line is not None, f'QEMU is silent: {self.said()}'
        return json.loads(line)

    def qmp(self, command):
        self._qmp.send(json.dumps({'execute': command}))
        while True:
            answer = self._line()
            assert 'error' not in answer, answer
            if 'return' in answer:
                return answer['return']

    def devices(self):
        """All on the first bus: {vendor, device}, and sizes of its regions."""
        assert 'QMP' in self._line()
        self.qmp('qmp_capabilities')
        bus, = [b for b in self.qmp('query-pci') if b['bus'] == 0]
        return [({k: d['id'][k] for k in DEVICE},
                 {r['bar']: r['size'] for r in d['regions']}) for d in bus['devices']]

    def __exit__(self, *what):
        super().__exit__(*what)
        self._qmp.sock.close()


def ours(machine):
    """The regions of the only ivshmem device."""
    regions, = [r for about, r in machine.devices() if about == DEVICE]
    return regions


@tap.cases([([], QEMU), (['--vfio'], QEMU), (['-n', '2', '--id', 'x.y-z'], QEMU),
            (['--vfio', '--arch', 'aarch64'], 'qemu-system-aarch64')],
           key=lambda row: ' '.join(row[0]) or 'as it is')
def a_machine_of_a_server(options, program):
    tap.need(program)
    with Bellring('-l', '2M', '--name', 'web') as rig:
        argv = words(f'unix:{rig.path}', *options)
        if '-M' not in argv:
            argv = ['-M', 'q35', *argv]
        with Machine(argv, program) as machine:
            regions = ours(machine)
            assert regions[2] == 2 * MIB and 1 in regions, regions
            # Its vectors are those of a peer that the server knows.
            with rig.new_client() as client:
                until(lambda: client.peers or client.news(1), 'the machine is a peer')


@tap.case
def a_machine_of_a_socket_with_marks():
    with Bellring('-l', '2M') as rig:
        path = os.path.join(rig.folder, "a,b 'c'")
        os.rename(rig.path, path)
        with Machine(['-M', 'q35', *words(f'unix:{path}')]) as machine:
            assert ours(machine)[2] == 2 * MIB
        os.rename(path, rig.path)


@tap.case
def a_machine_of_a_file():
    with Bellring('-l', '2M') as rig:    # for its folder
        path = os.path.join(rig.folder, 'a,memory')
        with open(path, 'wb') as f:
            f.truncate(4 * MIB)
        with Machine(['-M', 'q35', *words(None, '--plain', path)]) as machine:
            regions = ours(machine)
        assert regions[2] == 4 * MIB and 1 not in regions, regions


tap.main()
