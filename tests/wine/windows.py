# SPDX-License-Identifier: BSD-2-Clause
"""Windows peers beside the host's: one Wine with two devices at rig.py's server.

    import windows
    @windows.case
    def hello():
        child = windows.listen(0, 'recv')     # on the bus, as "win0"
        windows.run(1, 'send', 'win0', 'hello')

What is at device 0 is called win0, what is at device 1 win1. Wine is started when
first wanted, and ended with the program; what a case starts ends with it.
"""
import atexit
import contextlib
import functools
import os
import subprocess
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(_HERE, '..', part) for part in ('guest', '', 'device')]

import rig as rigs                            # noqa: E402 (after the path)
import cross                                  # noqa: E402
import tap                                    # noqa: E402
import wine                                   # noqa: E402
from children import Child, until                    # noqa: E402
from rig import named, objects, rig           # noqa: E402

SECONDS = 30    # deadline of a program that has little to do
DEVICES = 2

_tool = _wine = None
_started = []    # (device, Child)


def tool():
    """Path of bellring.exe, built when first wanted."""
    global _tool                               # pylint: disable=global-statement
    if not _tool:
        try:
            cross.make('windows', 'bellring.exe')
        except cross.Missing as e:
            tap.missing_thing(str(e))
        _tool = os.path.join(cross.folder('windows'), 'bellring.exe')
    return _tool


def machine():
    """The Wine."""
    global _wine                               # pylint: disable=global-statement
    tool()
    if not _wine:
        server = rig.server
        _wine = wine.Wine(*[wine.Device(server.path, rigs.VECTORS)] * DEVICES).__enter__()
        atexit.register(close)
    return _wine


def close():
    global _wine                               # pylint: disable=global-statement
    if _wine:
        _wine.__exit__()
    _wine = None


def words(number, *args):
    """Arguments of the tool at that device, under its name."""
    return ['-a', f'pci:{machine().address(number)}', '--name', f'win{number}',
            *map(str, args)]


def run(number, *args, status=0, seconds=SECONDS):
    """Standard output of a command, which ends with that status."""
    return machine().run(tool(), *words(number, *args), seconds=seconds).check(status)


def start(number, *args, **pipes):
    child = machine().start(tool(), *words(number, *args), **pipes)
    _started.append((number, child))
    return child


def _end_programs():
    """Returns when their devices are free: Wine tells the driver a little later."""
    devices = {number for number, child in _started if child.alive()}
    for _, child in _started:
        child.kill()
    _started.clear()
    for number in devices:
        until(lambda n=number: machine().run(tool(), *words(n, 'info')).status == 0,
              f'device {number} is free', SECONDS, 0.05)


def case(fn):
    """As tap.case."""
    @functools.wraps(fn)
    def alone():
        try:
            fn()
        finally:
            _end_programs()
    return tap.case(alone)


def listen(number, *args, **pipes):
    """A Child that is on the bus."""
    name = f'win{number}'
    before = named(name)    # who died there may be listed as live
    child = start(number, *args, **pipes)

    def look():
        child.check()
        entry = named(name)
        return entry if entry != before else None
    until(look, f'{name} is live', SECONDS, 0.05)
    return child


def sees(number, name):
    """The entry of a live peer of that name, as a program at that device has it."""
    found = objects(run(number, '--json', 'peers'))
    return next((p for p in found if p['name'] == name and p['state'] == 'live'), None)


@contextlib.contextmanager
def zeroes():
    """The end of a pipe that brings zeroes without end."""
    with Child(['cat', '/dev/zero'], stdout=subprocess.PIPE) as child:
        yield child.process.stdout
