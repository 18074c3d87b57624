# SPDX-License-Identifier: BSD-2-Clause
"""bellring-server as its clients and its administrator see it."""
import array
import contextlib
import fcntl
import mmap
import os
import resource
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap

BUILD = os.path.abspath(os.environ.get('top_builddir', '.'))
SERVER = os.environ.get('BELLRING_SERVER', os.path.join(BUILD, 'bellring-server'))
BELLRING = os.path.join(BUILD, 'bellring')
VECTORS = 16
DEADLINE = 20  # seconds; only a failure takes that long


def until(condition, what):
    """Waits for a condition that somebody else makes true."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f'waited {DEADLINE} s in vain: {what}'
        select.select([], [], [], 0.01)


class Server:
    """A server of our own in a directory of its own."""

    def __init__(self, *options, path=None, wait=True, limit=None):
        self.dir = tempfile.mkdtemp(prefix='bellring-')
        self.path = path or os.path.join(self.dir, 'socket')
        self.err = os.path.join(self.dir, 'stderr')
        ready, give = os.pipe()
        with open(self.err, 'w') as err:
            self.process = subprocess.Popen(
                [SERVER, '-S', self.path, '--ready-fd', str(give), *options],
                stdin=subprocess.DEVNULL, stderr=err, pass_fds=[give],
                preexec_fn=limit)
        os.close(give)
        try:
            if wait:
                assert select.select([ready], [], [], DEADLINE)[0], 'not ready'
                assert os.read(ready, 2) == b'\n', f'not ready:\n{self.log()}'
        except BaseException:
            self.kill()
            raise
        finally:
            os.close(ready)

    def log(self):
        with open(self.err) as f:
            return f.read()

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        alive = self.process.poll() is None
        code = self.stop() if alive else self.process.returncode
        log = self.log()
        self.kill()
        assert code == 0, f'the server ended with {code}:\n{log}'


class Client:
    """Speaks the protocol, and dies of the mistakes that kill QEMU.

    One of a crowd does not keep the eventfds: this process holds them all.
    """

    def __init__(self, server, greet=True, keep=True):
        self.keep = keep
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(server.path)
        self.part, self.fds = b'', []
        self.id = self.memory = None
        self.own, self.peers, self.left = [], {}, set()
        if greet:
            self.greeting()

    def receive(self, size=8):
        """At most size bytes; descriptors go to self.fds. b'' at the end."""
        data, control, flags, _ = self.sock.recvmsg(size, socket.CMSG_SPACE(16))
        assert not flags & socket.MSG_CTRUNC
        for level, kind, raw in control:
            assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
            fds = array.array('i')
            fds.frombytes(raw)
            self.fds += fds
        return data

    def message(self):
        """(number, descriptor or None), or None at the end."""
        data = b''
        while len(data) < 8:
            more = self.receive(8 - len(data))
            if not more:
                assert not data, 'end within a message'
                return None
            data += more
        assert len(self.fds) <= 1, 'more than one descriptor beside a message'
        fd = self.fds.pop() if self.fds else None
        return struct.unpack('<q', data)[0], fd

    def greeting(self):
        assert self.message() == (0, None)
        self.id, fd = self.message()
        assert fd is None
        number, self.memory = self.message()
        assert number == -1 and self.memory is not None
        while len(self.own) < VECTORS:
            self.news()

    def news(self):
        """Takes one message after the memory; False at the end."""
        message = self.message()
        if message is None:
            return False
        number, fd = message
        if fd is not None and not self.keep:
            os.close(fd)
            fd = -1
        if number == self.id:
            assert fd is not None, 'we left?'
            self.own.append(fd)
            return True
        if fd is None:
            assert number in self.peers, f'{number} left, but was not there'
            self.forget(self.peers.pop(number))
            self.left.add(number)
            return True
        assert number not in self.left, f'{number} is given again'
        assert 0 <= number <= 65535
        self.peers.setdefault(number, []).append(fd)
        return True

    def drain(self):
        """Takes what is there. False if the server closed."""
        while select.select([self.sock], [], [], 0)[0]:
            if not self.news():
                return False
        return True

    def knows(self, *ids):
        """Drains, and looks whether it knows exactly these, completely."""
        assert self.drain(), 'dropped'
        return sorted(self.peers) == sorted(ids) and \
            all(len(v) == VECTORS for v in self.peers.values())

    @staticmethod
    def forget(fds):
        for fd in fds:
            if fd >= 0:
                os.close(fd)

    def close(self):
        self.sock.close()
        self.forget([*self.fds, *self.own, *sum(self.peers.values(), [])])
        if self.memory is not None:
            os.close(self.memory)
        self.fds, self.own, self.peers, self.memory = [], [], {}, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@contextlib.contextmanager
def scene(count, *options, keep=True, **how):
    """A server and that many clients that have been greeted."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(*options, **how))
        yield (server, *[stack.enter_context(Client(server, keep=keep))
                         for _ in range(count)])


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
        until(lambda: a.knows(), 'the leaves')
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
    with scene(100, keep=False) as (server, *crowd):
        ids = {c.id for c in crowd}
        assert len(ids) == 100
        until(lambda: all(c.knows(*ids - {c.id}) for c in crowd), 'all know all')
        for c in crowd[::2]:
            c.sock.close()
        stay = {c.id for c in crowd[1::2]}
        until(lambda: all(c.knows(*stay - {c.id}) for c in crowd[1::2]), 'the leaves')


