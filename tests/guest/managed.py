# SPDX-License-Identifier: BSD-2-Clause
"""A guest that Debian's systemd runs, with bellring-server's units in it.

The first process unpacks the real system from vm.Guest's initramfs into a file
system of its own, and becomes systemd there. The agent that takes vm.Guest's
commands is then one of systemd's services. All else is as in Debian: the journal,
the users and folders that the files of sysusers.d and tmpfiles.d ask for.
"""
import glob
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile

import debian
import vm
from kernel import Missing

MEMORY = 768    # MiB
UNITS = os.path.join(vm.BUILD, 'server-client', 'daemon', 'units')
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..',
                      'server-client', 'daemon', 'units')
SERVER = os.environ.get('BELLRING_SERVER', os.path.join(vm.BUILD, 'bellring-server'))
# Of no use here, and slow on an emulated CPU.
MASKED = ('systemd-hwdb-update.service', 'systemd-journal-catalog-update.service',
          'systemd-journal-flush.service', 'systemd-random-seed.service',
          'systemd-update-utmp.service', 'systemd-pcrphase-sysinit.service',
          'systemd-modules-load.service', 'systemd-sysctl.service',
          'systemd-binfmt.service', 'systemd-update-done.service',
          'dev-hugepages.mount', 'dev-mqueue.mount', 'sys-kernel-debug.mount',
          'sys-kernel-tracing.mount', 'sys-kernel-config.mount',
          'sys-fs-fuse-connections.mount', 'cryptsetup.target',
          'proc-sys-fs-binfmt_misc.automount', 'systemd-ask-password-console.path',
          'systemd-ask-password-wall.path', 'getty.target')

START = r'''#!/bin/sh
export PATH=/bin:/sbin
mkdir /real
mount -t tmpfs -o size=90%,mode=755 real /real
tar -xf /bin/root.tar -C /real
rm /bin/root.tar
cp -a /bin/busybox /bin/agent /bin/job /real/bin/
busybox --list | while read -r applet; do
	[ -e "/real/bin/$applet" ] || ln -s busybox "/real/bin/$applet"
done
exec switch_root /real /lib/systemd/systemd
'''

TARGET = '''[Unit]
Requires=basic.target
Wants=agent.service
After=basic.target agent.service
AllowIsolate=yes
'''

AGENT = '''[Unit]
After=basic.target
[Service]
Environment=HOME=/root
ExecStart=/bin/agent
StandardInput=tty
StandardOutput=tty
StandardError=journal
TTYPath=/dev/ttyS1
Restart=always
'''

FILES = {
    'etc/machine-id': 'a' * 32 + '\n',    # else it takes this for a first boot
    'etc/os-release': 'ID=debian\n',
    'etc/hostname': 'managed\n',
    'etc/nsswitch.conf': 'passwd: files\ngroup: files\nshadow: files\n',
    'etc/passwd': 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n',
    'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
    'etc/systemd/system/default.target': TARGET,
    'etc/systemd/system/agent.service': AGENT,
}


def _data(tar, name, data, mode=0o644):
    about = tarfile.TarInfo(name)
    about.size, about.mode = len(data), mode
    tar.addfile(about, io.BytesIO(data))


def _copy(tar, path, name, mode=0o644):
    if not os.path.exists(path):
        raise Missing(f'{path} is not built')
    with open(path, 'rb') as f:
        _data(tar, name, f.read(), mode)


def _tool():
    """The program itself, where the build has only a script that starts it."""
    path = os.path.join(vm.BUILD, '.libs', 'bellring')
    return path if os.path.exists(path) else os.path.join(vm.BUILD, 'bellring')


def _libraries(program):
    """Paths of what it is linked with."""
    run = subprocess.run(['ldd', program], stdout=subprocess.PIPE, text=True,
                         check=True, env=dict(os.environ, LD_LIBRARY_PATH=os.path.join(
                             vm.BUILD, '.libs')))
    return re.findall(r'=> (/\S+)', run.stdout)


def _server_path():
    """Where the units take the server to be."""
    with open(os.path.join(UNITS, 'bellring-server.service'), encoding='utf-8') as f:
        return re.search(r'^ExecStart=/(\S+)', f.read(), re.MULTILINE).group(1)


def _add_server(tar):
    units = glob.glob(f'{UNITS}/bellring-server*.s*')
    if not units:
        raise Missing(f'{UNITS}: the units are not built')
    for path in units:
        _copy(tar, path, f'usr/lib/systemd/system/{os.path.basename(path)}')
    for kind in ('sysusers.d', 'tmpfiles.d'):
        _copy(tar, f'{SOURCE}/{kind}/bellring.conf', f'usr/lib/{kind}/bellring.conf')
    _copy(tar, SERVER, _server_path(), 0o755)
    _copy(tar, _tool(), 'usr/bin/bellring', 0o755)
    there = {os.path.basename(name) for name in tar.getnames()}
    for path in sorted({*_libraries(SERVER), *_libraries(_tool())}):
        if os.path.basename(path) not in there:
            _copy(tar, path, f'usr/lib/{os.path.basename(path)}', 0o755)


def _add_files(tar):
    for name in ('dev', 'proc', 'sys', 'run', 'tmp', 'root'):
        about = tarfile.TarInfo(name)
        about.type, about.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(about)
    for name, text in FILES.items():
        _data(tar, name, text.encode())
    for name in MASKED:
        about = tarfile.TarInfo(f'etc/systemd/system/{name}')
        about.type, about.linkname = tarfile.SYMTYPE, '/dev/null'
        tar.addfile(about)


def _build(folder):
    root = os.path.join(folder, 'root.tar')
    shutil.copyfile(debian.archive(), root)
    with tarfile.open(root, 'a') as tar:
        _add_server(tar)
        _add_files(tar)
    start = os.path.join(folder, 'start')
    with open(start, 'w', encoding='utf-8') as f:
        f.write(START)
    return {'root.tar': root, 'start': start}


# With RDRAND: nothing else here gives the kernel random numbers, and who asks for
# some would wait for seconds, or for ever.
CPU = ('-cpu', 'max')


class Managed(vm.Guest):
    """A vm.Guest that systemd runs."""

    def __init__(self, name, **options):
        with tempfile.TemporaryDirectory(prefix='bellring-root-') as folder:
            super().__init__(name, iommu=False, memory=MEMORY,
                             programs=_build(folder), qemu_options=(
                                 *CPU, '-append', vm.CMDLINE + ' rdinit=/bin/start'),
                             **options)
