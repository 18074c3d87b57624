# SPDX-License-Identifier: BSD-2-Clause
"""A Debian kernel for a guest: where it comes from, and its modules.

In this order: BELLRING_KERNEL (a vmlinuz) with BELLRING_MODULES (its
lib/modules/RELEASE folder); BELLRING_KERNEL_DEB (a linux-image package); what
this system has installed; the cache; Debian's archive, through apt-get
download. A package is unpacked into the cache (packages.py) and never
installed: no root.

For a guest of another architecture, "arm64", only its package in the cache and
the archive count, or BELLRING_KERNEL_DEB_ARM64.
"""
import glob
import lzma
import os
import re
import tempfile
import zlib

from packages import Archive, Missing, cache_folder, unpack

# What of a package is unpacked; vfio's dependencies are among it, and what
# tests/bench compares a doorbell with.
WANTED = ('/boot/vmlinuz-', '/drivers/vfio/', '/drivers/iommu/', '/virt/lib/',
          '/pci-stub.ko', '/drivers/virtio/', '/virtio_console.ko',
          '/virtio_net.ko', '/net_failover.ko', '/failover.ko')
MODULES = ('vfio-pci', 'vfio_iommu_type1')


class Kernel:
    """vmlinuz: path; modules: the folder lib/modules/RELEASE; release.

    image: what to give QEMU. An emulated CPU needs seconds to unpack a vmlinuz;
    QEMU starts the ELF file in it as well (Documentation/x86/boot.rst, PVH).
    """

    def __init__(self, vmlinuz, modules):
        self.vmlinuz = vmlinuz
        self.modules = modules
        self.release = os.path.basename(os.path.normpath(modules))
        if not os.access(vmlinuz, os.R_OK):
            raise Missing(f'kernel {vmlinuz}: not there or not readable')
        self._files = {
            _module_name(path): path
            for path in glob.glob(f'{modules}/kernel/**/*.ko*', recursive=True)}
        for name in MODULES:
            if _plain(name) not in self._files:
                raise Missing(f'kernel {self.release}: {modules} has no {name}')
        self.image = _unpacked_image(vmlinuz, self.release) or vmlinuz

    def closure(self, names=MODULES):
        """{path below lib/modules/RELEASE: (contents, [paths it depends on])}.

        Names that are not there count as built into this kernel.
        """
        found = {}

        def visit(name):
            path = self._files.get(_plain(name))
            if not path:
                return None
            data, relative = _read_module(path)
            relative = os.path.relpath(relative, self.modules)
            if relative not in found:
                found[relative] = None   # a place; modules have no cycles
                needs = [p for p in map(visit, _depends(data)) if p]
                needs += [q for p in needs for q in found[p][1]]
                # modprobe loads the last first: of the same, the last counts
                found[relative] = data, list(dict.fromkeys(needs[::-1]))[::-1]
            return relative

        for name in names:
            visit(name)
        return found


def _plain(name):
    return name.replace('-', '_')


def _module_name(path):
    return _plain(os.path.basename(path).split('.ko')[0])


def _read_module(path):
    """Contents, and the path as it is without compression."""
    if path.endswith('.ko.xz'):
        with lzma.open(path) as f:
            return f.read(), path[:-len('.xz')]
    if not path.endswith('.ko'):
        raise Missing(f'{path}: a compression that Python does not know')
    with open(path, 'rb') as f:
        return f.read(), path


def _depends(data):
    """The names in a module's "depends=" string (its .modinfo section)."""
    found = re.search(rb'\0depends=([^\0]*)\0', data)
    return [n for n in found.group(1).decode().split(',') if n] if found else []


# ---- packages -----------------------------------------------------------------

def _payload(vmlinuz):
    """The ELF file in a vmlinuz; None if it is packed in a way we do not know."""
    with open(vmlinuz, 'rb') as f:
        data = f.read()
    for magic, unpacker in ((b'\xfd7zXZ\0', lzma.LZMADecompressor),
                            (b'\x1f\x8b\x08', lambda: zlib.decompressobj(31))):
        at = data.find(magic)
        while at >= 0:
            try:
                elf = unpacker().decompress(data[at:])
                if elf.startswith(b'\x7fELF'):
                    return elf
            except (lzma.LZMAError, zlib.error):
                pass    # these bytes occur in code, too
            at = data.find(magic, at + 1)
    return None


def _unpacked_image(vmlinuz, release):
    """Path of the unpacked kernel in the cache, or None."""
    about = os.stat(vmlinuz)
    path = os.path.join(cache_folder(),
                        f'vmlinux-{release}-{about.st_size}-{int(about.st_mtime)}')
    if os.path.exists(path):
        return path
    elf = _payload(vmlinuz)
    if not elf:
        return None
    os.makedirs(cache_folder(), exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=cache_folder(), delete=False) as f:
        f.write(elf)
    os.chmod(f.name, 0o644)
    os.rename(f.name, path)    # whole or not at all
    return path


def _in_folder(root):
    """The kernel of an unpacked package, or None."""
    for vmlinuz in sorted(glob.glob(f'{root}/boot/vmlinuz-*'), reverse=True):
        release = os.path.basename(vmlinuz)[len('vmlinuz-'):]
        for lib in ('lib', 'usr/lib'):
            try:
                return Kernel(vmlinuz, f'{root}/{lib}/modules/{release}')
            except Missing:
                continue
    return None


def _download(archive, architecture):
    """Fetches the package that Debian's meta package stands for."""
    name = archive.stands_for(f'linux-image-{architecture}', r'linux-image-\d')
    return archive.fetch([name], name, wanted=WANTED)


def _unpacked(deb, folder):
    """The kernel of a package that somebody has."""
    if not os.path.exists(deb):
        raise Missing(f'{deb}: no such package')
    os.makedirs(folder, exist_ok=True)
    name = os.path.basename(deb).removesuffix('.deb')
    return _in_folder(unpack([deb], os.path.join(folder, name), WANTED)) or Kernel(deb, '')


def _cached_or_new(folders, archive, architecture):
    for folder in folders:
        kernel = _in_folder(folder)
        if kernel:
            return kernel
    folder = _download(archive(), architecture)
    kernel = _in_folder(folder)
    if not kernel:
        raise Missing(f'{folder}: no kernel with {", ".join(MODULES)} in it')
    return kernel


def _in_cache(folder):
    return sorted(glob.glob(f'{folder}/linux-image-*'), reverse=True)


def find():
    """The Kernel to use; Missing says what would help."""
    if os.environ.get('BELLRING_KERNEL'):
        return Kernel(os.environ['BELLRING_KERNEL'],
                      os.environ.get('BELLRING_MODULES', ''))
    if os.environ.get('BELLRING_KERNEL_DEB'):
        return _unpacked(os.environ['BELLRING_KERNEL_DEB'], cache_folder())
    return _cached_or_new([''] + _in_cache(cache_folder()), Archive, 'amd64')


def find_foreign(architecture):
    """The same for a guest of another architecture, as Debian calls it."""
    folder = os.path.join(cache_folder(), architecture)
    deb = os.environ.get('BELLRING_KERNEL_DEB_' + architecture.upper())
    if deb:
        return _unpacked(deb, folder)
    return _cached_or_new(_in_cache(folder), lambda: Archive(architecture),
                          architecture)