@tap.case
def one_that_never_reads_is_dropped():
    with scene(0, '--queue', '1K') as (server,):
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
def full_server_lets_newcomers_wait():
    """QEMU spins for ever if it is closed before its greeting."""
    with scene(2, '--max-clients', '2') as (server, a, b):
        with Client(server, greet=False) as c:
            until(lambda: 'newcomers wait' in server.log(), 'the log')
            assert not select.select([c.sock], [], [], 0)[0]
            b.sock.close()
            c.greeting()
            assert c.id == 2 and c.knows(a.id)


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
            for n in 0, 1:
                wake = struct.unpack_from('<Q', m, slots + 256 * n + 128)[0]
                assert wake & WAKE_DIRECTORY, n
            assert not select.select([*b.own, *a.own[:5], *a.own[6:]], [], [], 0)[0]


@tap.case
def a_wrecked_layout_does_no_harm():
    with scene(2) as (server, a, b):
        with mmap.mmap(a.memory, os.fstat(a.memory).st_size) as m:
            for at in range(8, 128, 4):
                m[at:at + 4] = b'\xff\xff\xff\x7f'
            b.sock.close()
            until(lambda: a.knows(), 'the leave')
        with Client(server) as c:
            assert c.knows(a.id)


# ---- socket, files, signals ------------------------------------------------------

@contextlib.contextmanager
def fails(code, text, *options, path=None):
    """A server that must not start; the body runs after it."""
    server = Server(*options, wait=False, path=path)
    try:
        got = server.process.wait(DEADLINE)
        assert got == code, f'status {got}:\n{server.log()}'
        assert text in server.log(), server.log()
        yield server
    finally:
        server.kill()


@tap.case
def a_live_socket_is_left_alone():
    with scene(1) as (server, a):
        with fails(1, 'a server listens there already', path=server.path):
            pass
        with Client(server) as b:
            assert a.id in b.peers or b.knows(a.id)


@tap.case
def a_stale_socket_is_replaced():
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, 's')
        server = Server(path=path)
        server.kill()  # SIGKILL: the socket stays
        assert stat.S_ISSOCK(os.stat(path).st_mode)
        with scene(1, path=path):
            pass
        assert not os.path.exists(path)


@tap.case
def what_is_no_socket_is_left_alone():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b'precious')
        file.flush()
        with fails(1, 'not a socket', path=file.name):
            with open(file.name, 'rb') as f:
                assert f.read() == b'precious'


@tap.case
def two_servers_at_once_on_a_stale_socket():
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, 's')
        for _ in range(5):
            Server(path=path).kill()
            both = [Server(path=path, wait=False) for _ in range(2)]
            try:
                until(lambda: any(s.process.poll() is not None for s in both),
                      'one to give up')
                loser = next(s for s in both if s.process.poll() is not None)
                winner = both[1 - both.index(loser)]
                assert loser.process.returncode == 1, loser.log()
                assert 'listens there already' in loser.log()
                with Client(winner):
                    pass
                assert winner.process.poll() is None
            finally:
                for s in both:
                    s.kill()


