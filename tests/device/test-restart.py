# SPDX-License-Identifier: BSD-2-Clause
"""bellring-server --keep dies and comes again with QEMU's real device attached.

QEMU dies of a leave that it is told twice, of a peer's vector in the wrong place
and of an id that it saw leave (test-facts.py). So it is the judge of whether a
successor knows exactly what its predecessor had sent.
"""
import contextlib
import fcntl
import json
import os
import random
import signal
import struct
import subprocess
import sys
import termios
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
# pylint: disable=wrong-import-position
import tap
from children import until
from ivshmem import Client, drain
from rig import Bellring, Kept, meet, meet_device

BUILD = os.environ.get('top_builddir', '.')
KILL_AT = os.path.join(BUILD, 'tests', 'kill-at')
MESSAGE = 8   # bytes
ROUNDS = 25
# As few peers and descriptors let a socket hold few messages (fdlimit_unread()).
SMALL = ('/bin/sh', '-c', 'ulimit -n 1000 && exec "$@"', 'sh')
FEW = ('--max-peers', '20')


class Late(Client):
    """A client that connects at once and is greeted when that is asked for."""

    id = None

    def _greeting(self):
        pass

    def greeted(self):
        """False if it was accepted and the server died before it was kept."""
        try:
            super()._greeting()
        except (EOFError, ConnectionResetError):
            assert self.id is None, 'lost within its greeting'
            return False
        return True

    def unread(self):
        """Bytes that wait for it."""
        raw = fcntl.ioctl(self.sock, termios.FIONREAD, bytes(4))
        return struct.unpack('=i', raw)[0]


def late(rig):
    return rig.enter_context(Late(rig.path, rig.vectors))


def settle(device, clients):
    """All know each other and nobody else, and ring right."""
    ids = {device.position(), *(c.id for c in clients)}
    for client in clients:
        while set(client.peers) != ids - {client.id}:
            assert client.news(10) is not None, \
                f'client {client.id} knows {sorted(client.peers)}, not {sorted(ids)}'
        meet(device, client)


def forgets(device, peer, doorbell):
    """Waits until the device rings that peer no more; takes its vector 3."""
    try:
        until(lambda: device.ring(peer, 3) or not drain(doorbell),
              f'the device has heard that {peer} left')
    finally:
        os.close(doorbell)


def queued(rig, peer):
    """Bytes that the server has still to send to it."""
    done = subprocess.run(
        [os.path.join(BUILD, 'bellring'), 'server', '-S', rig.path, '--json', 'peers'],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=True)
    rows = map(json.loads, done.stdout.splitlines())
    return next(r['queued_bytes'] for r in rows if r['id'] == peer)


# ---- while no server runs ------------------------------------------------------

@tap.case
def peers_ring_on_and_newcomers_join_the_next_server():
    with Kept() as rig:
        device, client = rig.device(), rig.client()
        us = device.position()
        meet(device, client)
        for _ in range(3):
            rig.die()
            meet(device, client)
            rig.again()
            meet(device, client)
            newcomer = rig.client()
            assert newcomer.id > max(client.peers), 'an id is given again'
            client.expect('join', newcomer.id)
            meet(device, newcomer)
            assert us == device.position() and us in newcomer.peers
        client.expect_silence()
        assert not device.said(), device.said()


@tap.case
def leaves_that_no_server_saw_are_told_once():
    with Kept() as rig:
        device, gone, client = rig.device(), rig.device(), rig.client()
        leaver = rig.client()
        client.expect('join', leaver.id)
        meet_device(device, gone)
        meet(device, leaver)
        rig.die()
        doorbell = os.dup(leaver.own[3])
        was = gone.position()
        leaver.close()
        gone.kill()
        rig.again()
        forgets(device, leaver.id, doorbell)
        assert {client.news(10), client.news(10)} == {('left', leaver.id), ('left', was)}
        rig.die()
        rig.again()
        newcomer = rig.client()
        client.expect('join', newcomer.id)   # and no leave before it
        settle(device, [client, newcomer])


def connections(path):
    """To that socket, accepted or not: proc(5)."""
    with open('/proc/net/unix', encoding='utf-8', errors='replace') as f:
        return sum(line.rstrip('\n').endswith(' ' + path) for line in f) - 1


