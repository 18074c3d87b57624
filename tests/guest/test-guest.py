# SPDX-License-Identifier: BSD-2-Clause
"""Real Linux guests on the vfio port: `make check-guest`.

Most cases share one guest and one server (rig.py); each case brings the guest
into the state that it needs, so any of them runs alone. GUEST_CASES narrows a
run, as arguments do.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rig import (VECTORS, armed, ended, fails, file_from, file_to,  # noqa: E402
                 guest, host, host_start, info, interrogate, live, named,
                 objects, peers, rig, watcher_id)
import tap                                    # noqa: E402 (rig.py knows where)
import vm                                     # noqa: E402
from children import until                    # noqa: E402

DEVICE = '0000:00:03.0'
FILE_SIZE = 64 << 20
SLEEP_SECONDS = 10
SLEEP_CPU_NS = 10_000_000
QUESTIONS = 64 * VECTORS


# ---- binding ---------------------------------------------------------------------------

def polled(machine, address='pci:'):
    """Served without interrupts: no port with some will do."""
    about, = objects(machine.check(f'bellring -a {address} --json info'))
    assert about['port'] == 'sysfs' and about['vectors'] == 0, about


def refused(machine, port, *words, address='pci:'):
    """`bellring list` tells why that port does not serve it."""
    device = next(o for o in objects(machine.check('bellring --json list'))
                  if address in (o['address'], 'pci:'))
    for word in words:
        assert word in device[f'not_{port}'], device


@tap.case
def a_device_that_is_not_bound_is_polled():
    machine = rig.unbound()
    polled(machine)
    refused(machine, 'vfio', 'not bound to vfio-pci', 'run: bellring bind')


@tap.case
def bind_says_what_it_did():
    text = rig.unbound().check('bellring -a pci: bind')
    assert 'loaded vfio-pci\n' in text, text
    assert 'bound to vfio-pci (was: no driver), IOMMU group ' in text, text


@tap.case
def bind_again_is_harmless():
    text = rig.bound().check('bellring -a pci: bind')
    assert 'already bound to vfio-pci' in text and 'loaded' not in text, text


@tap.case
def bind_takes_the_device_from_another_driver():
    machine = rig.bound()
    machine.check(f'modprobe pci-stub; cd /sys/bus/pci && echo {DEVICE} >drivers/vfio-pci/unbind'
                  f' && echo pci-stub >devices/{DEVICE}/driver_override'
                  f' && echo {DEVICE} >drivers_probe')
    refused(machine, 'vfio', 'bound to pci-stub', 'bellring bind')
    polled(machine)
    text = machine.check('bellring -a pci: bind')
    assert f'{DEVICE}: bound to vfio-pci (was: pci-stub)' in text, text
    info(machine)


@tap.case
def the_port_shows_id_vectors_and_memory():
    about = info(rig.bound())
    assert about['port'] == 'vfio' and about['vectors'] == VECTORS, about
    assert about['memory'] == 64 << 20 and 0 < about['bus'] <= 32 << 20, about
    assert about['id'] in peers(), about


@tap.case
def a_second_process_is_told_that_the_device_is_in_use():
    machine = rig.bound()
    job = machine.spawn('bellring -a pci: watch')
    armed(machine)
    fails(machine, 'bellring -a pci: info', 'another process')
    job.kill('TERM')
    job.wait()


def as_nobody(command):
    """The tool without root's rights; busybox has no other way to drop them."""
    return ('start-stop-daemon -S -c 65534:65534 -x /bin/bellring -- '
            f'-a pci: {command}')


@tap.case
def who_is_not_root_is_told_so():
    machine = rig.unbound()
    fails(machine, as_nobody('bind'), 'permission denied', 'run as root')
    machine.check('bellring -a pci: bind')
    machine.check(as_nobody('bind'))    # nothing to do
    fails(machine, as_nobody('info'), 'permission denied', '/dev/vfio/', 'run as root')
    group, = machine.check('cd /dev/vfio; echo [0-9]*').split()
    machine.check(f'chown 65534 /dev/vfio/{group}')    # what the error proposes
    machine.check(as_nobody('info'))


