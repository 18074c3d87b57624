#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The conformance suite as a Windows program under Wine: each of its cases is one here.

conformance-win.c runs it, in one process, on the stand-in's devices at one server.
Arguments and GUEST_CASES narrow a run, as tests/guest/conformance.py says.
"""
import os
import re
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(_HERE, '..', part) for part in ('guest', '', 'device')]

import conformance                            # noqa: E402 (after the path)
import cross                                  # noqa: E402
import libcheck                               # noqa: E402
import tap                                    # noqa: E402
import vm                                     # noqa: E402
import wine                                   # noqa: E402
from children import until                    # noqa: E402

PROGRAM = 'tests/wine/conformance-win.exe'
PORT = 'driver'
CASE_SECONDS = 180    # deadline of one case; check has none without fork


def build():
    cross.make('windows', PROGRAM, *libcheck.words())
    return os.path.join(cross.folder('windows'), PROGRAM)


def follow(job, report):
    """Shows each case as it ends; returns the program's status."""
    shown = 0
    while True:
        def more(seen=shown):
            over = not job.alive()    # before the look: nothing comes after it
            lines = job.said().split('\n')[:-1][seen:]
            return (over, lines) if over or lines else None
        over, lines = until(more, 'the next case ends', CASE_SECONDS, 0.05)
        for text in lines:
            report.line(text.rstrip('\r'))
        shown += len(lines)
        if over:
            return job.wait()


def run(report, words):
    program = build()
    cases = '' if {'conformance', PORT} & set(words) else ' '.join(words)
    with vm.Server(size=conformance.SIZE, vectors=conformance.VECTORS) as server:
        devices = [wine.Device(server.path, conformance.VECTORS)] * conformance.PEERS
        with wine.Wine(*devices) as windows:
            addresses = [f'pci:{windows.address(i)}' for i in range(len(devices))]
            return follow(windows.start(program, *addresses, env={'CASES': cases}), report)


def main():
    words = [re.sub(r'\W+', '_', word.lower())
             for word in sys.argv[1:] + os.environ.get('GUEST_CASES', '').split()]
    report = conformance.Report(PORT)
    try:
        status = run(report, words)
    except (vm.Missing, tap.Skip) as e:
        return conformance.skip(str(e))
    except AssertionError as e:
        print('\n'.join('# ' + text for text in str(e).splitlines()))
        report.say(False, 'runs to its end')
        status = 1
    if status not in (0, 1):
        report.say(False, f'ends with status {status}')
    if not report.count and not status:
        print(f'1..0 # SKIP no case is called {" or ".join(words)}')
        return 0
    print(f'1..{report.count}', flush=True)
    return status and 1


if __name__ == '__main__':
    sys.exit(main())
