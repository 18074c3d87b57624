# SPDX-License-Identifier: BSD-2-Clause
"""Several processes in each of two guests, on our kernel module: `make check-guest`.

Each process is a peer of its own; one that is killed, or whose machine shuts down,
is missed at once. The guests are alpha and beta, on rig.py's server.
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rig import (VECTORS, host, host_start, live, named,  # noqa: E402
                 objects, peers, rig, with_module)
import tap                                    # noqa: E402
from children import until                    # noqa: E402

NO_PEER = 'peer not present'
PATIENCE = 90     # a timeout, seconds, that no death below may need
TOOL = 'bellring -a pci:'

_machines = {}


def both():
    """(alpha, beta): booted, the device with our module, nothing of ours running."""
    fresh = [name for name in ('alpha', 'beta') if name not in _machines]
    for name in fresh:
        _machines[name] = with_module(name).launch()
    for name in fresh:
        _machines[name].wait_ready()
    for machine in _machines.values():
        prepare(machine)
    return _machines['alpha'], _machines['beta']


def prepare(machine):
    machine.run('killall -9 bellring')
    until(lambda: machine.run('pidof bellring')[0] != 0,
          f'{machine.name}: no bellring runs any more', 20, 0.05)
    said = machine.check(f'{TOOL} bind')
    assert 'bound to ivshmem_doorbell' in said, said


def end():
    for machine in _machines.values():
        machine.close()


def serve(machine, name):
    """A process in the guest that answers calls, once it is there: its Job."""
    job = machine.spawn(f'{TOOL} --name {name} serve any cat')
    live(name)
    return job


# ---- together ----------------------------------------------------------------------

@tap.case
def each_process_is_a_peer_of_its_own():
    """All call all: within a guest, from guest to guest, and from the host."""
    alpha, beta = both()
    for machine in (alpha, beta):
        for n in range(3):
            serve(machine, f'{machine.name}-{n}')
    names = [f'{machine}-{n}' for machine in _machines for n in range(3)]
    ids = {name: named(name)['id'] for name in names}
    assert len(set(ids.values())) == 6, ids
    for machine in _machines:
        mine = [ids[f'{machine}-{n}'] for n in range(3)]
        assert len({i & 0xffff for i in mine}) == 1, ids
        assert sorted(i >> 16 for i in mine) == [0, 1, 2], ids
    for name in names:
        assert host('call', name, '1', name) == name
        for machine in (alpha, beta):
            assert machine.check(f'{TOOL} call {name} 1 {name}') == name
    text = f'{ids["beta-2"] & 0xffff}.{ids["beta-2"] >> 16}'
    assert host('call', text, '1', 'by its number') == 'by its number'
    assert re.search(rf'^ *{re.escape(text)}  beta-2 ', host('peers'), re.M), host('peers')


@tap.case
def only_the_process_that_is_meant_is_woken():
    """Its neighbour sleeps on: no CPU time at all."""
    alpha, _ = both()
    one, two = serve(alpha, 'one'), serve(alpha, 'two')
    with host_start('--json', 'ping', '-i', '0.005', 'two') as child:
        # All were told that it joined; from then on it is between these two.
        until(lambda: len(objects(child.said())) > 50, 'answers', 30, 0.05)
        before, worked = alpha.cpu_ns(one.pid), alpha.cpu_ns(two.pid)
        answers = len(objects(child.said()))
        until(lambda: len(objects(child.said())) > answers + 100, 'more', 30, 0.05)
        assert alpha.cpu_ns(two.pid) > worked
        assert alpha.cpu_ns(one.pid) == before


@tap.case
def vectors_from_guest_to_guest_both_ways():
    """All of them, told to all processes that listen."""
    for source, target in (both(), both()[::-1]):
        watches = [target.spawn(f'{TOOL} --json watch') for _ in range(2)]
        numbers = [until(lambda job=job: re.search(r'watching as id (\S+),', job.output()),
                         'it watches', 20, 0.05).group(1) for job in watches]
        assert numbers[0] != numbers[1], numbers
        for vector in range(VECTORS):
            source.check(f'{TOOL} ring {numbers[0]} {vector}')
        for job in watches:
            until(lambda job=job: {o['vector'] for o in objects(job.output())
                                   if 'vector' in o} == set(range(VECTORS)),
                  'all vectors are told', 30, 0.1)
            job.kill()


@tap.case
def a_file_from_guest_to_guest_beside_a_busy_neighbour():
    alpha, beta = both()
    serve(beta, 'neighbour')
    job = beta.spawn(f'{TOOL} --name sink -v recv -o /tmp/in')
    live('sink')
    alpha.check('dd if=/dev/urandom of=/tmp/out bs=1M count=8 2>/dev/null')
    ping = alpha.spawn(f'{TOOL} --json ping -i 0.01 neighbour')
    alpha.check(f'{TOOL} -v send -f /tmp/out sink', 120)
    status, text = job.wait(60)
    assert status == 0, text
    assert alpha.check('md5sum </tmp/out') == beta.check('md5sum </tmp/in')
    until(lambda: len(objects(ping.output())) >= 10, 'the neighbour answers', 30, 0.1)
    assert all('time_us' in o for o in objects(ping.output()))


# ---- deaths ------------------------------------------------------------------------

@tap.case
def a_killed_process_is_missed_at_once():
    """By a caller on the host, one in the other guest, and one beside it."""
    alpha, beta = both()
    neighbour = serve(alpha, 'neighbour')
    victim = alpha.spawn(f'{TOOL} --name victim serve any sleep 1000')
    live('victim')
    before = named('victim')
    call = f'-t {PATIENCE} call victim 1 x'
    with host_start(*call.split()) as child:
        jobs = [machine.spawn(f'{TOOL} {call}') for machine in (alpha, beta)]
        # Each has its own sleep there once its request has come.
        until(lambda: alpha.run('pidof sleep')[1].count(' ') == 2, 'three calls', 30, 0.1)
        victim.kill()
        until(lambda: not child.alive(), 'the caller on the host ends', 20, 0.05)
        assert NO_PEER in child.said(), child.said()
        for job in jobs:
            status, text = job.wait(20)
            assert status == 3 and NO_PEER in text, text
    entry = next(p for p in peers().values() if p['name'] == 'victim')
    assert entry['state'] == 'dead', entry
    alpha.run('killall sleep')
    assert not neighbour.ended()
    assert host('call', 'neighbour', '1', 'still here') == 'still here'
    serve(alpha, 'victim')
    after = named('victim')
    assert after['id'] == before['id'] and after['incarnation'] > before['incarnation']


@tap.case
def who_came_after_its_last_look_hears_of_a_death():
    """The victim is stopped, so that it never sees who joins then."""
    alpha, beta = both()
    victim = alpha.spawn(f'{TOOL} --name victim serve any cat')
    live('victim')
    assert host('call', 'victim', '1', 'x') == 'x'
    alpha.check(f'kill -STOP {victim.pid}')
    with host_start('--name', 'late', '-t', str(PATIENCE), 'call', 'victim', '1', 'x') as child:
        job = beta.spawn(f'{TOOL} --name later -t {PATIENCE} call victim 1 x')
        live('late')
        live('later')
        victim.kill()
        until(lambda: not child.alive(), 'the caller on the host ends', 20, 0.05)
        assert NO_PEER in child.said(), child.said()
        status, text = job.wait(20)
        assert status == 3 and NO_PEER in text, text


@tap.case
def of_a_machine_that_was_reset_all_processes_are_dead():
    alpha, _ = both()
    for name in ('one', 'two', 'three'):
        serve(alpha, name)
    alpha.reset()
    prepare(alpha)
    serve(alpha, 'again')
    states = {p['name']: p['state'] for p in peers().values() if p['name']}
    assert [states.get(n) for n in ('two', 'three', 'again')] == ['dead', 'dead', 'live'], states


@tap.case
def a_machine_that_shuts_down_is_missed_at_once():
    """Its processes get no chance to leave: reboot -f, and the module's shutdown."""
    alpha, beta = both()
    serve(beta, 'here')
    serve(alpha, 'one')
    alpha.spawn(f'{TOOL} --name two serve any sleep 1000')
    live('two')
    with host_start('-t', str(PATIENCE), 'call', 'two', '1', 'x') as child:
        until(lambda: alpha.run('pidof sleep')[0] == 0, 'the call', 30, 0.1)
        boot = alpha.boot_id
        alpha.reboot()
        until(lambda: not child.alive(), 'the caller ends', 30, 0.05)
        assert NO_PEER in child.said(), child.said()
    alpha.wait_ready()
    assert alpha.boot_id != boot
    states = {p['name']: p['state'] for p in peers().values() if p['name']}
    assert (states['one'], states['two'], states['here']) == ('dead', 'dead', 'live'), states
    prepare(alpha)
    serve(alpha, 'one')
    assert beta.check(f'{TOOL} call one 1 back') == 'back'


