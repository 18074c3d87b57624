# SPDX-License-Identifier: BSD-2-Clause
"""The library check for Windows, which Debian has not: from Debian's source of it.

    libcheck.words()     # for make in the build for Windows: CHECK_CFLAGS, CHECK_LIBS

Fetched and built once, into the cache of tests/guest/packages.py. apt gets lists of
sources of its own there, made from this system's lists of packages: a system need
not have them, and no root is needed.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(_HERE, '..'), os.path.join(_HERE, '..', 'guest')]

import cross                                  # noqa: E402 (after the path)
from packages import Missing, cache_folder    # noqa: E402

PACKAGE = 'check'
TRIPLET = 'x86_64-w64-mingw32'
LISTS = ('/etc/apt/sources.list', '/etc/apt/sources.list.d/*')
SECONDS = 600    # deadline of a step
# No fork there: what a test's process does is not undone at its end.
CONFIGURE = ('-q', f'--host={TRIPLET}', '--disable-subunit', '--disable-shared',
             '--disable-timeout-tests', '--disable-build-docs',
             '--disable-dependency-tracking')


def _step(words, where):
    own = {k: v for k, v in os.environ.items() if k not in cross.OURS}
    run = subprocess.run(words, cwd=where, env=own, stdout=subprocess.PIPE, text=True, check=False,
                         stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=SECONDS)
    if run.returncode:
        raise Missing(f'check for Windows: {" ".join(words)}: {run.stdout[-2000:]}')


def _lists_of_sources(folder):
    """Debian's own entries, of either form, for sources instead of packages."""
    for path in (p for pattern in LISTS for p in glob.glob(pattern)):
        with open(path, encoding='utf-8') as f:
            text = f.read()
        if path.endswith('.sources'):
            parts = re.split(r'\n\s*\n', re.sub(r'(?m)^Types:.*', 'Types: deb-src', text))
        else:
            parts = re.findall(r'(?m)^deb-src .*|^deb .*', text)
            parts = [re.sub(r'^deb ', 'deb-src ', part) for part in parts]
        with open(os.path.join(folder, os.path.basename(path)), 'w', encoding='utf-8') as f:
            f.write('\n\n'.join(part for part in parts if 'debian' in part) + '\n')


def _download(folder):
    """Path of the source's archive, checked by apt against Debian's signed lists."""
    if not shutil.which('apt-get'):
        raise Missing('apt-get not found (Debian: apt)')
    for part in ('parts', 'lists/partial', 'archives/partial'):
        os.makedirs(os.path.join(folder, part))
    _lists_of_sources(os.path.join(folder, 'parts'))
    apt = ['apt-get', '-q']
    for setting in ('APT::Sandbox::User=root', 'Acquire::Languages=none',
                    'Dir::Etc::sourcelist=/dev/null', f'Dir::Etc::sourceparts={folder}/parts',
                    f'Dir::State::lists={folder}/lists', f'Dir::Cache={folder}'):
        apt += ['-o', setting]
    _step([*apt, 'update'], folder)
    _step([*apt, 'source', '--download-only', PACKAGE], folder)
    found = glob.glob(f'{folder}/{PACKAGE}_*.orig.tar.*')
    if not found:
        raise Missing(f'apt-get source {PACKAGE} brought no archive of the source')
    return found[0]


def _say_whose_printf(header):
    """Its library brings a printf() of its own, where the compiler thinks of Windows'."""
    with open(header, encoding='utf-8') as f:
        text = f.read()
    with open(header, 'w', encoding='utf-8') as f:
        f.write(text.replace('FORMAT(printf', 'FORMAT(gnu_printf'))


def _build(archive, folder, out):
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    source = glob.glob(f'{folder}/{PACKAGE}-*/')[0]
    _step(['./configure', *CONFIGURE, 'CFLAGS=-O2 -w'], source)
    _step(['make', '-s', '-C', 'lib'], source)
    _step(['make', '-s', '-C', 'src', 'libcheck.la'], source)
    _say_whose_printf(os.path.join(source, 'src', 'check.h'))
    os.mkdir(out)
    for name in ('src/check.h', 'check_stdint.h', 'src/.libs/libcheck.a'):
        shutil.copy(os.path.join(source, name), out)


def fetch():
    """Folder with check.h and libcheck.a."""
    path = os.path.join(cache_folder(), 'check-windows')
    if os.path.isdir(path):
        return path
    if not shutil.which(f'{TRIPLET}-gcc'):
        raise Missing(f'{TRIPLET}-gcc not found (Debian: gcc-mingw-w64-x86-64-win32)')
    os.makedirs(cache_folder(), exist_ok=True)
    print(f'fetching and building check for Windows into {path} (once)', file=sys.stderr,
          flush=True)
    with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
        out = os.path.join(folder, 'out')
        _build(_download(folder), folder, out)
        os.rename(out, path)
    return path


def words():
    folder = fetch()
    return [f'CHECK_CFLAGS=-isystem {folder}', f'CHECK_LIBS={folder}/libcheck.a']


if __name__ == '__main__':
    try:
        print(fetch())
    except Missing as e:
        sys.exit(f'libcheck.py: {e}')
