# SPDX-License-Identifier: BSD-2-Clause
"""What Debian runs on, for a guest: systemd's packages, as one archive.

From Debian's archive through apt-get download, or as BELLRING_SYSTEMD_TAR names
it. Nothing is installed, and no root is needed. The archive stays in the cache of
kernel.py, by the release's name: what this machine builds runs on its libraries.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

from kernel import Missing, cache_folder

PACKAGE = 'systemd'
# Big, and of no use in a guest that nobody logs in to.
UNWANTED = re.compile(r'(usr/)?share/|usr/lib/.*/gconv/|.*\.catalog$|.*/udev/')
MERGED = re.compile(r'(bin|sbin|lib|lib64)(/|$)')     # links to /usr/...


def _output(*argv, **kwargs):
    run = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, check=False, **kwargs)
    return run.returncode, run.stdout


def release():
    """The name that apt's lists are for, as "bookworm"."""
    try:
        with open('/etc/os-release', encoding='utf-8') as f:
            found = re.search(r'^VERSION_CODENAME="?(\w+)', f.read(), re.MULTILINE)
    except OSError:
        found = None
    if not found:
        raise Missing('/etc/os-release names no release of Debian')
    return found.group(1)


def closure(*packages):
    """These packages and all libraries that they cannot do without, by name."""
    found, left = [], list(packages)
    while left:
        name = left.pop()
        if name in found:
            continue
        found.append(name)
        status, text = _output('apt-cache', 'depends', '--important', name)
        if status:
            raise Missing(f'apt-cache knows no {name}; run apt-get update')
        left += [n for n in re.findall(r'(?:Pre)?Depends: (\S+)', text)
                 if n.startswith('lib')]
    return found


def _download(folder):
    for tool in ('apt-cache', 'apt-get', 'dpkg-deb'):
        if not shutil.which(tool):
            raise Missing(f'{tool} not found (Debian: apt, dpkg)')
    names = closure(PACKAGE)
    print(f"fetching {len(names)} of Debian's packages, for {PACKAGE}, into "
          f'{cache_folder()} (once)', file=sys.stderr, flush=True)
    # root's folder is closed to the user that apt would change to
    status, text = _output('apt-get', '-o', 'APT::Sandbox::User=root', 'download',
                           *names, cwd=folder)
    if status:
        raise Missing(f'apt-get download {PACKAGE}: {text.strip().splitlines()[-1:]}')
    return glob.glob(f'{folder}/*.deb')


def _add_package(tar, deb, seen):
    with subprocess.Popen(['dpkg-deb', '--fsys-tarfile', deb],
                          stdout=subprocess.PIPE) as dpkg:
        with tarfile.open(fileobj=dpkg.stdout, mode='r|') as package:
            for member in package:
                name = member.name.removeprefix('./').rstrip('/')
                name = 'usr/' + name if MERGED.match(name) else name
                if name in ('', '.') or name in seen or UNWANTED.match(name):
                    continue
                seen.add(name)
                member.name = name
                tar.addfile(member, package.extractfile(member)
                            if member.isreg() else None)
    if dpkg.returncode:
        raise Missing(f'{deb}: dpkg-deb cannot read it')


def _make(path):
    os.makedirs(cache_folder(), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
        half = os.path.join(folder, 'half.tar')
        seen = set()
        with tarfile.open(half, 'w') as tar:
            for deb in sorted(_download(folder)):
                _add_package(tar, deb, seen)
            for name in ('bin', 'sbin', 'lib', 'lib64'):
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, f'usr/{name}'
                tar.addfile(link)
        os.rename(half, path)    # whole or not at all


def archive():
    """Path of a tar archive with systemd and its libraries, /usr merged."""
    given = os.environ.get('BELLRING_SYSTEMD_TAR')
    if given:
        if not os.path.exists(given):
            raise Missing(f'{given}: no such archive')
        return given
    try:
        path = os.path.join(cache_folder(), f'{PACKAGE}-{release()}.tar')
        if not os.path.exists(path):
            _make(path)
    except Missing as e:
        raise Missing(f'{e}; or set BELLRING_SYSTEMD_TAR') from e
    return path
