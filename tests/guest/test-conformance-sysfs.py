# SPDX-License-Identifier: BSD-2-Clause
"""The conformance suite on the sysfs port; see conformance.py.

No driver, no IOMMU: the port that is left.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import conformance                            # noqa: E402 (after the path)


def nothing(_machine, _addresses):
    pass


if __name__ == '__main__':
    sys.exit(conformance.main('sysfs', nothing, shared=True, iommu=False))
