# SPDX-License-Identifier: BSD-2-Clause
"""Ports without interrupts in real guests: sysfs, and file on the host.

One guest without IOMMU and driver has the server's device at 00:03.0 and at
00:04.0 an ivshmem-plain, whose memory is a file of this host; a second guest has
the latter only. GUEST_CASES narrows a run, as arguments do.
"""
import atexit
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rig import (TOOL, ended, fails, guest, host, host_start,  # noqa: E402
                 live, objects, peers, rig, watcher_id)
import tap                                    # noqa: E402 (rig.py knows where)
from children import Child, until             # noqa: E402

SIZE = 16 << 20
BLOCK = 4 << 20
VECTORS = 16
IDLE_SECONDS = 5
# Of an idle receiver, of a CPU: 250 looks a second. An emulated CPU needs ten
# times as long for each as a real one. Without a bound it would be 1.
IDLE_SHARE_HOST, IDLE_SHARE_GUEST = 0.1, 0.3
DOORBELL, PLAIN = 'pci:00:03.0', 'pci:00:04.0'


class World:
    """The file and the machines, made when first wanted."""

    def __init__(self):
        folder = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
        with tempfile.NamedTemporaryFile(dir=folder, prefix='bellring-plain-',
                                         delete=False) as f:
            f.truncate(SIZE)
        self.path = f.name
        self.address = 'file:' + self.path
        self._machines = {}
        atexit.register(self.close)

    def _boot(self, name, server):
        # Seeds differ as the machines' names do; no UUID is given.
        return guest(name, server, vectors=VECTORS, iommu=False, qemu_options=(
            '-object', f'memory-backend-file,id=m,mem-path={self.path},size={SIZE},share=on',
            '-device', 'ivshmem-plain,memdev=m,addr=4.0')).__enter__()

    def machine(self, name='alpha'):
        if name not in self._machines:
            self._machines[name] = self._boot(name, rig.server if name == 'alpha' else None)
        machine = self._machines[name]
        machine.run('killall -9 bellring')
        until(lambda: machine.run('pidof bellring')[0] != 0, 'no bellring runs', 20, 0.05)
        return machine

    def close(self):
        for machine in self._machines.values():
            machine.__exit__(None, None, None)
        self._machines = {}
        if os.path.exists(self.path):
            os.unlink(self.path)


world = World()


def info(machine, address):
    return json.loads(machine.check(f'bellring -a {address} --json info'))


# ---- the tool on the file ----------------------------------------------------------

def run_on_file(*args, seconds=60):
    return subprocess.run([TOOL, '-a', world.address, *args], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds,
                          text=True, errors='replace', check=False)


def on_file(*args):
    run = run_on_file(*args)
    assert run.returncode == 0, run.stderr
    return run.stdout


def file_start(*args):
    return Child([TOOL, '-a', world.address, *args])


def file_live(name):
    def look():
        # Nobody formats the file but the first who joins: before that it is an error.
        run = run_on_file('--json', 'peers')
        assert run.returncode == 0 or 'not formatted' in run.stderr, run.stderr
        return next((p for p in objects(run.stdout)
                     if p['name'] == name and p['state'] == 'live'), None)
    return until(look, f'{name} is live', 30, 0.05)


# ---- sysfs ------------------------------------------------------------------------------

@tap.case
def sysfs_serves_a_device_that_no_driver_has():
    machine = world.machine()
    about = info(machine, DOORBELL)
    assert about['port'] == 'sysfs' and about['vectors'] == 0, about
    assert about['memory'] == 64 << 20 and about['id'] in peers(), about


@tap.case
def sysfs_turns_the_memory_on():
    machine = world.machine()
    config = '/sys/bus/pci/devices/0000:00:03.0/config'
    machine.check(f'printf "\\000" | dd of={config} bs=1 seek=4 conv=notrunc')
    command = f'dd if={config} bs=1 skip=4 count=1 2>/dev/null | hexdump -ve \'1/1 "%02x"\''
    assert machine.check(command) == '00'
    about = info(machine, DOORBELL)
    assert machine.check(command) != '00'
    assert about['id'] in peers(), about


@tap.case
def sysfs_says_why_there_is_no_way():
    machine = world.machine()
    fails(machine, 'start-stop-daemon -S -c 65534:65534 -x /bin/bellring -- '
          f'-a {DOORBELL} info', 'permission denied', 'resource2', 'run as root')


@tap.case
def sysfs_and_host_send_each_other_blocks():
    machine = world.machine()
    machine.check(f'head -c {BLOCK} /dev/urandom >/tmp/block')
    with host_start('--name', 'host', 'recv', '-o', '/dev/null', '--json') as receiver:
        live('host')
        machine.check(f'bellring -a {DOORBELL} send host -f /tmp/block', 120)
        got, = objects(ended(receiver, 60))
        assert got['length'] == BLOCK and got['check'], got    # it verified the sum
    with tempfile.NamedTemporaryFile() as f:
        f.write(os.urandom(BLOCK))
        f.flush()
        job = machine.spawn(f'bellring -a {DOORBELL} --name guest recv -o /tmp/in')
        live('guest')
        host('send', 'guest', '-f', f.name)
        status, text = job.wait(60)
        assert status == 0, text
        f.seek(0)
        want = hashlib.sha256(f.read()).hexdigest()
    assert want in machine.check('sha256sum /tmp/in', 60)