@tap.case
def a_machine_resets_during_traffic():
    """Nobody hears of that; the processes of the next boot bury those of the last."""
    alpha, beta = both()
    serve(alpha, 'one')
    before = named('one')
    with host_start('--json', '-t', str(PATIENCE), 'ping', '-i', '0.01', 'one') as child:
        until(lambda: len(objects(child.said())) > 20, 'traffic', 30, 0.05)
        alpha.reset()
        prepare(alpha)
        serve(alpha, 'one')
        until(lambda: not child.alive(), 'the old ping ends', 20, 0.05)
    # The old one was listed as live until the new one opened the device.
    after = until(lambda: named('one') if named('one') != before else None,
                  'the new one is live', 20, 0.05)
    assert after['id'] == before['id'] and after['incarnation'] > before['incarnation']
    assert beta.check(f'{TOOL} call one 1 back') == 'back'


# ---- other ways -------------------------------------------------------------------

@tap.case
def the_device_goes_from_driver_to_driver():
    """Bound to vfio-pci it is one process's; back at the module it is shared."""
    alpha, _ = both()
    said = alpha.check(f'{TOOL} bind -d vfio')
    assert 'bound to vfio-pci' in said, said
    serve(alpha, 'one')
    status, text = alpha.run(f'{TOOL} info')
    assert status == 1 and 'in use' in text, text
    alpha.run('killall -9 bellring')
    said = alpha.check(f'{TOOL} bind -d module')
    assert 'bound to ivshmem_doorbell' in said, said
    serve(alpha, 'one')
    serve(alpha, 'two')