@tap.case
def a_device_that_comes_meanwhile_waits_for_the_next_server():
    with Kept() as rig:
        client = rig.client()
        rig.die()
        before = connections(rig.path)
        device = rig.qemu()
        until(lambda: connections(rig.path) > before, 'QEMU connects')
        rig.again()
        meet(device.ready(), client)


# ---- half told -------------------------------------------------------------------

@tap.case
def a_greeting_that_was_half_sent_goes_on():
    with Kept(*FEW, under=SMALL) as rig:
        clients = [rig.client() for _ in range(4)]
        rig.die()
        before = connections(rig.path)
        device = rig.qemu()
        until(lambda: connections(rig.path) > before, 'QEMU connects')
        os.kill(device.pid, signal.SIGSTOP)
        rig.again(under=SMALL)
        us = clients[-1].id + 1
        until(lambda: f'client {us} (' in rig.server.said(), 'it has joined')
        until(lambda: queued(rig, us) > 0, 'it is being greeted')
        left = queued(rig, us)
        assert left < MESSAGE * (3 + 5 * rig.vectors), 'nothing was sent'
        print(f'# {left // MESSAGE} of {3 + 5 * rig.vectors} messages are still to be sent')
        rig.die()
        rig.again()
        assert queued(rig, us) == left
        os.kill(device.pid, signal.SIGCONT)
        device.ready()
        assert device.position() == us
        settle(device, clients)


def half_told(rig, device):
    """Clients that join while QEMU is stopped; of the last it was sent a part."""
    crowd, whole, us = [], MESSAGE * rig.vectors, device.position()
    os.kill(device.pid, signal.SIGSTOP)
    while not crowd or not queued(rig, us):
        assert len(crowd) < 15, 'its socket has no end'
        crowd.append(rig.client())
    left = queued(rig, us)
    assert 0 < left < whole, 'its socket ended between two peers: take other vectors'
    print(f'# of the last of {len(crowd)}, {left // MESSAGE} vectors are still to be sent')
    return crowd, left


@tap.cases([('stays', False), ('leaves meanwhile', True)])
def a_newcomer_of_whom_the_device_has_half_heard(_, leaves):
    # So many that what a socket takes is no multiple of it.
    with Kept(*FEW, '-n', '13', vectors=13, under=SMALL) as rig:
        device, client = rig.device(vectors=13), rig.client()
        meet(device, client)
        us = device.position()
        crowd, left = half_told(rig, device)
        later = rig.client()   # of it nothing is sent
        rig.die()
        if leaves:
            crowd.pop().close()
        rig.again()
        if not leaves:
            assert queued(rig, us) == left + MESSAGE * rig.vectors
        os.kill(device.pid, signal.SIGCONT)
        settle(device, [client, *crowd, later])


# ---- at any time -------------------------------------------------------------------

def killed(rig, rnd):
    """Kills it from aside, soon; returns what waits for the next server."""
    server = rig.server
    timer = threading.Timer(rnd.random() * 0.012, os.kill, (server.pid, signal.SIGKILL))
    timer.start()

    def wait():
        timer.join()
        server.wait()
        rig.again()
    return wait


def upgraded(rig, rnd):
    timer = threading.Timer(rnd.random() * 0.012, rig.upgrade)
    timer.start()

    def wait():
        timer.join()
        rig.upgraded()
    return wait


def killed_while_upgraded(rig, rnd):
    """From before the check of the new program to after it serves."""
    rig.upgrade()
    server = rig.server
    timer = threading.Timer(rnd.random() * 0.06, os.kill, (server.pid, signal.SIGKILL))
    timer.start()

    def wait():
        timer.join()
        server.wait()
        rig.again()
    return wait


def hustle(rig, rnd, members):
    """Some leave and some connect; returns who connected."""
    fresh = []
    for _ in range(rnd.randrange(1, 4)):
        if len(members) > 3 or len(members) > 1 and rnd.random() < 0.5:
            members.pop(rnd.randrange(1, len(members))).close()
        time.sleep(rnd.random() * 0.006)   # so that kills fall on all kinds of moments
        fresh.append(late(rig))
    return fresh


@tap.cases([('killed', killed), ('upgraded', upgraded),
            ('killed while upgraded', killed_while_upgraded)])
