# SPDX-License-Identifier: BSD-2-Clause
"""bellring-server as its clients see it: the protocol, who is dropped, the memory."""
import array
import contextlib
import fcntl
import json
import mmap
import os
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap
from served import BELLRING, DEADLINE, VECTORS, Client, Server, fails, listens, \
    scene, until


# ---- the protocol -----------------------------------------------------------

@tap.case
def greeting_byte_by_byte():
    with Server() as server:
        with Client(server, greet=False) as a, Client(server, greet=False) as b:
            def expect(client, number, what):
                raw = b''
                for n in range(8):
                    raw += client.receive(1)
                    # A descriptor comes with the first byte, or not at all.
                    assert len(client.fds) == (0 if what is None else 1), (raw, n)
                assert raw == struct.pack('<q', number), raw
                if what:
                    link = os.readlink(f'/proc/self/fd/{client.fds[0]}')
                    assert what in link, link
                    os.close(client.fds.pop())
            for client, others in ((a, []), (b, [0])):
                expect(client, 0, None)
                expect(client, 1 if others else 0, None)
                expect(client, -1, 'memfd:bellring')
                for id in [*others, 1 if others else 0]:
                    for _ in range(VECTORS):
                        expect(client, id, 'eventfd')
            for _ in range(VECTORS):
                expect(a, 1, 'eventfd')
            b.close()
            expect(a, 1, None)
            assert not select.select([a.sock], [], [], 0)[0]


@tap.case
def joins_and_leaves():
    with scene(2) as (server, a, b):
        until(lambda: a.knows(b.id), 'the join')
        assert b.knows(a.id)
        with Client(server) as c:
            assert c.id == 2 and c.knows(a.id, b.id)
            until(lambda: a.knows(b.id, 2) and b.knows(a.id, 2), 'the join')
        until(lambda: a.knows(b.id) and b.knows(a.id), 'the leave')
        assert a.left == b.left == {2}
        assert 'client 2 (pid' in server.log() and 'joined, 16 vectors' in server.log()
        assert f'client 2 (pid {os.getpid()}, uid {os.getuid()}): left\n' in server.log()


@tap.case
def every_vector_rings_its_own():
    with scene(2) as (_, a, b):
        until(lambda: a.knows(b.id), 'the join')
        for vector in range(VECTORS):
            os.write(a.peers[b.id][vector], struct.pack('=Q', vector + 1))
        for vector in range(VECTORS):
            assert os.read(b.own[vector], 8) == struct.pack('=Q', vector + 1)
            flags = fcntl.fcntl(b.own[vector], fcntl.F_GETFL)
            assert flags & os.O_NONBLOCK


@tap.case
def ids_count_upwards():
    with scene(1) as (server, a):
        for n in range(1, 40):
            with Client(server) as c:
                assert c.id == n
        with Client(server) as last:
            until(lambda: a.knows(last.id), 'all before it')
            assert last.id == 40
            assert a.left <= set(range(1, 40))  # it may have been spared a few


@tap.case
def hundred_vanish_at_any_byte():
    """The observer sees each come and go in pairs, or not at all."""
    with scene(1) as (server, a):
        whole = (3 + 2 * VECTORS) * 8
        for n in range(100):
            with Client(server, greet=False) as c:
                stop = n * whole // 99
                while stop > 0:
                    stop -= len(c.receive(min(stop, 8)))
        until(lambda: server.log().count(': left\n') == 100, 'a hundred leaves')
        assert a.drain()
        with Client(server) as c:
            assert c.knows(a.id)
            until(lambda: a.knows(c.id), 'the join')


@tap.case
def hundred_at_once():
    with scene(100, '--max-peers', '200', keep=False) as (server, *crowd):
        ids = {c.id for c in crowd}
        assert len(ids) == 100
        until(lambda: all(c.knows(*ids - {c.id}) for c in crowd), 'all know all')
        for c in crowd[::2]:
            c.sock.close()
        stay = {c.id for c in crowd[1::2]}
        until(lambda: all(c.knows(*stay - {c.id}) for c in crowd[1::2]), 'the leaves')


@tap.case
def one_that_never_reads_is_dropped():
    with scene(0, '--queue', '1K', '--max-peers', '300') as (server,):
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(Client(server, keep=False))
            lazy = stack.enter_context(Client(server, greet=False))
            crowd = [first]
            while 'client 1 (' not in server.log() or \
                    'does not read what it is sent' not in server.log():
                assert len(crowd) < 200, 'it is still there'
                crowd.append(stack.enter_context(Client(server, keep=False)))
                for c in crowd:
                    assert c.drain(), f'{c.id} was dropped'
            ids = {c.id for c in crowd}
            until(lambda: all(c.knows(*ids - {c.id}) for c in crowd), 'its leave')
            assert 1 not in ids and 1 in first.left
            # What the kernel had taken is there still.
            assert lazy.message() == (0, None)
        assert server.log().count('does not read') == 1


