# SPDX-License-Identifier: BSD-2-Clause
"""bellring-server with QEMU's real device and strict clients attached.

Every mistake of a server that test-facts.py shows to kill QEMU is one that
this server must not make, whatever its clients do.
"""
import contextlib
import fcntl
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
# pylint: disable=wrong-import-position
import tap
from children import until
from ivshmem import SEALS, drain
from rig import Bellring, meet, meet_device

MAGIC = b'BELRING\0'   # doc/layout.md


def connect(path):
    """A connection that is not read."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(10)
    sock.connect(path)
    return sock


def take(sock, count):
    """Reads that many bytes and drops the descriptors beside them."""
    while count:
        got = len(sock.recv(count))
        assert got, 'the server closed the connection'
        count -= got


def churn(rig, watchers, times=1):
    """Clients that come and go; the watchers see each come and go."""
    for _ in range(times):
        with connect(rig.path) as sock:
            take(sock, 16)   # its id: it has joined
        for watcher in watchers:
            while watcher.news(0):
                pass


# ---- the greeting ----

@tap.cases([
    ('default', (), 16, None),
    ('one vector', ('-n', '1'), 1, None),
    ('3 MiB is rounded up', ('-l', '3M'), 16, 4 << 20),
    ('a power of two stays', ('-l', '1M'), 16, 1 << 20)])
def greeting_to_strict_clients(_, options, vectors, size):
    with Bellring(*options, vectors=vectors) as rig:
        clients = [rig.client() for _ in range(3)]
        ids = [c.id for c in clients]
        assert ids == sorted(set(ids)), f'ids do not grow: {ids}'
        for n, client in enumerate(clients):
            assert client.size & (client.size - 1) == 0, client.size
            assert client.size >= os.sysconf('SC_PAGE_SIZE')
            assert size in (None, client.size), client.size
            assert list(client.peers) == ids[:n], 'peers out of order'
            for later in ids[n + 1:]:
                client.expect('join', later)
            client.expect_silence()


@tap.case
def memory_is_sealed_against_cutting():
    with Bellring() as rig:
        client = rig.client()
        seals = fcntl.fcntl(client.memory_fd, fcntl.F_GET_SEALS)
        assert seals == SEALS, f'seals {seals:#x}, wanted {SEALS:#x}'
        for size in (0, client.size // 2, client.size * 2):
            try:
                os.ftruncate(client.memory_fd, size)
            except PermissionError:
                continue
            raise AssertionError(f'cut to {size}')


@tap.cases([('formatted', (), MAGIC), ('raw', ('--raw',), bytes(8))])
def memory_at_the_start(_, options, head):
    with Bellring(*options) as rig:
        client, device = rig.client(), rig.device()
        assert client.map[:8] == head, client.map[:8]
        assert device.read_memory(0, 8) == head
        if head != MAGIC:
            assert not any(client.map[:]), 'not zero'


@tap.cases([('q35', 'q35'), ('pc', 'pc')])
def device_gets_the_id_and_memory_of_the_server(_, machine):
    with Bellring('-l', '3M') as rig:
        client = rig.client()
        device = rig.device(machine=machine)
        client.expect('join', device.position())
        assert device.memory_size() == client.size == 4 << 20
        assert not device.said(), device.said()   # nothing to complain about


@tap.cases([(1,), (5,), (16,)])
def every_vector_of_a_device_that_has(vectors):
    with Bellring() as rig:
        device, client = rig.device(vectors=vectors), rig.client()
        meet(device, client)


# ---- peers ----

@tap.case
def unknown_id_or_vector_is_ignored():
    with Bellring() as rig:
        device, client = rig.device(), rig.client()
        meet(device, client)
        for peer, vector in ((client.id, 16), (client.id, 255), (65535, 0),
                             (client.id + 1, 0)):
            device.ring(peer, vector)
        assert not client.interrupts()
        device.expect_no_interrupt()


@tap.case
def memory_is_shared_both_ways():
    with Bellring() as rig:
        one, two, client = rig.device(), rig.device(), rig.client()
        end = client.size - 8
        one.write_memory(end, b'from one')
        assert two.read_memory(end, 8) == b'from one' == client.map[end:]
        client.map[end:] = b'the host'
        assert one.read_memory(end, 8) == b'the host' == two.read_memory(end, 8)


@tap.case
def three_devices_started_at_once_among_clients_that_come_and_go():
    with Bellring() as rig:
        client = rig.client()
        devices = [rig.qemu() for _ in range(3)]
        churn(rig, [client], 20)
        for device in devices:
            device.ready()
            meet(device, client)
        for one, two in ((0, 1), (1, 2), (2, 0)):
            meet_device(devices[one], devices[two])


@tap.case
def killed_device_leaves_once():
    with Bellring() as rig:
        one, two, client = rig.device(), rig.device(), rig.client()
        meet_device(one, two)
        other = rig.client()
        client.expect('join', other.id)
        gone = one.position()
        one.kill()
        for watcher in (client, other):
            watcher.expect('left', gone)
        late = rig.client()   # its joining comes after anything about the dead
        assert gone not in late.peers
        for watcher in (client, other):
            watcher.expect('join', late.id)
            watcher.expect_silence()
        for watcher in (client, other, late):
            meet(two, watcher)


@tap.case
def leave_of_a_client_reaches_the_device():
    with Bellring() as rig:
        device, client, stays = rig.device(), rig.client(), rig.client()
        meet(device, client)
        meet(device, stays)
        copy = os.dup(client.own[3])
        try:
            client.close()
            until(lambda: device.ring(client.id, 3) or not drain(copy),
                  'the device rings the one that left no more')
        finally:
            os.close(copy)
        meet(device, stays)


@tap.case
def no_id_is_given_again_to_who_saw_it_leave():
    with Bellring() as rig:
        device, watcher = rig.device(), rig.client()
        seen = [device.position(), watcher.id]
        for _ in range(60):
            client = rig.client()
            seen.append(client.id)
            client.close()
            watcher.expect('join', seen[-1])
            watcher.expect('left', seen[-1])
        assert len(set(seen)) == len(seen), seen
        meet(device, watcher)
        meet(device, rig.client())


# ---- hostile clients ----

def greeting_bytes(peers, vectors):
    return 8 * (3 + (peers + 1) * vectors)


@tap.case
def hundred_clients_vanish_at_any_byte_of_the_greeting():
    with Bellring() as rig:
        device, watcher = rig.device(), rig.client()
        meet(device, watcher)
        before = rig.server_fds()
        length = greeting_bytes(2, rig.vectors)
        for n in range(100):
            with connect(rig.path) as sock:
                take(sock, n * length // 99)
            while watcher.news(0):
                pass
        # The last one may be told before the leave of the one before.
        last = rig.client()
        while set(watcher.peers) != {device.position(), last.id}:
            assert watcher.news(10) is not None, f'no end of {watcher.peers.keys()}'
        joined = [i for e, i in watcher.history if e == 'join']
        left = [i for e, i in watcher.history if e == 'left']
        assert sorted(left + [last.id]) == joined, f'{joined} but {left}'
        meet(device, watcher)
        meet(device, last)
        last.close()
        until(lambda: rig.server_fds() == before, 'the server closed their fds')


def overflow(rig, watcher, others, victim):
    """Makes news until the victim, who reads none, is dropped.

    What the server still holds of a newcomer that left again is taken back, so
    only those that stay can fill a queue. The others keep up.
    """
    def caught_up():
        while watcher.news(0):
            pass
        for device in others:
            device.fence(rig.vectors + 4)

    with contextlib.ExitStack() as crowd:
        for _ in range(40):   # fills the buffers of the kernel
            churn(rig, [watcher])
            caught_up()
        for _ in range(30):   # QEMU has descriptors for no more than 60
            if victim in watcher.gone:
                break
            crowd.enter_context(connect(rig.path))
            assert watcher.news(10)
            caught_up()
        until(lambda: watcher.news(0) or victim in watcher.gone,
              'the one that does not read is dropped')
    assert watcher.history.count(('left', victim)) == 1


@tap.case
def client_that_never_reads_is_dropped_and_nobody_else():
    with Bellring('--queue', '1K') as rig:
        device, watcher = rig.device(), rig.client()
        us = device.position()
        with connect(rig.path) as lazy:
            event, dull = watcher.news(10)
            assert event == 'join'
            overflow(rig, watcher, [device], dull)
            assert rig.ended(lazy)
        assert us not in watcher.gone
        meet(device, watcher)
        meet(device, rig.client())


@tap.case
def stopped_device_is_dropped_and_lives_on():
    with Bellring('--queue', '1K') as rig:
        device, other, watcher = rig.device(), rig.device(), rig.client()
        meet(device, watcher)
        meet_device(device, other)
        us = device.position()
        os.kill(device.pid, signal.SIGSTOP)
        overflow(rig, watcher, [other], us)
        os.kill(device.pid, signal.SIGCONT)
        # To it the server went away; the others were told that it left.
        assert device.position() == us
        for vector in range(16):
            device.ring(watcher.id, vector)
            watcher.wait_interrupt(vector)
            device.ring(other.position(), vector)
            other.wait_interrupt(vector)
        meet(other, watcher)
        meet(other, rig.client())


@tap.case
def who_reads_late_gets_news_that_fit_together():
    with Bellring() as rig:
        device, late, watcher = rig.device(), rig.client(), rig.client()
        meet(device, watcher)
        us = device.position()
        os.kill(device.pid, signal.SIGSTOP)
        churn(rig, [watcher], 200)
        os.kill(device.pid, signal.SIGCONT)
        newest = rig.client()
        while set(late.peers) != {us, watcher.id, newest.id}:
            # Strict about each on the way.
            assert late.news(10) is not None, f'no end of {late.peers.keys()}'
        for client in (late, watcher, newest):
            meet(device, client)


@tap.cases([('one byte', b'x'), ('a message', bytes(8)),
            ('a megabyte', bytes(range(256)) * 4096)])
def client_that_sends_garbage_is_dropped(_, garbage):
    with Bellring() as rig:
        device, watcher = rig.device(), rig.client()
        with connect(rig.path) as sock:
            event, bad = watcher.news(10)
            assert event == 'join'
            try:
                sock.sendall(garbage)
            except (BrokenPipeError, ConnectionResetError):
                pass   # dropped at the first part of it
            watcher.expect('left', bad)
            assert rig.ended(sock)
        watcher.expect_silence()
        meet(device, watcher)
        meet(device, rig.client())


@tap.case
def client_that_drains_the_interrupts_of_others_loses_no_peer():
    # The protocol cannot prevent it: each holds what each reads. What must
    # hold: nobody blocks, and the next interrupt arrives.
    with Bellring() as rig:
        device, client, thief = rig.device(), rig.client(), rig.client()
        meet(device, client)
        device.ring(client.id, 0)
        assert drain(thief.peers[client.id][0]) == 1
        assert not client.interrupts()
        meet(device, client)


# ---- how many ----

@tap.case
def default_number_of_clients_spares_a_qemu_of_1024_descriptors():
    """The server lets so many in by itself; a few more, and QEMU dies."""
    with Bellring() as rig:
        device = rig.device()
        resource.prlimit(device.pid, resource.RLIMIT_NOFILE, (1024, 1024))
        client = rig.client()
        with contextlib.ExitStack() as others:
            def full():
                return 'newcomers wait' in rig.server.said()
            joined = 0
            while not full():
                sock = others.enter_context(connect(rig.path))
                until(lambda: full() or select.select([sock], [], [], 0)[0],
                      'it joins, or has to wait')
                joined += 1
                assert joined < 1024, 'there is no limit'
                device.fence(rig.vectors)
            assert joined > 50, joined
            device.fence(100)
            meet(device, client)


# ---- newcomers that are rung at once ----

@tap.case
def no_wake_up_is_lost_beside_a_device():
    """Both sides of a bench sleep, with no timer to save them from a lost doorbell."""
    bellring = os.path.join(os.environ.get('top_builddir', '.'), 'bellring')
    with Bellring() as rig:
        device = rig.device()
        for n in range(20):
            done = subprocess.run(
                [bellring, '-a', f'unix:{rig.path}', 'bench', '-r', '1', '-c', '50',
                 '--sizes', '8', '--idle', '0.02'], stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 0, f'bench {n}: {done}'
        meet(device, rig.client())


@tap.case
def a_newcomer_can_be_rung_by_a_device_at_once():
    """One doorbell: the device would drop it if it had not heard of the newcomer."""
    with Bellring() as rig:
        device = rig.device()
        with rig.new_client() as client:
            meet(device, client)
        late = 0
        for n in range(200):
            began = time.monotonic()
            with rig.new_client() as client:
                # Greeted without having heard, if QEMU was too slow (serverd.c).
                if time.monotonic() - began > 0.04:
                    late += 1
                    continue
                device.ring(client.id, n % rig.vectors)
                client.wait_interrupt(n % rig.vectors)
        assert late < 150, f'{late} of 200 had to be greeted unheard of'


# ---- the server's death ----

@tap.cases([('killed', signal.SIGKILL), ('terminated', signal.SIGTERM)])
def peers_of_a_server_that_is(_, number):
    with Bellring() as rig:
        one, two, client = rig.device(), rig.device(), rig.client()
        meet_device(one, two)
        meet(one, client)
        meet(two, client)
        rig.server.kill(number)
        ready = select.select([client.sock], [], [], 10)[0]
        assert ready, 'the client did not notice'
        try:
            assert client.news(0) is None, 'news of a dead server'
        except EOFError:
            pass
        for device in (one, two):
            device.fence(10)
        meet_device(one, two)
        meet(one, client)
        meet(two, client)


tap.main()
