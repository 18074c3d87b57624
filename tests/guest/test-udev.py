# SPDX-License-Identifier: BSD-2-Clause
"""Who is no root, in a real guest: the udev rule, applied by Debian's systemd-udevd.

`make install` puts the rule and the sysusers file where they belong, and
systemd-sysusers makes the group. Of that group is alice; nobody is not.
00:03.0 is the server's device, alone in its IOMMU group; 00:05.1 is an
ivshmem-plain, whose IOMMU group has another device in it.
"""
import atexit
import os
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rig import PROGRAMS, VECTORS, fails, host_start, live, objects, rig   # noqa: E402
import debian                                 # noqa: E402
import kernel as kernels                      # noqa: E402
import kmod                                   # noqa: E402
import packages                               # noqa: E402
import tap                                    # noqa: E402 (rig.py knows where)
import vm                                     # noqa: E402

PACKAGES = ('udev', 'systemd-standalone-sysusers')
WANTED = ('/bin/udevadm', '/systemd-udevd', '/bin/systemd-sysusers',
          '/50-udev-default.rules', '.so.')
INSTALLED = ('install-udevrulesDATA', 'install-kmodsysusersDATA')
DOORBELL, SHARED = '0000:00:03.0', '0000:00:05.1'
OURS = '0 bellring 660'   # owner, group and mode of a node
PATIENCE = 120  # seconds; an emulated CPU may have to share a core

# The folders of /usr are those of the guest's root. What usermod would do to
# /etc/group is done by sed.
START = r'''set -e
ln -s . /usr
tar -xf /bin/udev.tar -C /
mkdir -p /run /tmp
printf 'root:x:0:\nnogroup:x:65534:\n' >/etc/group
echo 'alice:*:1000:65534::/:/bin/sh' >>/etc/passwd
systemd-sysusers
sed -i '/^bellring:/s/$/alice/' /etc/group
/lib/systemd/systemd-udevd --daemon
'''

_machine = None
_missing = None


# ---- the guest -------------------------------------------------------------------------

def _install(folder):
    """What the build installs for udev, as a package of it would have it."""
    env = {k: v for k, v in os.environ.items() if not k.startswith('MAKE')}
    run = subprocess.run(['make', '-s', '-C', vm.BUILD, *INSTALLED, 'prefix=/usr',
                          f'DESTDIR={folder}'], env=env, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False)
    assert run.returncode == 0, f'make {" ".join(INSTALLED)}: {run.stdout}'


def _add(tar, folder):
    """A folder's files; the guest has all that is in /usr one level higher."""
    for top, _, names in os.walk(folder):
        for path in (os.path.join(top, n) for n in names):
            tar.add(path, os.path.relpath(path, folder).removeprefix('usr/'))


def _udev():
    """Folder with PACKAGES and their libraries, unpacked."""
    archive, what = packages.Archive(), f'udev-{debian.release()}'
    there = os.path.isdir(os.path.join(archive.folder, what))
    return archive.fetch(() if there else debian.closure(*PACKAGES), what, WANTED)


def _archive(folder):
    """Path of a tar archive with udev and our files in it."""
    udev = _udev()
    ours = os.path.join(folder, 'installed')
    _install(ours)
    path = os.path.join(folder, 'udev.tar')
    with tarfile.open(path, 'w') as tar:
        _add(tar, udev)
        _add(tar, ours)
    return path


def _boot():
    kernel = kernels.find()
    more = ('-device', 'virtio-rng-pci,multifunction=on,addr=5.0',
            '-object', 'memory-backend-memfd,id=m,size=1M,share=on',
            '-device', 'ivshmem-plain,memdev=m,addr=5.1')
    with tempfile.TemporaryDirectory(prefix='bellring-udev-') as folder:
        return vm.Guest('udev', rig.server, vectors=VECTORS, kernel=kernel,
                        programs={**PROGRAMS, 'udev.tar': _archive(folder)},
                        extra_modules=kmod.build(kernel), qemu_options=more).__enter__()


def machine():
    """The guest with systemd-udevd in it, and its devices free of any driver."""
    global _machine, _missing                  # pylint: disable=global-statement
    if not _machine and not _missing:
        try:
            _machine = _boot()
        except vm.Missing as e:
            _missing = str(e)
        else:
            atexit.register(_machine.close)
            _machine.check(START, PATIENCE)
    if _missing:
        tap.missing_thing(_missing)
    _machine.run('rmmod ivshmem_doorbell; for a in /sys/bus/pci/drivers/vfio-pci/0*; do '
                 'echo ${a##*/} >${a%/*}/unbind; done; '
                 'echo | tee /sys/bus/pci/devices/*/driver_override')
    return _machine


def with_module():
    guest = machine()
    guest.check('modprobe ivshmem_doorbell; udevadm settle', PATIENCE)
    return guest


def vfio_node(guest, device):
    """Gives it to vfio-pci; the node of its IOMMU group."""
    guest.check(f'modprobe -a vfio-pci vfio_iommu_type1; cd /sys/bus/pci; '
                f'echo vfio-pci >devices/{device}/driver_override; '
                f'echo {device} >drivers_probe; udevadm settle', PATIENCE)
    path = guest.check(f'readlink /sys/bus/pci/devices/{device}/iommu_group')
    return '/dev/vfio/' + os.path.basename(path.strip())


def access(guest, node):
    return guest.check(f'stat -c "%u %G %a" {node}').strip()


def run_as(user, words):
    """bellring on the server's device, with that user's groups."""
    return f'start-stop-daemon -S -c {user} -x /bin/bellring -- -a pci:{DOORBELL} {words}'


def info_of_alice(guest):
    about, = objects(guest.check(run_as('alice', '--json info'), PATIENCE))
    assert about['vectors'] == VECTORS, about
    return about


# ---- the module ------------------------------------------------------------------------

@tap.case
def udev_gives_the_modules_nodes_to_the_group():
    guest = with_module()
    nodes = guest.check('echo /dev/ivshmem*').split()
    assert len(nodes) == 2, nodes
    for node in nodes:
        assert access(guest, node) == OURS, (node, access(guest, node))


@tap.case
def member_of_the_group_uses_the_module():
    guest = with_module()
    assert 'uid=1000' in guest.check('id alice')
    assert info_of_alice(guest)['port'] == 'module'
    with host_start('--name', 'host', 'recv', '-F') as receiver:
        live('host')
        guest.check(run_as('alice', 'ping -c 5 -i 0 host'), PATIENCE)
        receiver.check()


@tap.case
def others_are_refused_by_the_module():
    fails(with_module(), run_as('nobody', 'info'), '/dev/ivshmem0: Permission denied',
          'usermod -aG bellring')


# ---- vfio ------------------------------------------------------------------------------

@tap.case
def member_of_the_group_uses_vfio():
    guest = machine()
    node = vfio_node(guest, DOORBELL)
    assert access(guest, node) == OURS, access(guest, node)
    assert info_of_alice(guest)['port'] == 'vfio'
    fails(guest, run_as('nobody', 'info'), f'{node}: Permission denied')


@tap.case
def iommu_group_with_another_device_stays_roots():
    guest = machine()
    node = vfio_node(guest, SHARED)
    within = guest.check(f'ls /sys/kernel/iommu_groups/{os.path.basename(node)}/devices')
    assert within.split() == ['0000:00:05.0', SHARED], within
    assert access(guest, node) == '0 root 600', access(guest, node)


if __name__ == '__main__':
    sys.argv += os.environ.get('GUEST_CASES', '').split()
    tap.main()
