# SPDX-License-Identifier: BSD-2-Clause
"""Builds for other machines: Debian's cross compilers, packages.py's libraries.

    cross.py ARCHITECTURE TARGET...

configures in the folder ARCHITECTURE (arm64, i386) below the build, unless that
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
# Debian's name: the compiler's prefix, the folder of libraries.
MACHINES = {'arm64': ('aarch64-linux-gnu', 'aarch64-linux-gnu'),
            'i386': ('i686-linux-gnu', 'i386-linux-gnu')}
# What a make that started this one meant for itself.
OURS = ('MAKEFLAGS', 'MFLAGS', 'MAKEOVERRIDES', 'MAKELEVEL', 'TESTS', 'TEST_LOGS',
        'CC', 'CFLAGS', 'CPPFLAGS', 'LDFLAGS')


class Failed(AssertionError):
    """A step did not succeed; carries its output."""


def folder(architecture):
    return os.path.join(BUILD, architecture)


def _environment(architecture):
    """For configure, which make runs again when it is older than its source."""
    root = packages.sysroot(architecture)
    own = {k: v for k, v in os.environ.items() if k not in OURS}
    return dict(own, PKG_CONFIG='pkg-config', PKG_CONFIG_SYSROOT_DIR=root,
                PKG_CONFIG_LIBDIR=f'{root}/usr/lib/{MACHINES[architecture][1]}/pkgconfig')


def _step(words, where, env):
    run = subprocess.run(words, cwd=where, env=env, text=True, check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if run.returncode:
        raise Failed(f'{shlex.join(words)}: status {run.returncode}\n{run.stdout[-6000:]}')
    return run.stdout


def _configure(architecture):
    """Configures for it, once; returns the folder."""
    triplet, libraries = MACHINES[architecture]
    where = folder(architecture)
    if not shutil.which(f'{triplet}-gcc'):
        raise Missing(f'{triplet}-gcc not found (Debian: gcc-{triplet})')
    if os.path.exists(os.path.join(where, 'config.status')):
        return where
    root = packages.sysroot(architecture)
    own = [f'{root}/lib/{libraries}', f'{root}/usr/lib/{libraries}']
    words = [os.path.join(SOURCE, 'configure'), '-q', f'--host={triplet}',
             '--enable-werror', f'CC={triplet}-gcc --sysroot={root}']
    if architecture == 'i386':    # runs here, with the libraries it was built with
        words.append(f'LDFLAGS=-Wl,--dynamic-linker={root}/lib/ld-linux.so.2 '
                     f'-Wl,-rpath,{":".join(own)}')
    _step(words, where, _environment(architecture))
    return where


def _for_module(architecture):
    """Words for make that say what the kernel module is built for, and with."""
    release = kernels.find_foreign(architecture).release
    return [f'KDIR={packages.kernel_headers(architecture, release)}',
            f'CROSS_COMPILE={MACHINES[architecture][0]}-']


def make(architecture, *targets):
    """Output of make in a build for it."""
    os.makedirs(folder(architecture), exist_ok=True)
    with open(os.path.join(folder(architecture), 'lock'), 'w', encoding='utf-8') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)    # two tests want it at the same time
        where = _configure(architecture)
        words = _for_module(architecture) if 'kmod' in targets else []
        return _step(['make', '-s', f'-j{os.cpu_count()}', *targets, *words], where,
                     _environment(architecture))


if __name__ == '__main__':
    try:
        make(*sys.argv[1:])
    except (Missing, Failed) as e:
        sys.exit(f'cross.py: {e}')
