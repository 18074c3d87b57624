# SPDX-License-Identifier: BSD-2-Clause
"""The conformance suite on the vfio port; see conformance.py."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import conformance                            # noqa: E402 (after the path)


def bind(machine, addresses):
    for address in addresses:
        machine.check(f'bellring -a {address} bind')


if __name__ == '__main__':
    sys.exit(conformance.main('vfio', bind))
