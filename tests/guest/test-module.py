# SPDX-License-Identifier: BSD-2-Clause
"""The kernel module in real guests: `make check-guest`, or GUEST_CASES=module-...

Its programs know the module's header and nothing else of ours. Most cases share
one guest and one server; each brings the guest into the state that it needs.
"""
import atexit
import os
import re
import struct
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [_HERE, os.path.join(_HERE, '..')]

import tap                                    # noqa: E402 (after the path)
import vm                                     # noqa: E402
import ivshmem                                # noqa: E402 (vm.py knows where)
import kernel as kernels                      # noqa: E402
import kmod                                   # noqa: E402
from children import until                    # noqa: E402

VECTORS = 16
SIZE = 16 << 20
RAW = 8 << 20           # from here on the memory is nobody's
NODE = '/dev/ivshmem0'
ADDRESS = '0000:01:00.0'
DRIVER = '/sys/bus/pci/drivers/ivshmem_doorbell'
PROGRAMS = {f'module-{name}': os.path.join(vm.BUILD, 'tests', 'guest', f'module-{name}')
            for name in ('probe', 'check', 'fuzz')}
BAD = r'BUG|WARNING|Oops|general protection|Call Trace|irq \d+: nobody cared|leak|corrupt'
FUZZ_SECONDS = 20
FUZZ_PROCESSES = 6


# ---- the guest ---------------------------------------------------------------------

def doorbell(path):
    """The device below a root port: there it can be unplugged."""
    return ('-device', 'pcie-root-port,id=root,slot=1', '-chardev',
            f'socket,path={path},id=iv', '-device',
            f'ivshmem-doorbell,chardev=iv,vectors={VECTORS},bus=root,id=ivshmem')


def machine(name, *qemu_options):
    """A Guest with the module. Slabs are checked for writes after free."""
    try:
        kernel = kernels.find()
        return vm.Guest(name, kernel=kernel, iommu=False, programs=PROGRAMS,
                        extra_modules=kmod.build(kernel), cmdline='slub_debug=FZPU',
                        qemu_options=qemu_options)
    except vm.Missing as e:
        return tap.missing_thing(str(e))


class Rig:
    """The shared guest and server: started when first wanted."""

    def __init__(self):
        self._server = self._guest = None
        atexit.register(self.close)

    @property
    def server(self):
        if not self._server:
            try:
                self._server = vm.Server('--bus', '4M', size=str(SIZE),
                                         vectors=VECTORS).__enter__()
            except vm.Missing as e:
                tap.missing_thing(str(e))
        return self._server

    @property
    def guest(self):
        """The guest, with the module loaded and the device bound to it."""
        if self._guest and not self._answers():
            self._guest.close()    # the case before this has failed
            self._guest = None
        if not self._guest:
            self._guest = machine('module', *doorbell(self.server.path)).__enter__()
        g = self._guest
        g.check(f'modprobe {kmod.NAME}; [ -e {DRIVER}/{ADDRESS} ] || '
                f'echo {ADDRESS} >{DRIVER}/bind')
        g.check(f'[ -c {NODE} ]')
        return g

    def _answers(self):
        try:
            return self._guest.run('true', 5)[0] == 0
        except (vm.Failed, OSError):
            return False

    def close(self):
        if self._guest:
            self._guest.close()
        if self._server:
            self._server.__exit__()
        self._guest = self._server = None


rig = Rig()


def probe(*words):
    return ' '.join(('module-probe', NODE, *map(str, words)))


def info(guest):
    return dict(w.split('=') for w in guest.check(probe('info')).split())


def spawn(guest, *words):
    """A probe in the background that is ready."""
    job = guest.spawn(probe(*words))
    until(lambda: 'ready' in job.output() or job.ended(), f'{words}: ready', 20, 0.05)
    assert job.output().startswith('ready'), job.output()
    return job


def lines(job):
    return job.output(2).split()


def told(job, *vectors):
    """The job says these vectors, in any order, and no others."""
    until(lambda: len(lines(job)) >= len(vectors) or job.ended(),
          f'{job.command}: is told of {vectors}', 20, 0.05)
    assert sorted(map(int, lines(job))) == sorted(vectors), job.output()


def clean(guest):
    """The kernel has nothing to complain about."""
    text = guest.check('dmesg')
    bad = [s for s in text.splitlines() if re.search(BAD, s)]
    assert not bad, '\n'.join(text.splitlines()[-60:])


