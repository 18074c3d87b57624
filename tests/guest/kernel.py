# SPDX-License-Identifier: BSD-2-Clause
"""A Debian kernel for a guest: where it comes from, and its modules.

In this order: BELLRING_KERNEL (a vmlinuz) with BELLRING_MODULES (its
lib/modules/RELEASE folder); BELLRING_KERNEL_DEB (a linux-image package); what
this system has installed; the cache; Debian's archive, through apt-get
download. A package is unpacked into the cache and never installed: no root.

The cache is $XDG_CACHE_HOME/bellring, or guest-cache in the build directory.
"""
import glob
import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zlib

META_PACKAGE = 'linux-image-amd64'
# What of a package is unpacked; vfio's dependencies are among it.
WANTED = ('/boot/vmlinuz-', '/drivers/vfio/', '/drivers/iommu/', '/virt/lib/',
          '/pci-stub.ko')
MODULES = ('vfio-pci', 'vfio_iommu_type1')


class Missing(Exception):
    """Something that this machine would have to have; says what."""


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
                deep = [q for p in needs for q in found[p][1]]
                found[relative] = data, list(dict.fromkeys(needs + deep))
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

def cache_folder():
    home = os.environ.get('XDG_CACHE_HOME')
    if home:
        return os.path.join(home, 'bellring')
    return os.path.join(os.environ.get('top_builddir', '.'), 'guest-cache')


def _unpack(deb):
    """Unpacks what WANTED names, whole or not at all; returns the folder."""
    folder = os.path.join(cache_folder(), os.path.basename(deb)[:-len('.deb')])
    if os.path.isdir(folder):
        return folder
    if not shutil.which('dpkg-deb'):
        raise Missing('dpkg-deb not found')
    os.makedirs(cache_folder(), exist_ok=True)
    half = tempfile.mkdtemp(dir=cache_folder())
    try:
        with subprocess.Popen(['dpkg-deb', '--fsys-tarfile', deb],
                              stdout=subprocess.PIPE) as dpkg:
            with tarfile.open(fileobj=dpkg.stdout, mode='r|') as tar:
                for member in tar:
                    if member.isfile() and any(w in member.name for w in WANTED):
                        tar.extract(member, half)
        if dpkg.returncode:
            raise Missing(f'{deb}: dpkg-deb cannot read it')
        os.chmod(half, 0o755)
        try:
            os.rename(half, folder)
        except OSError:   # somebody else was faster
            if not os.path.isdir(folder):
                raise
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return folder


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


def _output(*argv, **kwargs):
    run = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, check=False, **kwargs)
    return run.returncode, run.stdout


def _download():
    """Fetches the package that Debian's meta package stands for."""
    for tool in ('apt-cache', 'apt-get'):
        if not shutil.which(tool):
            raise Missing(f'{tool} not found; set BELLRING_KERNEL_DEB')
    _, text = _output('apt-cache', 'depends', META_PACKAGE)
    found = re.search(r'Depends: (linux-image-\d\S*)', text)
    if not found:
        raise Missing(f'apt-cache knows no {META_PACKAGE}; run apt-get update, '
                      'or set BELLRING_KERNEL_DEB')
    print(f'fetching Debian\'s kernel package {found.group(1)} into {cache_folder()} '
          '(once)', file=sys.stderr, flush=True)
    os.makedirs(cache_folder(), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
        # root's folder is closed to the user that apt would change to
        status, text = _output('apt-get', '-o', 'APT::Sandbox::User=root',
                               'download', found.group(1), cwd=folder)
        debs = glob.glob(f'{folder}/*.deb')
        if status or not debs:
            raise Missing(f'apt-get download {found.group(1)}: '
                          f'{text.strip().splitlines()[-1:]}')
        return _unpack(debs[0])


def find():
    """The Kernel to use; Missing says what would help."""
    if os.environ.get('BELLRING_KERNEL'):
        return Kernel(os.environ['BELLRING_KERNEL'],
                      os.environ.get('BELLRING_MODULES', ''))
    if os.environ.get('BELLRING_KERNEL_DEB'):
        deb = os.environ['BELLRING_KERNEL_DEB']
        if not os.path.exists(deb):
            raise Missing(f'{deb}: no such package')
        return _in_folder(_unpack(deb)) or Kernel(deb, '')
    folders = [''] + sorted(glob.glob(f'{cache_folder()}/linux-image-*'),
                            reverse=True)
    for folder in folders:
        kernel = _in_folder(folder)
        if kernel:
            return kernel
    folder = _download()
    kernel = _in_folder(folder)
    if not kernel:
        raise Missing(f'{folder}: no kernel with {", ".join(MODULES)} in it')
    return kernel