def at_random_times_while_peers_come_and_go(name, happen):
    seed = int(os.environ.get('RESTART_SEED', random.randrange(1 << 32)))
    print(f'# RESTART_SEED={seed}')
    rnd = random.Random(seed)
    with Kept() as rig:
        # Those whom nobody here has seen leave a mark on which ids may be given.
        for _ in range(20):
            rig.new_client().close()
        device, one = rig.device(), rig.device()
        members = [rig.client()]
        lost = joined = 0
        us, other = device.position(), one.position()
        for _ in range(ROUNDS):
            wait = happen(rig, rnd)
            fresh = hustle(rig, rnd, members)
            wait()
            for client in fresh:
                if client.greeted():
                    members.append(client)
                    joined += 1
                else:
                    lost += 1
            ids = {us, other, *(c.id for c in members)}
            for client in members:
                while set(client.peers) != ids - {client.id}:
                    assert client.news(10) is not None, (client.id, client.peers.keys())
            for client in {members[0], members[-1], rnd.choice(members)}:
                meet(device, client)
        for client in members:
            meet(device, client)
            meet(one, client)
        meet_device(device, one)
        assert (us, other) == (device.position(), one.position())
        assert not device.said() + one.said(), device.said() + one.said()
        print(f'# {ROUNDS} rounds, {joined} joined, {lost} lost their connection')
        # Between accept() and its being kept nobody can help a newcomer.
        assert lost <= (0 if name == 'upgraded' else ROUNDS // 5)


def one_death(rig, stop, devices, leaver):
    """Killed at that stop while one joins and leaver leaves.

    Returns (it came to that, the newcomer or None if that was lost).
    """
    rig.die()
    rig.again(under=(KILL_AT, str(stop)))
    doorbells = [os.dup(leaver.own[3]) for _ in devices]
    leaver.close()
    newcomer = late(rig)
    whole = MESSAGE * (3 + 3 * rig.vectors)
    until(lambda: not rig.server.alive() or
          newcomer.unread() >= whole and f'client {leaver.id} (' in rig.server.said(),
          'its death')
    died = not rig.server.alive()
    if died:
        rig.again()
    kept = newcomer.greeted()
    for device, doorbell in zip(devices, doorbells):
        forgets(device, leaver.id, doorbell)
    if not kept:
        return died, None
    assert newcomer.id == leaver.id + 1, f'{newcomer.id} after {leaver.id}'
    know(devices, newcomer)
    return died, newcomer


def know(devices, client):
    """They, and nobody else, are known to it, and it to them."""
    ids = {device.position() for device in devices}
    until(lambda: client.news(0) or set(client.peers) == ids, f'it knows {ids} only')
    for device in devices:
        meet(device, client)


@tap.case
def killed_at_every_system_call():
    """The same two devices see all of the deaths."""
    with Kept() as rig:
        devices = [rig.device(), rig.device()]
        deaths, lost, died = 0, 0, True
        leaver = rig.client()
        know(devices, leaver)
        while died:
            died, newcomer = one_death(rig, deaths + 1, devices, leaver)
            deaths += died
            if not newcomer:
                lost += 1
                newcomer = rig.client()
                know(devices, newcomer)
            leaver = newcomer
        meet_device(*devices)
        assert not any(device.said() for device in devices)
        print(f'# {deaths} deaths; the newcomer was lost in {lost}')
        assert deaths > 40
        assert lost <= 12


# ---- refused ---------------------------------------------------------------------------

@tap.cases([('--max-peers', '2', -102), ('--max-peers-per-user', '2', -103),
            ('--allow-user', str(os.getuid() + 1), -101)],
           key=lambda row: row[0])
def a_device_is_refused_by(option, value, version):
    """It says so and ends; one that is sent away without a word would spin."""
    with Bellring(option, value) as rig, contextlib.ExitStack() as others:
        if 'max' in option:
            device, client = rig.device(), others.enter_context(rig.new_client())
            meet(device, client)
        refused = rig.qemu()
        assert refused.wait() == 1, refused.said()
        assert f'server sent version {version}, expecting 0' in refused.said()
        assert option in rig.server.said(), rig.server.said()
        if 'max' in option:
            meet(device, client)


tap.main()