def host_client():
    return ivshmem.Client(rig.server.path, VECTORS)


def word(client, offset):
    return struct.unpack_from('<Q', client.map, offset)[0]


def set_word(client, offset, value):
    struct.pack_into('<Q', client.map, offset, value)


# ---- what it shows -------------------------------------------------------------------

@tap.case
def module_shows_what_the_device_is():
    guest = rig.guest
    about = info(guest)
    with host_client() as client:
        assert client.size == SIZE
        assert int(about['peer_id']) in client.peers, about
    assert about['device'] == ADDRESS and int(about['vectors']) == VECTORS, about
    assert int(about['memory_size']) == SIZE and about['version'] == '1', about
    assert int(about['flags']) & 1 and about['client'] == '0', about
    cached = 'cached' if int(about['flags']) & 2 else 'uncached'
    shown = guest.check('cd /sys/class/misc/ivshmem0; '
                        'cat peer_id vectors memory_size mapping clients')
    assert shown.split() == [about['peer_id'], str(VECTORS), str(SIZE), cached, '0'], shown
    assert guest.check('readlink -f /sys/class/misc/ivshmem0/device').strip().endswith(ADDRESS)


@tap.case
def module_keeps_its_promises_to_processes():
    """The cases of module-check.c, several times: the last leave nothing behind."""
    guest = rig.guest
    for _ in range(3):
        status, text = guest.run(f'module-check {NODE}', 120)
        assert status == 0, text
    assert guest.check('cat /sys/class/misc/ivshmem0/clients').strip() == '0'
    clean(guest)


# ---- interrupts -----------------------------------------------------------------------

@tap.cases([('events',), ('read',)])
def module_hears_every_vector_from_the_host(how):
    guest = rig.guest
    peer = int(info(guest)['peer_id'])
    job = spawn(guest, how, *range(VECTORS))
    with host_client() as client:
        for vector in range(VECTORS):
            client.ring(peer, vector)
            until(lambda v=vector: str(v) in lines(job), f'vector {vector}', 20, 0.05)
    told(job, *range(VECTORS))
    job.kill()


@tap.cases([('ring',), ('ring-page',)])
def module_rings_every_vector_of_the_host(how):
    guest = rig.guest
    with host_client() as client:
        for vector in range(VECTORS):
            guest.check(probe(how, client.id, vector))
            client.wait_interrupt(vector)


@tap.case
def module_tells_each_client_once_and_only_of_what_it_wants():
    guest = rig.guest
    peer = int(info(guest)['peer_id'])
    jobs = [spawn(guest, 'events', 0, 1), spawn(guest, 'events', 1, 2),
            spawn(guest, 'read', 2, 3)]
    with host_client() as client:
        # Each is told of its last before the next is rung: none can coalesce.
        for vector, job in ((0, 0), (1, 1), (2, 2), (3, 2)):
            client.ring(peer, vector)
            until(lambda v=vector, j=jobs[job]: str(v) in lines(j),
                  f'vector {vector}', 20, 0.05)
    for job, vectors in zip(jobs, ((0, 1), (1, 2), (2, 3))):
        told(job, *vectors)
        job.kill()


# ---- wills ----------------------------------------------------------------------------

def will_of(guest, client, offset):
    set_word(client, offset, 5)
    set_word(client, offset + 8, 1)
    return spawn(guest, 'will', offset, 5, 6, 2, client.id, 3)


def carried_out(client, offset):
    client.wait_interrupt(3, 60)
    assert word(client, offset) == 6 and word(client, offset + 8) == 3


@tap.cases([('TERM',), ('KILL',), ('SEGV',)])
def module_carries_out_the_will_of_a_killed_process(signal):
    guest = rig.guest
    with host_client() as client:
        job = will_of(guest, client, RAW)
        assert word(client, RAW) == 5, 'not before its end'
        job.kill(signal)
        carried_out(client, RAW)


@tap.case
def module_carries_out_wills_when_the_device_is_unbound():
    guest = rig.guest
    with host_client() as client:
        job = will_of(guest, client, RAW)
        guest.check(f'echo {ADDRESS} >{DRIVER}/unbind')
        carried_out(client, RAW)
        set_word(client, RAW, 5)
        job.kill()
        job.wait()
        assert word(client, RAW) == 5, 'twice'