@tap.case
def the_driver_is_taken_from_those_who_use_it():
    """They end with an error, not by a signal, and others miss them at once."""
    alpha, beta = both()
    serve(beta, 'here')
    jobs = [alpha.spawn(f'{TOOL} --name w{n} recv') for n in range(2)]
    for n in range(2):
        live(f'w{n}')
    alpha.check('echo 0000:00:03.0 >/sys/bus/pci/drivers/ivshmem_doorbell/unbind')
    for job in jobs:
        status, text = job.wait(20)
        assert status == 1 and ('removed' in text or 'formatted' in text), (status, text)
    states = {p['name']: p['state'] for p in peers().values() if p['name']}
    assert (states['w0'], states['w1'], states['here']) == ('dead', 'dead', 'live'), states
    prepare(alpha)
    serve(alpha, 'w0')
    assert beta.check(f'{TOOL} call w0 1 back') == 'back'


@tap.case
def a_user_of_the_group_is_a_peer_without_root():
    """As the udev rule leaves the node; nobody else may."""
    alpha, _ = both()
    alpha.check('chgrp 65534 /dev/ivshmem0; chmod 660 /dev/ivshmem0')
    become = 'start-stop-daemon -S -p /tmp/none -c 65534:{} -x /bin/bellring -- -a pci: '
    assert 'module' in alpha.check(become.format(65534) + 'info')
    status, text = alpha.run(become.format(65533) + 'info')
    assert status == 1 and 'permission denied' in text and 'usermod' in text, text
    job = serve(alpha, 'root')
    said = alpha.check(become.format(65534) + 'call root 1 hello')
    assert said == 'hello', said
    assert not job.ended()
    alpha.check('chmod 600 /dev/ivshmem0')


sys.argv += os.environ.get('GUEST_CASES', '').split()
try:
    tap.main()
finally:
    end()