@tap.case
def news_of_who_went_unread_is_taken_back():
    """Otherwise one that does not read would keep all dead peers' eventfds."""
    with scene(2, '--queue', '1K') as (server, a, b):
        for n in range(200):
            with Client(server) as c:
                pass
        until(lambda: server.log().count(': left\n') == 200, 'the leaves')
        descriptors = len(os.listdir(f'/proc/{server.process.pid}/fd'))
        assert descriptors < 8 * (VECTORS + 1), descriptors
        until(lambda: a.knows(b.id), 'the news')
        assert 'dropped' not in server.log()


@tap.case
def one_that_talks_is_dropped():
    with scene(2) as (server, a, b):
        until(lambda: a.knows(b.id), 'the join')
        b.sock.send(b'x' * 100)
        until(lambda: a.knows(), 'the leave')
        assert 'client 1 (pid' in server.log()
        assert 'dropped: it sent data' in server.log()
        b.sock.close()
        with Client(server) as c:
            assert c.knows(a.id)


@tap.case
def one_that_sends_descriptors_is_dropped():
    with scene(2) as (server, a, b):
        until(lambda: a.knows(b.id), 'the join')
        before = len(os.listdir(f'/proc/{server.process.pid}/fd'))
        fds = array.array('i', [b.memory] * 50)
        b.sock.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        until(lambda: a.knows(), 'the leave')
        # The socket and its vectors are gone, but the next one's are made.
        assert len(os.listdir(f'/proc/{server.process.pid}/fd')) < before


@tap.case
def full_server_lets_newcomers_wait_for_a_moment():
    """A machine that is started again may come before its former self has left."""
    with scene(2, '--max-peers', '2') as (server, a, b):
        with Client(server, greet=False) as c:
            until(lambda: 'newcomers wait' in server.log(), 'the log')
            assert not select.select([c.sock], [], [], 0)[0]
            b.sock.close()
            c.greeting()
            assert c.id == 2 and c.knows(a.id)


@tap.case
def full_server_refuses_then():
    """QEMU spins for ever if it is closed before its greeting: it is told a number."""
    with scene(2, '--max-peers', '2') as (server, a, b):
        until(lambda: a.knows(b.id), 'the join')
        for _ in range(3):
            with Client(server, greet=False) as c:
                assert c.message() == (-102, None)
                assert c.message() is None
        assert server.log().count('refused: 2 peers are connected') == 3
        assert a.knows(b.id) and b.knows(a.id)
        b.sock.close()
        with Client(server) as c:
            assert c.id == 2


@tap.case
def an_eventfd_that_would_block_stops_nobody():
    """O_NONBLOCK belongs to all who hold an eventfd: a peer may clear it."""
    with Server() as server, contextlib.ExitStack() as stack:
        def on_the_bus(name):
            p = subprocess.Popen([BELLRING, '-a', f'unix:{server.path}', '--name', name,
                                  'recv', '--follow'], stdout=subprocess.DEVNULL)
            stack.callback(p.wait)
            stack.callback(p.kill)
            return p

        def ids():
            done = subprocess.run([BELLRING, '-a', f'unix:{server.path}', '--json', 'peers'],
                                  capture_output=True, text=True, timeout=DEADLINE)
            rows = [json.loads(line) for line in done.stdout.splitlines()]
            return {r['name']: r['id'] for r in rows if r.get('name') in ('v', 'w')}
        sleeper, other = on_the_bus('v'), on_the_bus('w')
        until(lambda: len(ids()) == 2, 'both on the bus')
        a = stack.enter_context(Client(server))
        victim = a.peers[ids()['v']][0]
        sleeper.send_signal(signal.SIGSTOP)
        until(lambda: open(f'/proc/{sleeper.pid}/stat').read().split()[2] == 'T', 'its stop')
        with contextlib.suppress(BlockingIOError):
            os.read(victim, 8)
        os.write(victim, struct.pack('=Q', 0xfffffffffffffffe))
        os.set_blocking(victim, True)
        other.kill()  # of which the sleeper is to be told
        until(lambda: server.log().count(': left\n') >= 1, 'its leave')
        with Client(server) as b:
            assert b.id is not None


@tap.case
def one_user_may_have_so_many():
    with scene(2, '--max-peers-per-user', '2') as (server, a, b):
        until(lambda: a.knows(b.id), 'the join')
        with Client(server, greet=False) as c:
            assert c.message() == (-103, None) and c.message() is None
        assert f'refused: uid {os.getuid()} has 2 peers' in server.log()
        done = subprocess.run([BELLRING, 'info', '--address', f'unix:{server.path}'],
                              capture_output=True, text=True, timeout=DEADLINE)
        assert done.returncode == 1 and '--max-peers-per-user' in done.stderr, done