@tap.case
def sysfs_is_answered_by_who_sleeps_on_interrupts():
    machine = world.machine()
    with host_start('--name', 'host', 'recv', '-F') as receiver:
        live('host')
        machine.check(f'bellring -a {DOORBELL} ping -c 50 -i 0 host', 60)
        job = machine.spawn(f'bellring -a {DOORBELL} --name guest recv -F')
        live('guest')
        host('ping', '-c', '50', '-i', '0', 'guest')
        job.kill('TERM')
        receiver.check()


@tap.case
def sysfs_rings_every_vector_of_the_host():
    machine = world.machine()
    with host_start('--json', 'watch', '-c', str(VECTORS)) as watch:
        me = watcher_id(watch)
        machine.check(f'for v in $(seq 0 {VECTORS - 1}); do '
                      f'bellring -a {DOORBELL} ring {me} $v || exit 1; done', 60)
        got = [o['vector'] for o in objects(ended(watch)) if o['event'] == 'interrupt']
    assert sorted(got) == list(range(VECTORS)), got


@tap.case
def sysfs_serves_several_processes():
    """The second is 1 of the device, and a killed one's number is free again."""
    machine = world.machine()
    first = machine.spawn(f'bellring -a {DOORBELL} --name first recv -F')
    device = live('first')['id']
    second = machine.spawn(f'bellring -a {DOORBELL} --name second recv -F')
    assert live('second')['id'] == device + (1 << 16)
    machine.check(f'bellring -a {DOORBELL} ping -c 5 -i 0 first', 60)
    host('ping', '-c', '5', '-i', '0', 'second')
    first.kill()
    first.wait()
    assert info(machine, DOORBELL)['id'] == device
    until(lambda: not [p for p in peers().values() if p['name'] == 'first'
                       and p['state'] == 'live'], 'first is dead', 20, 0.05)
    second.kill('TERM')


@tap.case
def sysfs_uses_little_cpu_when_idle():
    machine = world.machine()
    job = machine.spawn(f'bellring -a {DOORBELL} --name guest recv -F')
    live('guest')
    time.sleep(1)    # until it is used to the silence
    before, begin = machine.cpu_ns(job.pid), time.monotonic()
    time.sleep(IDLE_SECONDS)
    used = machine.cpu_ns(job.pid) - before
    share = used / 1e9 / (time.monotonic() - begin)
    print(f'# {share * 1000:.1f} ms a second in the guest')
    assert 0 < share < IDLE_SHARE_GUEST, share
    job.kill('TERM')


# ---- ivshmem-plain -----------------------------------------------------------------------

@tap.case
def file_uses_little_cpu_when_idle():
    with file_start('--name', 'idle', 'recv', '-F') as receiver:
        file_live('idle')
        time.sleep(1)
        before, begin = receiver.cpu_ns(), time.monotonic()
        time.sleep(IDLE_SECONDS)
        share = (receiver.cpu_ns() - before) / 1e9 / (time.monotonic() - begin)
        receiver.check()
    print(f'# {share * 1000:.1f} ms a second')
    assert 0 < share < IDLE_SHARE_HOST, share


@tap.case
def plain_device_has_an_id_of_the_machine():
    about = info(world.machine(), PLAIN)
    assert about['port'] == 'sysfs' and about['vectors'] == 0, about
    assert about['memory'] == SIZE and about['id'] >= 16384, about
    other = info(world.machine('beta'), PLAIN)
    assert other['id'] >= 16384 and other['id'] != about['id'], (about, other)
    assert info(world.machine(), PLAIN + ',id=20000')['id'] == 20000


@tap.case
def plain_guest_and_host_talk():
    machine = world.machine()
    with file_start('--name', 'host', 'recv', '--json') as receiver:
        assert file_live('host')['id'] < 16384
        machine.check(f'bellring -a {PLAIN} send host "from the guest"')
        got, = objects(ended(receiver))
        assert got['text'] == 'from the guest', got
    job = machine.spawn(f'bellring -a {PLAIN} --name guest recv')
    file_live('guest')
    on_file('send', 'guest', 'from the host')
    status, text = job.wait()
    assert status == 0 and 'from the host' in text, text
    fails(machine, f'bellring -a {PLAIN} ring 0 0', 'ivshmem-plain has no doorbells',
          status=3)


@tap.case
def plain_guests_talk():
    alpha, beta = world.machine(), world.machine('beta')
    for sender, receiver in ((alpha, beta), (beta, alpha)):
        job = receiver.spawn(f'bellring -a {PLAIN} --name there recv')
        file_live('there')
        sender.check(f'bellring -a {PLAIN} send there "hello"')
        status, text = job.wait()
        assert status == 0 and 'hello' in text, text


if __name__ == '__main__':
    sys.argv += os.environ.get('GUEST_CASES', '').split()
    tap.main()
