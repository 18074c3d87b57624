# SPDX-License-Identifier: BSD-2-Clause
"""Builds for other machines: Debian's cross compilers, packages.py's libraries.

    cross.py MACHINE TARGET...

configures in the folder MACHINE (arm64, i386, windows) below the build, unless that
has happened, and makes the targets there; kmod for the kernel that its guests run.
"""
import fcntl
import os
import shlex
import shutil
import subprocess
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(_HERE, 'guest'))

import kernel as kernels                      # noqa: E402 (after the path)
import packages                               # noqa: E402
from packages import Missing                  # noqa: E402

SOURCE = os.environ['top_srcdir']
BUILD = os.environ['top_builddir']
# The compiler's prefix, Debian's package of it, its name for the folder of libraries:
# those of an architecture of Debian's. Windows needs none.
MACHINES = {'arm64': ('aarch64-linux-gnu', 'gcc-aarch64-linux-gnu', 'aarch64-linux-gnu'),
            'i386': ('i686-linux-gnu', 'gcc-i686-linux-gnu', 'i386-linux-gnu'),
            'windows': ('x86_64-w64-mingw32', 'gcc-mingw-w64-x86-64-win32', None)}
# What a make that started this one meant for itself.
OURS = ('MAKEFLAGS', 'MFLAGS', 'MAKEOVERRIDES', 'MAKELEVEL', 'TESTS', 'TEST_LOGS',
        'CC', 'CFLAGS', 'CPPFLAGS', 'LDFLAGS')


class Failed(AssertionError):
    """A step did not succeed; carries its output."""


def folder(machine):
    return os.path.join(BUILD, machine)


def _environment(machine):
    """For configure, which make runs again when it is older than its source."""
    own = {k: v for k, v in os.environ.items() if k not in OURS}
    libraries = MACHINES[machine][2]
    if not libraries:
        return own
    root = packages.sysroot(machine)
    return dict(own, PKG_CONFIG='pkg-config', PKG_CONFIG_SYSROOT_DIR=root,
                PKG_CONFIG_LIBDIR=f'{root}/usr/lib/{libraries}/pkgconfig')


def _step(words, where, env):
    run = subprocess.run(words, cwd=where, env=env, text=True, check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if run.returncode:
        raise Failed(f'{shlex.join(words)}: status {run.returncode}\n{run.stdout[-6000:]}')
    return run.stdout


def _with_sysroot(machine):
    """Words for configure: build with the libraries of that architecture."""
    triplet, _, libraries = MACHINES[machine]
    root = packages.sysroot(machine)
    own = [f'{root}/lib/{libraries}', f'{root}/usr/lib/{libraries}']
    words = [f'CC={triplet}-gcc --sysroot={root}']
    if machine == 'i386':    # runs here, with the libraries it was built with
        words.append(f'LDFLAGS=-Wl,--dynamic-linker={root}/lib/ld-linux.so.2 '
                     f'-Wl,-rpath,{":".join(own)}')
    return words


def _configure(machine):
    """Configures for it, once; returns the folder."""
    triplet, package, libraries = MACHINES[machine]
    where = folder(machine)
    if not shutil.which(f'{triplet}-gcc'):
        raise Missing(f'{triplet}-gcc not found (Debian: {package})')
    if os.path.exists(os.path.join(where, 'config.status')):
        return where
    words = [os.path.join(SOURCE, 'configure'), '-q', f'--host={triplet}',
             '--enable-werror', *(_with_sysroot(machine) if libraries else [])]
    _step(words, where, _environment(machine))
    return where


def _for_module(architecture):
    """Words for make that say what the kernel module is built for, and with."""
    release = kernels.find_foreign(architecture).release
    return [f'KDIR={packages.kernel_headers(architecture, release)}',
            f'CROSS_COMPILE={MACHINES[architecture][0]}-']


def make(machine, *targets):
    """Output of make in a build for it."""
    os.makedirs(folder(machine), exist_ok=True)
    with open(os.path.join(folder(machine), 'lock'), 'w', encoding='utf-8') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)    # two tests want it at the same time
        where = _configure(machine)
        words = _for_module(machine) if 'kmod' in targets else []
        return _step(['make', '-s', f'-j{os.cpu_count()}', *targets, *words], where,
                     _environment(machine))


if __name__ == '__main__':
    try:
        make(*sys.argv[1:])
    except (Missing, Failed) as e:
        sys.exit(f'cross.py: {e}')
