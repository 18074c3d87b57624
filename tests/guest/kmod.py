# SPDX-License-Identifier: BSD-2-Clause
"""Our kernel module, built for a guest's kernel.

Its headers are those of BELLRING_KDIR, or what this system has installed for the
kernel's release.
"""
import fcntl
import os
import shutil
import subprocess

from kernel import Missing

NAME = 'ivshmem_doorbell'
SECONDS = 300   # deadline of a build; it takes 10
BUILD = os.environ.get('top_builddir', '.')


def headers(release):
    """The folder to build a module for that kernel in."""
    folders = [os.environ.get('BELLRING_KDIR') or f'/lib/modules/{release}/build',
               f'/usr/src/linux-headers-{release}']
    for folder in folders:
        if os.path.exists(os.path.join(folder, 'Makefile')):
            return folder
    raise Missing(f'no headers of kernel {release} in {" or ".join(folders)} '
                  f'(Debian: linux-headers-{release})')


def build(kernel):
    """{name: path} of the module, as vm.Guest takes it in extra_modules."""
    folder = headers(kernel.release)
    with open(os.path.join(BUILD, 'kmod.lock'), 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)     # other tests build it, too
        return {NAME: _build(folder, kernel.release)}


def _build(folder, release):
    env = {k: v for k, v in os.environ.items() if not k.startswith('MAKE')}
    run = subprocess.run(['make', '-s', '-C', BUILD, 'kmod', f'KDIR={folder}'], env=env,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         timeout=SECONDS, check=False)
    assert run.returncode == 0, f'make kmod KDIR={folder}: {run.stdout}'
    assert ' warning: ' not in run.stdout, run.stdout
    built = os.path.join(BUILD, 'guest-linux', 'kmod', 'build', f'{NAME}.ko')
    path = os.path.join(BUILD, f'{NAME}-{release}.ko')
    shutil.copyfile(built, path + '.new')
    # Its debugging information would be most of the guest's file system.
    subprocess.run(['strip', '-g', path + '.new'], check=True)
    os.rename(path + '.new', path)
    return path