@tap.cases([(mode,) for mode in ('0660', '600', '0666', '0')])
def mode_of_the_socket(mode):
    with Server('--mode', mode) as server:
        assert stat.S_IMODE(os.stat(server.path).st_mode) == int(mode, 8)


@tap.cases([(n.name, n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)])
def clean_end(_, number):
    with tempfile.TemporaryDirectory() as place:
        pid = os.path.join(place, 'pid')
        server = Server('-p', pid)
        try:
            with open(pid) as f:
                assert f.read() == f'{server.process.pid}\n'
            with Client(server) as c:
                assert server.stop(number) == 0
                assert c.message() is None
            assert not os.path.exists(server.path)
            assert not os.path.exists(pid)
        finally:
            server.kill()


@tap.case
def files_of_others_stay():
    with tempfile.TemporaryDirectory() as place:
        pid = os.path.join(place, 'pid')
        server = Server('-p', pid)
        try:
            for path in server.path, pid:
                os.unlink(path)
                with open(path, 'w') as f:
                    f.write('somebody else')
            assert server.stop() == 0
            for path in server.path, pid:
                with open(path) as f:
                    assert f.read() == 'somebody else'
        finally:
            server.kill()


@tap.case
def daemon():
    with tempfile.TemporaryDirectory() as place:
        path, pid = os.path.join(place, 's'), os.path.join(place, 'pid')
        done = subprocess.run([SERVER, '-d', '-S', 's', '-p', 'pid'], cwd=place,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=DEADLINE)
        assert done.returncode == 0, done
        with open(pid) as f:
            number = int(f.read())
        try:
            assert os.getsid(number) == number
            assert os.readlink(f'/proc/{number}/cwd') == '/'
            with Client(type('', (), {'path': path})) as c:
                assert c.id == 0
            again = subprocess.run([SERVER, '-d', '-S', path],
                                   capture_output=True, timeout=DEADLINE, text=True)
            assert again.returncode == 1, again
            assert 'listens there already' in again.stderr
        finally:
            os.kill(number, signal.SIGTERM)
        until(lambda: not os.path.exists(path) and not os.path.exists(pid),
              'the end of the daemon')


@tap.case
def default_socket():
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, 'bellring.sock')
        process = subprocess.Popen([SERVER], stderr=subprocess.DEVNULL,
                                   env={**os.environ, 'XDG_RUNTIME_DIR': place})
        try:
            until(lambda: os.path.exists(path), 'the socket')
        finally:
            process.terminate()
            assert process.wait(DEADLINE) == 0


@tap.case
def says_what_it_listens_on():
    with Server('-l', '2M', '-n', '3') as server:
        assert server.log() == f'bellring-server: listening on {server.path}, ' \
            'memory 2 MiB, 3 vectors\n'


@tap.case
def idle_costs_nothing():
    with scene(2) as (server, a, b):
        until(lambda: a.knows(b.id), 'the join')

        def ticks():
            with open(f'/proc/{server.process.pid}/stat') as f:
                fields = f.read().rsplit(')', 1)[1].split()
            with open(f'/proc/{server.process.pid}/status') as f:
                switches = [line for line in f if line.startswith('voluntary')]
            return fields[11:13], switches
        before = ticks()
        select.select([], [], [], 1)  # the measured time itself
        assert ticks() == before


# ---- command line -------------------------------------------------------------

def run(*options):
    return subprocess.run([SERVER, *options], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=DEADLINE)