@tap.case
def module_carries_out_wills_when_the_machine_restarts():
    """reboot -f: the processes are still there, and end with the machine."""
    guest = rig.guest
    with host_client() as client:
        will_of(guest, client, RAW)
        will_of(guest, client, RAW + 64)
        before = guest.boot_id
        guest.reboot()
        guest.wait_ready()
        assert guest.boot_id != before
        carried_out(client, RAW)
        assert word(client, RAW + 64) == 6 and word(client, RAW + 72) == 3
    assert rig.guest is guest


# ---- the device goes --------------------------------------------------------------------

def ended_well(job):
    assert job.wait()[1].split('\n')[1:2] == ['gone well'], job.output()


@tap.case
def module_unbound_while_open_and_mapped():
    guest = rig.guest
    jobs = [spawn(guest, 'hold'), spawn(guest, 'hold'), spawn(guest, 'events', 0)]
    sleeper = spawn(guest, 'read', 1)
    guest.check(f'echo {ADDRESS} >{DRIVER}/unbind')
    for job in jobs[:2]:
        ended_well(job)
    assert jobs[2].wait()[1].split()[-1] == 'gone'
    assert sleeper.wait()[1].split()[-1] == 'gone'
    assert guest.run(f'[ -e {NODE} ]')[0] != 0
    guest.check(f'echo {ADDRESS} >{DRIVER}/bind')
    assert int(info(guest)['vectors']) == VECTORS
    clean(guest)


@tap.case
def module_bound_again_while_the_old_file_is_open():
    """The old client knows nothing of the device that came; numbers begin anew."""
    guest = rig.guest
    peer = int(info(guest)['peer_id'])
    job = guest.spawn(f'sleep 1000 <{NODE}')
    until(lambda: guest.check('cat /sys/class/misc/ivshmem0/clients').strip() == '1',
          'it is open', 20, 0.05)
    guest.check(f'echo {ADDRESS} >{DRIVER}/unbind; echo {ADDRESS} >{DRIVER}/bind')
    events = spawn(guest, 'events', 2)
    assert events.output() == 'ready 0\n', events.output()
    assert guest.run(f'rmmod {kmod.NAME}')[0] != 0
    job.kill()
    job.wait()
    with host_client() as client:
        client.ring(peer, 2)
        told(events, 2)
    events.kill()
    clean(guest)


@tap.case
def module_in_use_is_not_unloaded():
    guest = rig.guest
    job = spawn(guest, 'hold')
    status, text = guest.run(f'rmmod {kmod.NAME}')
    assert status != 0 and 'unavailable' in text, text    # EWOULDBLOCK: in use
    job.kill()
    job.wait()
    until(lambda: guest.run(f'rmmod {kmod.NAME}')[0] == 0, 'it is unloaded', 20, 0.05)
    assert guest.run(f'[ -e {NODE} ]')[0] != 0
    assert int(info(rig.guest)['vectors']) == VECTORS
    clean(guest)


@tap.case
def module_survives_traffic_during_unbind():
    """Unbound under open files, mappings and doorbells, again and again."""
    guest = rig.guest
    fuzz = guest.spawn(f'module-fuzz {NODE} 7 4 15')
    for _ in range(30):
        guest.check(f'echo {ADDRESS} >{DRIVER}/unbind; usleep 100000; '
                    f'echo {ADDRESS} >{DRIVER}/bind')
        if fuzz.ended():
            break
    status, text = fuzz.wait(60)
    assert status == 0, text
    assert guest.check(f'module-check {NODE}', 120).count('ok ') > 10
    clean(guest)


@tap.case
def module_unplugged_while_open_and_mapped():
    """A guest of its own: QEMU 7.2 frees a peer that had left twice at the unplug."""
    with machine('unplug', *doorbell(rig.server.path)) as guest, host_client() as client:
        guest.check(f'modprobe {kmod.NAME}')
        hold = spawn(guest, 'hold')
        will_of(guest, client, RAW)
        guest.qmp.command('device_del', id='ivshmem')
        # the guest lets go of it after the button was blinking for 5 seconds
        until(hold.ended, 'the guest lets the device go', 60, 0.2)
        ended_well(hold)
        carried_out(client, RAW)
        until(lambda: guest.run(f'[ -e /sys/bus/pci/devices/{ADDRESS} ]')[0] != 0,
              'the device is away', 30, 0.1)
        clean(guest)


# ---- rights -----------------------------------------------------------------------------

