# SPDX-License-Identifier: BSD-2-Clause
"""An aarch64 guest: vm.Guest on QEMU's machine "virt", emulated.

Its kernel and busybox are Debian's for arm64 (packages.py); its programs, and our
module for that kernel, are built in arm64/ below the build (../cross.py).
"""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

import cross                                  # noqa: E402 (after the path)
import kernel as kernels                      # noqa: E402
import packages                               # noqa: E402
import vm                                     # noqa: E402

QEMU = os.environ.get('QEMU_AARCH64', 'qemu-system-aarch64')
BUILD = cross.folder('arm64')
# SMMUv3: the IOMMU of vfio; its interrupts go through the GIC's ITS.
MACHINE = 'virt,gic-version=3'
IOMMU = ',iommu=smmuv3'
# It has PAN: for one without, Linux switches page tables at each system call, and
# QEMU flushes its TLB each time: a case of seconds then took minutes.
CPU = 'neoverse-n1'
CMDLINE = 'console=ttyAMA0 quiet panic=-1 mitigations=off random.trust_cpu=on'


MODULE = os.path.join(BUILD, 'guest-linux', 'kmod', 'build', 'ivshmem_doorbell.ko')


def programs(*names):
    """{name: path} for Guest, of what is built now; Missing says what lacks."""
    if not shutil.which(QEMU):
        raise packages.Missing(f'{QEMU} not found (Debian: {Guest.package})')
    cross.make('arm64', *names)
    found = {os.path.basename(n).removesuffix('-static'): os.path.join(BUILD, n)
             for n in names}
    return {'busybox': packages.busybox('arm64'), **found}


def modules():
    """{name: path} for Guest: our module, built now; Missing says what lacks."""
    cross.make('arm64', 'kmod')
    return {'ivshmem_doorbell': MODULE}


class Guest(vm.Guest):
    """As vm.Guest, on another machine; programs has to name all of them."""

    program = QEMU
    package = 'qemu-system-arm'
    line = 'ttyS0'    # the first that is not the board's own

    def __init__(self, name, server=None, *, kernel=None, **options):
        super().__init__(name, server, accelerator='tcg,thread=multi',
                         kernel=kernel or kernels.find_foreign('arm64'), **options)

    def _command(self, memory, accelerator, iommu, devices):
        return [self.program, '-name', self.name, '-nodefaults', '-no-user-config',
                '-display', 'none', '-M', MACHINE + (IOMMU if iommu else ''),
                '-cpu', CPU, '-accel', accelerator, *vm.CPUS, '-m', str(memory),
                '-kernel', self._kernel.image, '-initrd', self._path('initramfs'),
                '-append', CMDLINE, '-serial', f'file:{self.console}',
                '-chardev', f'socket,id=line,path={self._path("line")},server=on,wait=off',
                '-device', 'pci-serial,chardev=line,addr=2.0',
                '-qmp', f'unix:{self._path("qmp")},server=on,wait=off', *devices]
