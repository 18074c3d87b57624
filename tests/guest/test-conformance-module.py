# SPDX-License-Identifier: BSD-2-Clause
"""The conformance suite on our kernel module; see conformance.py.

Two peers a device: processes share it.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import conformance                            # noqa: E402 (after the path)
import kernel                                 # noqa: E402
import kmod                                   # noqa: E402


def load(machine, _addresses):
    machine.check('modprobe ivshmem_doorbell')


def main():
    try:
        module = kmod.build(kernel.find())
    except kernel.Missing as e:
        return conformance.skip(str(e))
    return conformance.main('module', load, shared=True, iommu=False,
                            extra_modules=module)


if __name__ == '__main__':
    sys.exit(main())
