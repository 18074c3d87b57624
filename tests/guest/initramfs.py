# SPDX-License-Identifier: BSD-2-Clause
"""A guest's whole file system: busybox, bellring, a few modules, an agent.

Written as a newc archive (the kernel's
Documentation/driver-api/early-userspace/buffer-format.rst) without root and
without cpio. Not compressed: unpacking costs an emulated CPU more than reading.
"""
import os
import shutil
import stat
import subprocess

from kernel import MODULES, Missing

# Runs one command after the other for vm.Guest and frames their output. A
# command comes as base64, so that it is one word; output goes as it is, after
# its length. The tty is raw: no echo, no changed line ends.
AGENT = r'''#!/bin/sh
stty raw -echo 115200
echo "READY $(cat /proc/sys/kernel/random/boot_id)"
while read -r number seconds command; do
	echo "$command" | base64 -d >/tmp/.command
	timeout -s KILL "$seconds" sh /tmp/.command >/tmp/.output 2>&1 </dev/null
	echo "DONE $number $? $(stat -c %s /tmp/.output)"
	cat /tmp/.output
done
'''

# job FILE COMMAND: starts it in the background and prints its process id; its
# output goes to FILE, its exit status to FILE.status.
JOB = r'''#!/bin/sh
{
	sh -c "$2" >"$1" 2>&1 &
	echo $! >"$1.pid"
	wait $!
	echo $? >"$1.half"
	mv "$1.half" "$1.status"
} >/dev/null 2>&1 </dev/null &
until [ -s "$1.pid" ]; do
	usleep 2000
done
cat "$1.pid"
'''

INIT = r'''#!/bin/sh
export PATH=/bin:/sbin HOME=/
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o size=90% tmp /tmp
hostname NAME
ip link set lo up 2>/dev/null
while :; do
	setsid /bin/agent </dev/LINE >/dev/LINE 2>/dev/console
done
'''


PASSWD = 'root::0:0::/:/bin/sh\nnobody:*:65534:65534::/:/bin/false\n'


class Archive:
    """A newc archive in memory."""

    def __init__(self):
        self._out = bytearray()
        self._inode = 0
        self._folders = set()

    def _entry(self, name, mode, data=b'', rdev=(0, 0)):
        self._inode += 1
        raw = name.encode() + b'\0'
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev,
                  len(raw), 0)
        self._out += b'070701' + b''.join(b'%08X' % f for f in fields) + raw
        self._pad()
        self._out += data
        self._pad()

    def _pad(self):
        self._out += b'\0' * (-len(self._out) % 4)

    def folder(self, name):
        if name and name not in self._folders:
            self.folder(os.path.dirname(name))
            self._folders.add(name)
            self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o644):
        self.folder(os.path.dirname(name))
        self._entry(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def character(self, name, major, minor):
        self.folder(os.path.dirname(name))
        self._entry(name, stat.S_IFCHR | 0o600, rdev=(major, minor))

    def finish(self):
        self._entry('TRAILER!!!', 0)
        return bytes(self._out)


def busybox():
    """Path of this machine's static busybox; Missing if there is none."""
    path = shutil.which('busybox')
    if not path:
        raise Missing('busybox not found (Debian: busybox-static)')
    with open(path, 'rb') as f:
        # A program with an interpreter needs libraries that the guest lacks.
        if b'/ld-linux' in f.read(4096):
            raise Missing(f'{path} is not static (Debian: busybox-static)')
    return path


def _applets():
    """Of this machine's busybox; another one is the same, but may not run here."""
    return subprocess.run([busybox(), '--list'], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.split()


def _add_modules(archive, kernel, extra, own):
    base = f'lib/modules/{kernel.release}'
    lines = []
    for name, path in own.items():
        with open(path, 'rb') as f:
            archive.file(f'{base}/extra/{name}.ko', f.read())
        lines.append(f'extra/{name}.ko:\n')
    for path, (data, needs) in kernel.closure(MODULES + tuple(extra)).items():
        archive.file(f'{base}/{path}', data)
        lines.append(f'{path}: {" ".join(needs)}\n')
    archive.file(f'{base}/modules.dep', ''.join(lines).encode())


def build(kernel, programs, name, modules=(), extra_modules=None,
          line='ttyS1'):
    """The archive's bytes.

    programs: {name in /bin: path on this machine}, among them a busybox if not
    this machine's; modules: besides vfio's; line: of the agent;
    extra_modules: {name: path of a .ko that is not the kernel's and needs none}.
    """
    archive = Archive()
    for folder in ('dev', 'proc', 'sys', 'tmp', 'etc'):
        archive.folder(folder)
    archive.character('dev/console', 5, 1)
    archive.link('sbin', 'bin')
    files = {'busybox': busybox(), **programs}
    for target, path in files.items():
        if not os.path.exists(path):
            raise Missing(f'{path} is not built')
        with open(path, 'rb') as f:
            archive.file(f'bin/{target}', f.read(), 0o755)
    for applet in _applets():
        if applet not in files:
            archive.link(f'bin/{applet}', 'busybox')
    archive.file('etc/passwd', PASSWD.encode())
    archive.file('bin/agent', AGENT.encode(), 0o755)
    archive.file('bin/job', JOB.encode(), 0o755)
    archive.file('init', INIT.replace('NAME', name).replace('LINE', line).encode(), 0o755)
    _add_modules(archive, kernel, modules, extra_modules or {})
    return archive.finish()