@tap.cases([
    ('pci:00:1f.0', 'not an ivshmem device'),
    ('pci:00:1e.0', 'no such device; there is: 0000:'),
    ('pci:first', 'pci:0000:00:03.0'),
])
def a_wrong_address(address, word):
    fails(rig.bound(), f'bellring -a {address} info', word)


# ---- interrupts ---------------------------------------------------------------------------

@tap.case
def thousands_of_sleeps_wake_both_sides():
    """Round trips by interrupt, each side asleep in between; none is lost."""
    machine = rig.bound()
    job = machine.spawn('bellring -a pci: --name mirror bench --serve')
    until(lambda: '"mirror"' in host('--json', 'peers'), 'it serves', 20, 0.05)
    out = host('--json', 'bench', 'mirror', '--load', 'trip', '--rounds', '2',
               '--count', '1000', '--sizes', '8,1024', seconds=120)
    trips = [o for o in objects(out) if o['type'] == 'latency']
    assert len(trips) == 6, trips
    assert all(o['samples'] == 2000 for o in trips), trips
    job.kill('TERM')
    assert job.wait()[0] == 0


@tap.case
def host_rings_every_vector_of_the_guest():
    machine = rig.bound()
    me = info(machine)['id']
    job = machine.spawn(f'bellring -a pci: --json watch -c {VECTORS}')
    armed(machine)
    for vector in range(VECTORS):
        host('ring', str(me), str(vector))
    status, text = job.wait()
    assert status == 0, text
    got = [o['vector'] for o in objects(text)]
    assert sorted(got) == list(range(VECTORS)), got


@tap.case
def guest_rings_every_vector_of_the_host():
    machine = rig.bound()
    with host_start('--json', 'watch', '-c', str(VECTORS)) as watch:
        me = watcher_id(watch)
        machine.check(f'for v in $(seq 0 {VECTORS - 1}); do '
                      f'bellring -a pci: ring {me} $v || exit 1; done', 60)
        got = [o['vector'] for o in objects(ended(watch))
               if o['event'] == 'interrupt']
    assert sorted(got) == list(range(VECTORS)), got


@tap.case
def the_bare_port_answers_on_every_vector():
    machine = rig.bound()
    interrogate(machine, '', rig.server.path, VECTORS, info(machine)['bus'],
                QUESTIONS)


# ---- messages ---------------------------------------------------------------------------

@tap.case
def a_message_from_host_to_guest():
    machine = rig.bound()
    job = machine.spawn('bellring -a pci: --name guest recv')
    live('guest')
    host('--name', 'host', 'send', 'guest', 'good morning')
    assert job.wait() == (0, 'good morning')


@tap.case
def a_message_from_guest_to_host():
    machine = rig.bound()
    with host_start('--name', 'host', 'recv') as receiver:
        live('host')
        machine.check('bellring -a pci: --name guest send host "good evening"')
        assert ended(receiver) == 'good evening'


@tap.case
def the_guest_is_listed_with_name_and_kind():
    machine = rig.bound()
    job = machine.spawn('bellring -a pci: --name guest recv')
    entry = live('guest')
    assert entry['kind'] == 'linux' and entry['vectors'] == VECTORS, entry
    assert entry['pid'] == job.pid, entry
    host('send', 'guest', 'done')
    job.wait()


@tap.case
def ping_there_and_back():
    machine = rig.bound()
    job = machine.spawn('bellring -a pci: --name guest recv')
    live('guest')
    host('-t', '10', 'ping', '-c', '3', 'guest')
    host('send', 'guest', 'done')
    job.wait()


@tap.case
def a_file_of_64_mib_from_host_to_guest():
    machine = rig.bound()
    file_to(machine, FILE_SIZE)