@tap.case
def few_descriptors():
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (120, 120))
    with scene(2, limit=limit) as (server, a, b):
        with Client(server, greet=False) as c:
            until(lambda: 'newcomers wait' in server.log(), 'the log')
            until(lambda: a.knows(b.id), 'the join')
            a.sock.close()
            c.greeting()
            assert c.knows(b.id)


@tap.case
def too_few_descriptors_for_anybody():
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))
    server = Server(wait=False, limit=limit)
    try:
        assert server.process.wait(DEADLINE) == 1
        assert 'too low for a client of 16 vectors' in server.log()
        assert not os.path.exists(server.path)
    finally:
        server.kill()


# ---- memory -------------------------------------------------------------------

def seals(fd):
    return fcntl.fcntl(fd, fcntl.F_GET_SEALS)


@tap.case
def memory_is_sealed():
    with scene(1, '-l', '100K') as (server, a):
        assert seals(a.memory) == \
            fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
        assert os.fstat(a.memory).st_size == 131072
        for size in 0, 65536, 1 << 30:
            try:
                os.ftruncate(a.memory, size)
            except PermissionError:
                continue
            assert False, f'truncated to {size}'
        assert '100 KiB rounded up to 128 KiB' in server.log()


@tap.case
def memory_has_a_bus():
    with scene(1, '-n', str(VECTORS)) as (_, a):
        with mmap.mmap(a.memory, 4096) as m:
            assert m[:8] == b'BELRING\0'
            assert struct.unpack_from('<I', m, 72)[0] == VECTORS
            session = m[16:24]
            assert session != bytes(8)
    with scene(1) as (_, a):
        with mmap.mmap(a.memory, 4096) as m:
            assert m[16:24] != session


@tap.case
def raw_memory_is_zero():
    with scene(1, '--raw', '-l', '64K') as (_, a):
        with mmap.mmap(a.memory, 65536) as m:
            assert m[:] == bytes(65536)


@tap.case
def named_memory():
    name = f'bellring-test-{os.getpid()}'
    file = f'/dev/shm/{name}'
    try:
        with scene(1, '-M', name, '-l', '1M') as (server, a):
            assert os.fstat(a.memory).st_ino == os.stat(file).st_ino
            assert os.stat(file).st_size == 1 << 20
            assert 'not sealed' in server.log()
            with fails(1, 'another server has it', '-M', name, '-l', '1M'):
                pass
        with fails(1, 'exists with 1048576 bytes, not 2097152', '-M', name, '-l', '2M'):
            pass
        with scene(1, '-M', '/' + name, '-l', '1M'):
            pass
    finally:
        os.unlink(file)


@tap.case
def memory_in_a_directory():
    with tempfile.TemporaryDirectory() as place:
        with scene(1, '-m', place, '-l', '1M') as (server, a):
            assert os.listdir(place) == []
            link = os.readlink(f'/proc/self/fd/{a.memory}')
            assert link.startswith(place) and link.endswith('(deleted)'), link
            assert os.fstat(a.memory).st_size == 1 << 20
            assert 'not sealed' in server.log()


SLOT_LIVE, SLOT_DEAD = 2, 3
WAKE_DIRECTORY, WAKE_ASLEEP = 1 << 62, 1 << 63


@tap.case
def a_leave_marks_the_slot_dead_and_rings_the_others():
    """doc/layout.md: slots of 256 bytes, at the offset in the header."""
    with scene(3) as (_, a, b, c):
        with mmap.mmap(a.memory, 1 << 20) as m:
            slots = struct.unpack_from('<I', m, 48)[0]

            def word(n):
                return struct.unpack_from('<Q', m, slots + 256 * n)[0]
            for n, client in enumerate((a, b, c)):
                at = slots + 256 * n
                struct.pack_into('<4I', m, at + 8, 1, VECTORS, 5, 0)
                struct.pack_into('<Q', m, at + 128, WAKE_ASLEEP if client is a else 0)
                struct.pack_into('<Q', m, at, SLOT_LIVE | client.id << 12 | 1 << 28)
            c.sock.close()
            until(lambda: word(2) & 15 == SLOT_DEAD, 'the mark')
            assert word(0) & 15 == word(1) & 15 == SLOT_LIVE
            assert word(2) >> 12 == c.id | 1 << 16
            # a sleeps and is rung on the vector it named; b is only told.
            assert select.select([a.own[5]], [], [], DEADLINE)[0]

            def told(n):
                wake = struct.unpack_from('<Q', m, slots + 256 * n + 128)[0]
                return wake & WAKE_DIRECTORY
            until(lambda: told(0) and told(1), 'both are told')
            assert not select.select([*b.own, *a.own[:5], *a.own[6:]], [], [], 0)[0]


