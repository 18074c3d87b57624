#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Parts of the port for Windows one by one, under Wine: test-port.c. No device."""
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(_HERE, '..', part) for part in ('', 'device', 'guest')]

import conformance                            # noqa: E402 (after the path)
import cross                                  # noqa: E402
import libcheck                               # noqa: E402
import tap                                    # noqa: E402
import vm                                     # noqa: E402
import wine                                   # noqa: E402

PROGRAM = 'tests/wine/test-port.exe'


def main():
    report = conformance.Report('units')
    try:
        cross.make('windows', PROGRAM, *libcheck.words())
        with wine.Wine() as windows:
            run = windows.run(os.path.join(cross.folder('windows'), PROGRAM))
    except (vm.Missing, tap.Skip) as e:
        return conformance.skip(str(e))
    for text in run.out.splitlines():
        report.line(text)
    if run.status not in (0, 1) or report.count == 0:
        print('\n'.join('# ' + text for text in (run.out + run.err).splitlines()))
        report.say(False, f'ends with status {run.status}')
    print(f'1..{report.count}', flush=True)
    return int(run.status != 0)


if __name__ == '__main__':
    sys.exit(main())
