# SPDX-License-Identifier: BSD-2-Clause
"""What a send and a receive take, in instructions: counted, so the same in every run.

The bounds of 64 bytes are the project's goals; the others hold what was reached, with
a tenth to spare for another compiler. doc/performance.md has the table.
"""
import os
import platform
import subprocess
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(_HERE, '..'), _HERE]

import instructions     # noqa: E402 (after the path)
import tap              # noqa: E402

_counted = {}


def counted():
    """Figures by row; callgrind runs once."""
    if platform.machine() != 'x86_64':
        raise tap.Skip(f'{platform.machine()}: the bounds are those of x86-64')
    tap.need('valgrind')
    if not _counted:
        about = subprocess.run([instructions.PROGRAM, '--built'], capture_output=True,
                               text=True, timeout=instructions.TIMEOUT)
        if about.stdout.strip() != 'optimized':
            raise tap.Skip(f'the build is {about.stdout.strip() or about.stderr.strip()}')
        try:
            found = instructions.count()
        except instructions.Unreadable as e:
            raise tap.Skip(str(e)) from e
        for row in found:
            _counted[row['mode'], row['state'], row['size']] = row
    return _counted


@tap.cases(instructions.BOUNDS, key=lambda row: f'{row[0]}, receiver {row[1]}, {row[2]} B: '
                                   f'at most {row[3]}')
def instructions_of_a_send_and_a_receive(mode, state, size, bound):
    row = counted()[mode, state, size]
    print(f'# {row["send"]} + {row["receive"]} = {row["both"]}')
    assert row['send'] > 40 and row['receive'] > 40, row
    assert row['both'] <= bound, row


@tap.case
def who_polls_for_good_spares_its_senders_the_look():
    sends = [counted()[mode, 'awake', 64]['send'] for mode in ('poll only', 'poll')]
    print('# {} instead of {}'.format(*sends))
    assert sends[0] < sends[1], sends


if __name__ == '__main__':
    tap.main()