@tap.case
def a_wrecked_layout_does_no_harm():
    with scene(2) as (server, a, b):
        until(lambda: a.knows(b.id), 'the join')
        with mmap.mmap(a.memory, os.fstat(a.memory).st_size) as m:
            for at in range(8, 128, 4):
                m[at:at + 4] = b'\xff\xff\xff\x7f'
            b.sock.close()
            until(lambda: a.knows(), 'the leave')
        with Client(server) as c:
            assert c.knows(a.id)


# ---- QEMU's own programs -------------------------------------------------------
# Debian does not package them, so their lack is a skip in CI, too.

def qemu_program(name, variable):
    program = os.environ.get(variable) or shutil.which(name)
    if not program:
        raise tap.Skip(f'{name} is neither on the PATH nor in {variable}')
    return program


@tap.case
def client_of_qemu_on_our_server():
    program = qemu_program('ivshmem-client', 'QEMU_IVSHMEM_CLIENT')
    with scene(1) as (server, a):
        client = subprocess.Popen([program, '-S', server.path], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        said = bytearray()

        def dump():
            # It answers with what it knows so far. At the end of its input it
            # would spin, so the pipe stays open.
            client.stdin.write(b'dump\n')
            client.stdin.flush()
            assert select.select([client.stdout], [], [], DEADLINE)[0], said
            said.extend(os.read(client.stdout.fileno(), 65536))
            return b'vector 15 is enabled' in said
        try:
            until(lambda: a.knows(1), 'the join')
            until(dump, 'a list of vectors')
            assert b'our_id = 1' in said, said
            client.stdin.write(b'int 0 3\n')  # peer 0, vector 3
            client.stdin.flush()
            assert select.select([a.own[3]], [], [], DEADLINE)[0], 'not rung'
            os.write(a.peers[1][7], struct.pack('=Q', 1))
            until(lambda: dump() and b'vector=7' in said, 'its interrupt')
            for line in (b'int 0 all\n', b'int all\n'):
                client.stdin.write(line)
                client.stdin.flush()
                until(lambda: len(select.select(a.own, [], [], 0)[0]) == VECTORS,
                      f'{line} on every vector')
                for vector in a.own:
                    os.read(vector, 8)
            with Client(server) as b:
                until(lambda: dump() and b'peer_id = 2' in said, 'a join')
                assert b.knows(0, 1)
            del said[:]
            until(lambda: dump() and b'our_id' in said and b'peer_id = 2' not in
                  said[said.rindex(b'our_id'):], 'a leave')
        finally:
            client.kill()
            client.wait()
            client.stdin.close()
            client.stdout.close()
        until(lambda: a.knows(), 'the leave')


@tap.case
def our_client_on_the_server_of_qemu():
    program = qemu_program('ivshmem-server', 'QEMU_IVSHMEM_SERVER')
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, 's')
        server = subprocess.Popen([program, '-F', '-S', path, '-m', place, '-l', '4M',
                                   '-n', '4'], stdout=subprocess.DEVNULL)
        try:
            until(lambda: listens(path), 'the socket')
            for n in range(2):
                done = subprocess.run([BELLRING, '-a', f'unix:{path}', '--json', 'info'],
                                      capture_output=True, text=True, timeout=DEADLINE)
                assert done.returncode == 0, done
                info = json.loads(done.stdout)
                assert (info['id'], info['vectors']) == (n, 4), info
            tool = [BELLRING, '-a', f'unix:{path}']
            with subprocess.Popen([*tool, '--name', 'r', 'recv'], text=True,
                                  stdout=subprocess.PIPE) as receiver:
                done = subprocess.run([*tool, 'send', '-w', str(DEADLINE), 'r', 'hello'],
                                      capture_output=True, text=True, timeout=DEADLINE)
                assert (done.returncode, done.stderr) == (0, ''), done
                assert receiver.communicate(timeout=DEADLINE)[0] == 'hello'
                assert receiver.returncode == 0
            # It would die of a connection that is closed during its greeting.
            with fails(1, 'a server listens there already', path=path):
                assert server.poll() is None
            done = subprocess.run([BELLRING, '-a', f'unix:{path}', '--json', 'info'],
                                  capture_output=True, text=True, timeout=DEADLINE)
            assert json.loads(done.stdout)['id'] == 4, done
        finally:
            server.terminate()
            server.wait(DEADLINE)


tap.main()