@tap.case
def a_file_of_64_mib_from_guest_to_host():
    machine = rig.bound()
    file_from(machine, FILE_SIZE)


# ---- sleep ---------------------------------------------------------------------------

@tap.case
def a_receiver_in_the_guest_sleeps():
    """10 s of waiting cost under 10 ms of CPU.

    By the guest's scheduler (vm.Guest.cpu_ns()): an emulated CPU is some ten
    times slower than a real one, so what it shows is an upper bound.
    """
    machine = rig.bound()
    job = machine.spawn('bellring -a pci: --name guest recv')
    live('guest')
    before = machine.cpu_ns(job.pid)
    assert before > 0, 'this clock does not run'
    machine.check(f'sleep {SLEEP_SECONDS}', SLEEP_SECONDS + 20)
    used = machine.cpu_ns(job.pid) - before
    host('send', 'guest', 'awake?')
    assert job.wait() == (0, 'awake?')
    print(f'# {used / 1e6:.3f} ms of CPU in {SLEEP_SECONDS} s')
    assert used < SLEEP_CPU_NS, f'{used} ns of CPU'


# ---- reboot ---------------------------------------------------------------------------

@tap.case
def the_host_goes_on_when_the_guest_reboots():
    machine = rig.bound()
    with host_start('--name', 'host', 'recv', '--follow', '--lines') as receiver:
        live('host')
        machine.check('bellring -a pci: --name guest send host before')
        until(lambda: 'before' in receiver.said(), 'the first message', 20)
        machine.spawn('bellring -a pci: --name guest recv')   # dies with the guest
        first = live('guest')
        machine.reset()
        machine.check('bellring -a pci: bind')
        job = machine.spawn('bellring -a pci: --name guest recv')

        def second():
            entry = named('guest')
            return entry and entry['incarnation'] > first['incarnation'] and entry
        entry = until(second, 'the guest is there as its next incarnation', 30, 0.05)
        assert entry['id'] == first['id'], (first, entry)
        host('--name', 'other', 'send', 'guest', 'welcome back')
        assert job.wait() == (0, 'welcome back')
        machine.check('bellring -a pci: --name guest send host after')
        until(lambda: 'after' in receiver.said(), 'a message after the reboot', 20)
        assert receiver.said() == 'before\nafter\n', receiver.said()


@tap.case
def a_reboot_in_the_middle_of_a_file():
    machine = rig.bound()
    machine.check('dd if=/dev/zero of=/tmp/out bs=1M count=64 2>/dev/null', 60)
    path = os.path.join(os.path.dirname(rig.server.path), 'in')
    with host_start('--name', 'host', 'recv', '--follow', '-o', path) as receiver:
        live('host')
        machine.spawn('bellring -a pci: --name guest send host -f /tmp/out')
        until(lambda: os.path.exists(path) and os.path.getsize(path) > 0,
              'the file has begun', 30)
        machine.reset()
        receiver.check()
        machine.check('bellring -a pci: bind')
        machine.check('bellring -a pci: --name guest send host "hello again"')

        def there():
            receiver.check()
            with open(path, 'rb') as f:
                return b'hello again' in f.read()
        until(there, 'the next message arrives', 30, 0.05)
    os.remove(path)


@tap.case
def the_host_learns_when_the_machine_dies():
    machine = rig.bound()
    with host_start('--name', 'host', 'recv') as receiver:
        live('host')
        machine.spawn('bellring -a pci: --name guest recv')
        live('guest')
        rig.kill_guest()
        until(lambda: not named('guest'), 'the guest is no longer live', 20, 0.05)
        receiver.check()
        host('send', 'host', 'still here')
        assert ended(receiver) == 'still here'


# ---- machines that lack something ----------------------------------------------------