@tap.cases([
    ('unknown option', ['--frobnicate'], "frobnicate"),
    ('argument', ['socket'], "'socket': not expected"),
    ('missing value', ['-S'], 'requires an argument'),
    ('size is no number', ['-l', 'big'], "'big': not a number"),
    ('size with a sign', ['-l', '-1'], "'-1': not a number"),
    ('size 0', ['-l', '0'], "'0': not in 1.."),
    ('size with two suffixes', ['-l', '1MB'], 'not a size'),
    ('size overflows', ['-l', '99999999999G'], 'not in 1..'),
    ('2 TiB', ['-l', '2048G'], 'not in 1..'),
    ('no vectors', ['-n', '0'], "'0': not in 1..256"),
    ('257 vectors', ['-n', '257'], 'not in 1..256'),
    ('vectors with a suffix', ['-n', '1K'], 'not a number'),
    ('mode is not octal', ['--mode', '0680'], 'not an octal number'),
    ('mode of five digits', ['--mode', '10000'], 'not in'),
    ('no clients', ['--max-clients', '0'], 'not in 1..65536'),
    ('queue of nothing', ['--queue', '4'], 'not in 8..'),
    ('slots', ['--slots', '1024'], 'not in 1..1023'),
    ('bus above the memory', ['-l', '1M', '--bus-size', '2M'], 'bus of 2097152'),
    ('rings do not fit', ['-l', '1M', '--ring-size', '2M'], ''),
    ('two memories', ['-M', 'x', '-m', '/tmp'], 'only one of them'),
    ('ready-fd', ['--ready-fd', 'x'], "'x': not a number"),
])
def wrong_usage(_, options, text):
    for extra in [], ['--check']:
        done = run(*extra, *options)
        assert done.returncode == 2, done
        assert text in done.stderr and done.stderr, done
        assert done.stdout == '', done


@tap.cases([
    ('no such directory', ['-S', '/nonexistent/dir/s'], '/nonexistent/dir: open'),
    ('path too long', ['-S', '/tmp/' + 'x' * 120], 'longer than 107 bytes'),
    ('empty path', ['-S', ''], 'empty'),
    ('pid file', ['-p', '/nonexistent/pid', '-S', 'SOCKET'], '/nonexistent/pid: open'),
    ('name', ['-M', 'a/b', '-S', 'SOCKET'], 'no name of a shared memory object'),
    ('directory', ['-m', '/nonexistent', '-S', 'SOCKET'], '/nonexistent: statvfs'),
])
def cannot_start(_, options, text):
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, 's')
        done = run(*[path if o == 'SOCKET' else o for o in options])
        assert done.returncode == 1, done
        assert text in done.stderr, done
        assert os.listdir(place) == []


@tap.case
def help_and_version():
    for option in '-h', '--help':
        done = run(option)
        assert done.returncode == 0 and done.stderr == ''
        for text in 'usage: bellring-server', '-S, --socket PATH', '--raw':
            assert text in done.stdout
    for option in '-V', '--version':
        done = run(option)
        assert done.returncode == 0 and done.stdout.startswith('bellring-server ')


@tap.case
def check_only_looks():
    with tempfile.TemporaryDirectory() as place:
        done = run('--check', '-S', os.path.join(place, 's'), '-l', '1G', '-F', '-v')
        assert done.returncode == 0, done
        assert done.stdout == '' and 'valid' in done.stderr
        assert os.listdir(place) == []


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
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            until(lambda: a.knows(1), 'the join')
            client.stdin.write(b'int 0 3\n')  # peer 0, vector 3
            client.stdin.flush()
            assert select.select([a.own[3]], [], [], DEADLINE)[0], 'not rung'
            out, _ = client.communicate(b'dump\n', timeout=DEADLINE)
        finally:
            if client.poll() is None:
                client.kill()
                client.wait()
        text = out.decode()
        assert 'our_id = 1' in text, text
        assert 'vector 15 is enabled' in text, text
        until(lambda: a.knows(), 'the leave')


@tap.case
def our_client_on_the_server_of_qemu():
    program = qemu_program('ivshmem-server', 'QEMU_IVSHMEM_SERVER')
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, 's')
        server = subprocess.Popen([program, '-F', '-S', path, '-m', place,
                                   '-l', '4M', '-n', '4'])
        try:
            until(lambda: os.path.exists(path), 'the socket')
            for n in range(2):
                done = subprocess.run([BELLRING, '-a', f'unix:{path}', 'info', '--json'],
                                      capture_output=True, text=True, timeout=DEADLINE)
                assert done.returncode == 0, done
                assert f'"id":{n}' in done.stdout.replace(' ', ''), done
                assert '"vectors":4' in done.stdout.replace(' ', ''), done
        finally:
            server.terminate()
            server.wait(DEADLINE)


tap.main()
