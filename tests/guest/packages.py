# SPDX-License-Identifier: BSD-2-Clause
"""Debian's packages, fetched by apt-get download and unpacked, never installed.

    import packages
    folder = packages.Archive().fetch(['linux-image-6.1.0-1-amd64'])
    sysroot = packages.sysroot('arm64')       # to build programs for it

For an architecture other than this machine's apt gets lists of its own, in the
cache: what this system knows of architectures and packages stays as it is, and
no root is needed.

The cache is $XDG_CACHE_HOME/bellring, or guest-cache in the build directory.
As a program, packages.py ARCHITECTURE prints the folder of its sysroot.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

# What building the library, the tool, the server and their tests takes.
BUILD_PACKAGES = (
    'libc6', 'libc6-dev', 'libcrypt1', 'libgcc-s1', 'linux-libc-dev',
    'check', 'libsubunit-dev', 'libsubunit0', 'libxxhash-dev',
    'libevent-core-2.1-7', 'libevent-dev', 'libjansson4', 'libjansson-dev',
    'libcap-ng0', 'libcap-ng-dev', 'libseccomp2', 'libseccomp-dev')


class Missing(Exception):
    """Something that this machine would have to have; says what."""


def cache_folder():
    home = os.environ.get('XDG_CACHE_HOME')
    if home:
        return os.path.join(home, 'bellring')
    return os.path.abspath(os.path.join(os.environ.get('top_builddir', '.'),
                                        'guest-cache'))


def _output(*argv, **kwargs):
    run = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, check=False, **kwargs)
    return run.returncode, run.stdout


class Archive:
    """Debian's archive, for one architecture.

    architecture: as Debian calls it, "arm64"; None: this machine's, with the
    lists that apt has. folder: where packages are unpacked, made when needed.
    """

    def __init__(self, architecture=None):
        for tool in ('apt-cache', 'apt-get', 'dpkg-deb'):
            if not shutil.which(tool):
                raise Missing(f'{tool} not found (Debian: apt, dpkg)')
        self.folder = cache_folder()
        # root's folder is closed to the user that apt would change to
        self._options = ['-o', 'APT::Sandbox::User=root']
        self._lists = None
        if architecture:
            self.folder = os.path.join(self.folder, architecture)
            self._lists = os.path.join(self.folder, 'apt')
            self._options += self._foreign(architecture)
        os.makedirs(self.folder, exist_ok=True)

    def _foreign(self, architecture):
        """Options for apt; apt wants some of the folders to be there."""
        for part in ('lists/partial', 'archives/partial'):
            os.makedirs(os.path.join(self._lists, part), exist_ok=True)
        status = os.path.join(self._lists, 'status')
        with open(status, 'a', encoding='utf-8'):
            pass
        settings = {'APT::Architecture': architecture,
                    'APT::Architectures': architecture,
                    'Acquire::Languages': 'none',
                    'Dir::State': self._lists,
                    'Dir::State::status': status,
                    'Dir::Cache': self._lists}
        return [word for k, v in settings.items() for word in ('-o', f'{k}={v}')]

    def apt(self, tool, *words, **kwargs):
        """(status, output) of apt-get or apt-cache."""
        return _output(tool, *self._options, *words, **kwargs)

    def _update(self):
        # The status tells of the lists of others, too, that lack this
        # architecture: what is missing will show.
        print(f'fetching Debian\'s list of packages into {self._lists}',
              file=sys.stderr, flush=True)
        self.apt('apt-get', 'update')

    def stands_for(self, meta, pattern):
        """The package that a meta package depends on, its name like pattern."""
        if self._lists:
            self._update()
        _, text = self.apt('apt-cache', 'depends', meta)
        found = re.search(rf'Depends: ({pattern}\S*)', text)
        if not found:
            raise Missing(f'apt-cache knows no {meta}; run apt-get update')
        return found.group(1)

    def download(self, names, folder):
        """Paths of the packages, put into a folder."""
        status, text = self.apt('apt-get', 'download', *names, cwd=folder)
        if status and self._lists:     # no lists yet, or old ones
            self._update()
            status, text = self.apt('apt-get', 'download', *names, cwd=folder)
        debs = glob.glob(f'{folder}/*.deb')
        if status or len(debs) < len(names):
            raise Missing(f'apt-get download {" ".join(names)}: '
                          f'{" ".join(text.strip().splitlines()[-1:])}')
        return debs

    def fetch(self, names, what, wanted=('',), finish=lambda root: None):
        """Packages unpacked as unpack() does, into a folder of the cache."""
        path = os.path.join(self.folder, what)
        if os.path.isdir(path):
            return path
        print(f'fetching Debian\'s {what} into {self.folder} (once)',
              file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            return unpack(self.download(names, folder), path, wanted, finish)


def unpack(debs, path, wanted=('',), finish=lambda root: None):
    """Unpacks packages into a new folder, whole or not at all; returns it.

    wanted: parts of the names of files; finish(root): called before the folder
    has its name.
    """
    if os.path.isdir(path):
        return path
    if not shutil.which('dpkg-deb'):
        raise Missing('dpkg-deb not found (Debian: dpkg)')
    root = tempfile.mkdtemp(dir=os.path.dirname(path))
    try:
        for deb in debs:
            _extract(deb, root, wanted)
        os.chmod(root, 0o755)
        finish(root)
        try:
            os.rename(root, path)
        except OSError:   # somebody else was faster
            if not os.path.isdir(path):
                raise
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return path


def _extract(deb, root, wanted):
    with subprocess.Popen(['dpkg-deb', '--fsys-tarfile', deb],
                          stdout=subprocess.PIPE) as dpkg:
        with tarfile.open(fileobj=dpkg.stdout, mode='r|') as tar:
            for member in tar:
                if not member.isdir() and any(w in member.name for w in wanted):
                    tar.extract(member, root)
    if dpkg.returncode:
        raise Missing(f'{deb}: dpkg-deb cannot read it')


def _relative_links(root):
    """A linker would follow an absolute one out of the sysroot."""
    for folder, _, names in os.walk(root):
        for path in (os.path.join(folder, n) for n in names):
            if os.path.islink(path) and os.readlink(path).startswith('/'):
                target = os.path.relpath(root + os.readlink(path), folder)
                os.remove(path)
                os.symlink(target, path)


def sysroot(architecture):
    """Folder with the headers and libraries that programs are built with."""
    return Archive(architecture).fetch(BUILD_PACKAGES, 'sysroot',
                                       finish=_relative_links)


def _tools_of_this_machine(root):
    """The headers' scripts are the package's for the machine they are for."""
    for link in glob.glob(f'{root}/usr/src/*/scripts'):
        name = os.path.basename(os.path.dirname(os.readlink(link)))
        if not os.path.isdir(f'/usr/lib/{name}'):
            raise Missing(f'/usr/lib/{name} not found (Debian: {name})')
        os.makedirs(f'{root}/usr/lib', exist_ok=True)
        os.symlink(f'/usr/lib/{name}', f'{root}/usr/lib/{name}')


def kernel_headers(architecture, release):
    """Folder to build modules with, on this machine, for that kernel."""
    common = f'linux-headers-{release.removesuffix("-" + architecture)}-common'
    if not os.path.isdir(f'/usr/src/{common}'):
        raise Missing(f'/usr/src/{common} not found (Debian: {common})')
    name = f'linux-headers-{release}'
    root = Archive(architecture).fetch([name], name, finish=_tools_of_this_machine)
    return os.path.join(root, 'usr', 'src', name)


def busybox(architecture):
    """Path of a static busybox."""
    folder = Archive(architecture).fetch(['busybox-static'], 'busybox')
    return os.path.join(folder, 'bin', 'busybox')


if __name__ == '__main__':
    try:
        print(sysroot(sys.argv[1]))
    except Missing as e:
        sys.exit(f'packages.py: {e}')