@tap.case
def module_serves_a_group_without_root():
    guest = rig.guest
    as_nobody = 'start-stop-daemon -S -c 65534:65534 -x /bin/module-probe -- '
    status, text = guest.run(as_nobody + f'{NODE} info')
    assert status != 0 and 'Permission denied' in text, text
    guest.check(f'chown 0:65534 {NODE}; chmod 0660 {NODE}')
    assert 'vectors=16' in guest.check(as_nobody + f'{NODE} info')
    with host_client() as client:
        guest.check(as_nobody + f'{NODE} ring {client.id} 1')
        client.wait_interrupt(1)


# ---- suspend ------------------------------------------------------------------------------

@tap.cases([('freeze', 'platform'), ('mem', 'core')])
def module_tells_everybody_to_look_after_suspend(state, depth):
    """As deep as it goes without firmware: Documentation/power/basic-pm-debugging."""
    guest = rig.guest
    jobs = [spawn(guest, 'events', 0, 5), spawn(guest, 'read', 9)]
    peer = int(info(guest)['peer_id'])
    guest.check(f'echo {depth} >/sys/power/pm_test; echo {state} >/sys/power/state', 60)
    told(jobs[0], 0, 5)
    told(jobs[1], 9)
    with host_client() as client:
        client.ring(peer, 5)
        until(lambda: lines(jobs[0]).count('5') == 2, 'interrupts go on', 20, 0.05)
    for job in jobs:
        job.kill()
    guest.check('echo none >/sys/power/pm_test')
    clean(guest)


# ---- plain -------------------------------------------------------------------------------

@tap.case
def module_on_a_plain_device():
    with open(os.path.join(os.path.dirname(rig.server.path), 'plain'), 'w+b') as f:
        f.truncate(1 << 20)
        with machine('plain', '-object',
                     f'memory-backend-file,id=mem,share=on,mem-path={f.name},size=1M',
                     '-device', 'ivshmem-plain,memdev=mem') as guest:
            guest.check(f'modprobe {kmod.NAME}')
            about = info(guest)
            assert about['vectors'] == '0' and not int(about['flags']) & 1, about
            assert int(about['memory_size']) == 1 << 20, about
            status, text = guest.run(probe('ring', 0, 0))
            assert status != 0 and 'not supported' in text, text
            guest.check(probe('poke', 4096, 4711))
            f.seek(4096)
            assert struct.unpack('<Q', f.read(8)) == (4711,)
            hold = spawn(guest, 'hold')
            guest.check(f'echo {about["device"]} >{DRIVER}/unbind')
            ended_well(hold)
            clean(guest)
        os.remove(f.name)


@tap.case
def module_says_that_memory_above_4_gib_is_cached():
    """There SeaBIOS leaves the MTRRs alone; below it says uncached for devices."""
    with open(os.path.join(os.path.dirname(rig.server.path), 'large'), 'w+b') as f:
        f.truncate(4 << 30)    # a hole, but for what is touched
        with machine('large', '-object',
                     f'memory-backend-file,id=mem,share=on,mem-path={f.name},size=4G',
                     '-device', 'ivshmem-plain,memdev=mem') as guest:
            guest.check(f'modprobe {kmod.NAME}')
            about = info(guest)
            assert int(about['memory_size']) == 4 << 30, about
            assert int(about['flags']) & 2, about
            guest.check(probe('poke', (4 << 30) - 8, 4711))
            f.seek(-8, os.SEEK_END)
            assert struct.unpack('<Q', f.read(8)) == (4711,)
            clean(guest)
        os.remove(f.name)


# ---- fuzz --------------------------------------------------------------------------------

@tap.case
def module_survives_whatever_processes_do_to_it():
    guest = rig.guest
    seed = int(os.environ.get('FUZZ_SEED') or int.from_bytes(os.urandom(4), 'big'))
    seconds = int(os.environ.get('FUZZ_SECONDS') or FUZZ_SECONDS)
    print(f'# FUZZ_SEED={seed}', flush=True)
    status, text = guest.run(f'module-fuzz {NODE} {seed} {FUZZ_PROCESSES} {seconds}',
                             seconds + 60)
    assert status == 0, f'FUZZ_SEED={seed}: {text}'
    print('# ' + text.strip(), flush=True)
    assert guest.check(f'module-check {NODE}', 120).count('ok ') > 10
    until(lambda: guest.check('cat /sys/class/misc/ivshmem0/clients').strip() == '0',
          'all clients are gone', 20, 0.1)
    clean(guest)
    guest.check(f'rmmod {kmod.NAME}')


if __name__ == '__main__':
    sys.argv += os.environ.get('GUEST_CASES', '').split()
    tap.main()
