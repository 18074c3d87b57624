# SPDX-License-Identifier: BSD-2-Clause
"""A bellring-server of a test's own, and clients that die of its mistakes."""
import array
import contextlib
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

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


def listens(path):
    """Whether somebody listens on that socket; asks nobody but the kernel."""
    with open('/proc/net/unix', encoding='utf-8', errors='replace') as f:
        rows = [line.rstrip('\n').split(maxsplit=7) for line in f]
    return any(len(r) == 8 and r[7] == path and int(r[3], 16) & 0x10000
               for r in rows[1:])


class Server:
    """A server of our own in a directory of its own."""

    def __init__(self, *options, path=None, wait=True, limit=None):
        self.dir = tempfile.mkdtemp(prefix='bellring-')
        self.path = path or os.path.join(self.dir, 'socket')
        self.err = os.path.join(self.dir, 'stderr')
        self.process = None
        try:
            self.start(*options, wait=wait, limit=limit)
        except BaseException:
            self.kill()
            raise

    def start(self, *options, wait=True, limit=None, under=()):
        """Starts it, as the command line's end of another program if need be."""
        ready, give = os.pipe()
        with open(self.err, 'a') as err:
            self.process = subprocess.Popen(
                [*under, SERVER, '-S', self.path, '--ready-fd', str(give),
                 '--log-rate', '0', *options],
                stdin=subprocess.DEVNULL, stderr=err, pass_fds=[give],
                preexec_fn=limit)
        os.close(give)
        try:
            if wait:
                assert select.select([ready], [], [], DEADLINE)[0], 'not ready'
                assert os.read(ready, 2) == b'\n', f'not ready:\n{self.log()}'
        finally:
            os.close(ready)

    def log(self):
        with open(self.err) as f:
            return f.read()

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)

    def kill(self):
        if self.process and self.process.poll() is None:
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


class Lost(AssertionError):
    """A newcomer that nobody has taken over."""


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

    def _greeted(self):
        message = self.message()
        if message is None:
            raise Lost('the server ended before its greeting did')
        return message

    def greeting(self):
        assert self._greeted() == (0, None)
        self.id, fd = self._greeted()
        assert fd is None
        number, self.memory = self._greeted()
        assert number == -1 and self.memory is not None
        while len(self.own) < VECTORS:
            if not self.news():
                raise Lost('the server ended before its greeting did')

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


def run(*options):
    return subprocess.run([SERVER, *options], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=DEADLINE)
