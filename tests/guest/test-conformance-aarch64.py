# SPDX-License-Identifier: BSD-2-Clause
"""The conformance suite on aarch64, by vfio; see conformance.py and arm64.py."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import arm64                                  # noqa: E402 (after the path)
import conformance                            # noqa: E402


def bind(machine, addresses):
    for address in addresses:
        machine.check(f'bellring -a {address} bind --driver vfio')


def programs():
    return arm64.programs('bellring-static', 'tests/guest/conformance-guest')


if __name__ == '__main__':
    sys.exit(conformance.main('vfio', bind, boot=arm64.Guest, programs=programs))