@tap.case
def without_an_iommu_the_remedy_is_named():
    """And a device without interrupts, and no device at all, in the same boot."""
    with guest('no-iommu', rig.server, iommu=False, vectors=VECTORS, qemu_options=(
            '-object', 'memory-backend-ram,id=plain,size=1M',
            '-device', 'ivshmem-plain,memdev=plain,addr=4.0')) as machine:
        fails(machine, 'bellring -a pci: info', 'name one',
              '0000:00:03.0 (65536 KiB, no driver)',
              '0000:00:04.0 (1024 KiB, no driver, no interrupts)')
        for address, words in (('pci:0000:00:03.0', ('IOMMU', 'intel_iommu=on',
                                                     '-device intel-iommu,intremap=on')),
                               ('pci:0000:00:04.0', ('ivshmem-plain',
                                                     '-device ivshmem-doorbell'))):
            fails(machine, f'bellring -a {address} bind', *words)
            refused(machine, 'vfio', *words, address=address)
            polled(machine, address)
        machine.check('for d in 3 4; do echo 1 >/sys/bus/pci/devices/0000:00:0$d.0/remove; done')
        for command in ('info', 'bind'):
            fails(machine, f'bellring -a pci: {command}', 'no ivshmem device')


# ---- hot-plug -----------------------------------------------------------------------------

def plug(machine, function, chardev):
    machine.qmp.command('device_add', driver='ivshmem-doorbell', id=f'f{function}',
                        chardev=chardev, vectors=4, bus='rp', addr=f'0.{function}',
                        multifunction=function == 0)


@tap.case
def devices_that_come_and_go():
    """Beside a foreign driver, hot-plugged, two in one page of registers, removed."""
    try:
        servers = [vm.Server('--raw', size='1M', vectors=4) for _ in range(3)]
        with servers[0] as first, servers[1] as second, servers[2] as third:
            with guest('hotplug', None, qemu_options=(
                    '-chardev', f'socket,path={first.path},id=first',
                    '-chardev', f'socket,path={second.path},id=second',
                    '-device', 'pcie-root-port,id=rp,chassis=1,slot=1,addr=4.0',
                    '-chardev', f'socket,path={third.path},id=third',
                    '-device', 'ivshmem-doorbell,chardev=third,vectors=4,addr=5.0,multifunction=on',
                    '-device', 'pci-serial,addr=5.1')) as machine:
                come_and_go(machine, second.path, third.path)
    except vm.Missing as e:
        tap.missing_thing(str(e))


def come_and_go(machine, second, third):
    machine.check('bellring -a pci:00:05.0 bind')
    polled(machine, 'pci:00:05.0')    # vfio says what is in its way
    machine.check('echo 0000:00:05.1 >/sys/bus/pci/drivers/serial/unbind')
    interrogate(machine, '00:05.0', third, 4, 0, 16)

    plug(machine, 1, 'second')
    plug(machine, 0, 'first')   # the slot's first function comes last
    until(lambda: machine.run('ls -d /sys/bus/pci/devices/0000:01:00.1')[0] == 0,
          'the new devices are there', 20, 0.1)
    for function in (0, 1):
        machine.check(f'bellring -a pci:01:00.{function} bind')
    # Linux packs their BAR0 into one page, so that vfio maps the second not.
    start = int(machine.check('head -1 /sys/bus/pci/devices/0000:01:00.1/resource')
                .split()[0], 16)
    assert start % 4096, f'BAR0 at {start:#x} has a page of its own: nothing shown'
    interrogate(machine, '01:00.1', second, 4, 0, 64)

    job = machine.spawn('bellring -a pci:01:00.0 watch')
    until(lambda: machine.run('grep -q vfio-msix /proc/interrupts')[0] == 0,
          'the watcher is there', 20, 0.05)
    # The guest takes it from its driver; that waits until we let go of it.
    machine.check('echo 1 >/sys/bus/pci/devices/0000:01:00.0/remove')
    status, text = job.wait()
    assert status == 1 and 'is being removed' in text, (status, text)


if __name__ == '__main__':
    sys.argv += os.environ.get('GUEST_CASES', '').split()
    tap.main()
