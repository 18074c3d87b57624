# SPDX-License-Identifier: BSD-2-Clause
"""The contract program against the stand-in driver, and each against the other.

The program has to pass on a stand-in that does as the real driver does, in all of
its variants, and to fail at the right line on one that breaks a rule.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [_HERE, os.path.join(_HERE, '..'), os.path.join(_HERE, '..', 'guest')]

import tap                                    # noqa: E402 (after the path)
import vm                                     # noqa: E402
import wine                                   # noqa: E402
import ivshmem                                # noqa: E402 (vm.py knows where)
from children import Child, until             # noqa: E402

CONTRACT = os.path.join(wine.BUILD, 'bellring-contract.exe')
VECTORS = 16
PLAIN = 1            # number of the ivshmem-plain device
MODES = ('PerHandle', 'NotReady', 'Granted', 'MapFails', 'Mute', 'Broken')
# standin.h, enum breakage: the number, and words of the line that has to fail.
BREAKAGES = [
    ('a wrong error code', 1, 'PEERID answers'),
    ('an event is not cleared', 2, 'REGISTER clears'),
    ('events in the reverse order', 3, 'of two events'),
    ('a slot too few', 4, 'a device has 32 events'),
    ('slots of closed handles stay', 5, 'closing the handle gives its events'),
    ('single shots stay', 6, 'a single shot fires once'),
    ('the wrong vector', 7, 'ringing oneself'),
    ('anybody may ring', 8, 'without a mapping'),
]


class Rig:
    """One Wine for all cases: a doorbell device and a plain one."""

    def __init__(self):
        self.windows = self.server = None

    def up(self):
        if self.windows:
            return
        if not os.path.exists(CONTRACT):
            tap.missing_thing(f'{CONTRACT} is not built')
        wine.need()
        try:
            self.server = vm.Server(vectors=VECTORS).__enter__()
        except vm.Missing as e:
            tap.missing_thing(str(e))
        self.memory = tempfile.NamedTemporaryFile(prefix='bellring-plain-')
        self.memory.truncate(1 << 20)
        self.windows = wine.Wine(wine.Device(self.server.path, VECTORS),
                                 wine.Device(memory=self.memory.name)).__enter__()

    def down(self):
        if self.windows:
            self.windows.__exit__()
        if self.server:
            self.server.__exit__()


rig = Rig()


def contract(device=0, status=0, **modes):
    """Runs it in these modes, and no others: {number: (verdict, line)}."""
    rig.up()
    rig.windows.set(device, **dict({m: None for m in MODES}, **modes))
    run = rig.windows.run(CONTRACT, device, seconds=60)
    said = run.check(status)
    lines = re.findall(r'^(ok|not ok|skip) (\d+) - (.*)$', said, re.M)
    assert [int(n) for _, n, _ in lines] == list(range(1, len(lines) + 1)), said
    assert len(lines) > 20, said
    return [(verdict, line) for verdict, _, line in lines]


def having(lines, verdict):
    return [line for v, line in lines if v == verdict]


def one(lines, words):
    found = [(v, line) for v, line in lines if words in line]
    assert len(found) == 1, (words, found)
    return found[0]


@tap.case
def one_mapping_a_device():
    lines = contract()
    assert not having(lines, 'not ok'), lines
    assert having(lines, 'skip') == ['handles share the 32 events: one mapping a device']
    assert 'one mapping a device' in one(lines, 'MMAP while mapped')[1]
    assert f'{VECTORS} vectors' in one(lines, 'ringing oneself')[1]


@tap.case
def one_mapping_a_handle():
    lines = contract(PerHandle=1)
    assert not having(lines, 'not ok') + having(lines, 'skip'), lines
    assert 'one mapping a handle' in one(lines, 'MMAP while mapped')[1]


@tap.case
def not_ready_yet():
    lines = contract(NotReady=5)
    assert not having(lines, 'not ok'), lines
    assert '5 requests failed' in one(lines, 'becomes ready')[1]


@tap.case
def fewer_vectors_granted():
    lines = contract(Granted=3)
    assert not having(lines, 'not ok'), lines
    assert '3 vectors' in one(lines, 'ringing oneself')[1]


@tap.case
def no_vectors_granted():
    lines = contract(Granted=0)
    assert not having(lines, 'not ok'), lines
    assert one(lines, 'ringing oneself')[0] == 'skip'


@tap.case
def plain_memory():
    lines = contract(PLAIN)
    assert not having(lines, 'not ok'), lines
    assert ': id 0' in one(lines, 'PEERID answers')[1]
    assert f'{1 << 20} bytes' in one(lines, 'SIZE answers')[1]


@tap.case
def mapping_fails():
    lines = contract(status=1, MapFails=1)
    verdict, line = one(lines, 'MMAP maps in all')
    assert verdict == 'not ok' and 'error 1117' in line, line


@tap.case
def interrupts_are_lost():
    lines = contract(status=1, Mute=1)
    verdict, line = one(lines, 'ringing oneself')
    assert verdict == 'not ok' and 'no interrupt' in line, line


@tap.cases(BREAKAGES)
def is_found(_, number, words):
    lines = contract(status=1, Broken=number)
    assert one(lines, words)[0] == 'not ok', lines


@tap.case
def memory_is_the_servers():
    """What the stand-in maps is what other peers have."""
    with ivshmem.Client(rig.server.path, VECTORS) as peer:
        peer.map[:8] = b'not zero'
        lines = contract()
        peer.map[:8] = bytes(8)
    assert 'not all zero' in one(lines, 'the memory is as large')[1]
    assert 'all zero' in one(contract(), 'the memory is as large')[1]


@tap.case
def device_that_comes_and_goes():
    rig.up()
    number = 2
    rig.windows.add(wine.Device(rig.server.path, VECTORS))
    assert not having(contract(number), 'not ok')
    rig.windows.remove(number)
    run = rig.windows.run(CONTRACT, number)
    assert run.status == 2, run.out


@tap.case
def no_server():
    """What keeps a device from starting is said, and by whom."""
    rig.up()
    run = rig.windows.run(wine.INSTALLER, 'add', rig.windows.inf(), 'Slot=30',
                          'Socket=/nonexistent/socket')
    assert run.status == 1 and 'refused' in run.err, run.err


def of_prefix(prefix):
    """Process ids of all that run in it."""
    found = []
    for entry in os.listdir('/proc'):
        try:
            with open(f'/proc/{entry}/environ', 'rb') as f:
                if f'WINEPREFIX={prefix}\0'.encode() in f.read():
                    found.append(int(entry))
        except (OSError, ValueError):
            pass
    return found


@tap.case
def nothing_outlives_a_killed_program():
    rig.up()
    code = (f'import sys, time; sys.path.insert(0, {_HERE!r}); import wine\n'
            f'w = wine.Wine(wine.Device({rig.server.path!r})).__enter__()\n'
            'print(w.prefix, flush=True); time.sleep(1000)')
    with Child([sys.executable, '-c', code], stdout=subprocess.PIPE) as child:
        prefix = child.process.stdout.readline().decode().strip()
        assert of_prefix(prefix), child.said()
        child.kill()
    until(lambda: not of_prefix(prefix), 'its Wine ends')
    shutil.rmtree(os.path.dirname(prefix))


@tap.case
def no_such_device():
    rig.up()
    run = rig.windows.run(CONTRACT, 7)
    assert run.status == 2 and 'number 7' in run.err, run.err


try:
    tap.main()
finally:
    rig.down()
