# SPDX-License-Identifier: BSD-2-Clause
"""Instructions of a send and of a receive, as callgrind counts them.

    make bench-instructions                           a table
    make bench-instructions BENCH_FLAGS=--json        an object a row
    make bench-instructions BENCH_FLAGS=--markdown    as doc/performance.md has it

Free of noise: the same program gives the same counts. The kernel's are not in it.
"""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(_HERE, '..')]

from served import BUILD, Server     # noqa: E402 (after the path)

PROGRAM = os.path.join(BUILD, 'tests', 'bench', 'instructions')
ROUNDS = 1000       # as in instructions.c
TIMEOUT = 120       # seconds
# (mode, state, bytes): test-instructions.py allows so many, both sides together
BOUNDS = [
    ('poll', 'awake', 8, 250), ('poll', 'awake', 64, 250), ('poll', 'awake', 256, 380),
    ('poll', 'awake', 1024, 590), ('poll', 'awake', 4096, 1230),
    ('interrupt', 'awake', 8, 280), ('interrupt', 'awake', 64, 280),
    ('interrupt', 'awake', 256, 380), ('interrupt', 'awake', 1024, 590),
    ('interrupt', 'awake', 4096, 1230),
    ('interrupt', 'sleep', 64, 1320), ('interrupt', 'sleep', 4096, 2400)]
ROW = re.compile(r'(poll|only|interrupt)_(awake|sleep)_(\d+)')
MODES = {'poll': 'poll', 'only': 'poll only', 'interrupt': 'interrupt'}


class Wrong(Exception):
    """callgrind or the program did not do it."""


class Unreadable(Wrong):
    """valgrind does not know the debug information of the compiler that built it."""


def run(out):
    """The program under callgrind, in a file."""
    libtool = os.path.join(BUILD, 'libtool')
    with Server('--ring-size', '1M') as server:
        done = subprocess.run(
            [libtool, '--mode=execute', 'valgrind', '--tool=callgrind',
             f'--callgrind-out-file={out}', '--compress-strings=no', PROGRAM,
             f'unix:{server.path}'], capture_output=True, text=True, timeout=TIMEOUT)
    if done.returncode and 'debuginfo reader' in done.stderr:
        raise Unreadable('valgrind cannot read this debug information; '
                         'build with -gdwarf-4')
    if done.returncode:
        raise Wrong(f'status {done.returncode}: {done.stderr[-2000:]}')


def calls(path):
    """(caller, called): instructions with all that was called, per call."""
    caller = called = count = None
    spent, times = collections.Counter(), collections.Counter()
    with open(path, encoding='utf-8') as f:
        for line in f:
            if line.startswith('fn='):
                caller = line[3:].strip()
            elif line.startswith('cfn='):
                called = line[4:].strip()
            elif line.startswith('calls='):
                count = int(line[6:].split()[0])
            elif count is not None:
                spent[caller, called] += int(line.split()[1])
                times[caller, called] += count
                count = None
    return {key: (spent[key], times[key]) for key in spent}


def rows(path):
    """One object a row of the table."""
    table = collections.defaultdict(lambda: [0, 0])
    for (caller, called), (spent, times) in calls(path).items():
        row = ROW.fullmatch(caller)
        if row and called in ('bell_send', 'bell_recv'):
            if times % ROUNDS:
                raise Wrong(f'{caller} called {called} {times} times')
            table[row.groups()][called == 'bell_recv'] += spent / ROUNDS
    for (mode, state, size), (send, receive) in table.items():
        yield {'type': 'instructions', 'mode': MODES[mode], 'state': state, 'size': int(size),
               'send': round(send, 1), 'receive': round(receive, 1),
               'both': round(send + receive, 1)}


def count():
    """All rows, in order of size."""
    with tempfile.TemporaryDirectory(prefix='bellring-') as folder:
        out = os.path.join(folder, 'callgrind.out')
        run(out)
        found = sorted(rows(out), key=lambda r: (r['mode'], r['state'], r['size']))
    if len(found) != 20:
        raise Wrong(f'{len(found)} rows instead of 20: was it built with -g0, or inlined?')
    return found


def print_markdown(found):
    bounds = {row[:3]: row[3] for row in BOUNDS}
    print('| receiver | bytes | send | receive | both | bound in the test |\n'
          '|---|--:|--:|--:|--:|--:|')
    for o in sorted(found, key=lambda o: (o['mode'] == 'interrupt', o['mode'], o['state'],
                                          o['size'])):
        bound = bounds.get((o['mode'], o['state'], o['size']), '')
        print(f'| {o["mode"]}, {o["state"]} | {o["size"]} | {o["send"]:.0f} | '
              f'{o["receive"]:.0f} | {o["both"]:.0f} | {bound} |')


def main():
    found = count()
    if '--markdown' in sys.argv[1:]:
        print_markdown(found)
        return
    if '--json' in sys.argv[1:]:
        for row in found:
            print(json.dumps(row))
        return
    print(f'{"RECEIVER":18} {"BYTES":>6} {"SEND":>8} {"RECEIVE":>8} {"BOTH":>8}')
    for row in found:
        print(f'{row["mode"] + ", " + row["state"]:18} {row["size"]:6} {row["send"]:8.1f} '
              f'{row["receive"]:8.1f} {row["both"]:8.1f}')


if __name__ == '__main__':
    try:
        main()
    except (Wrong, OSError, subprocess.TimeoutExpired) as e:
        sys.exit(f'bench-instructions: {e}')
