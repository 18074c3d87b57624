# SPDX-License-Identifier: BSD-2-Clause
"""Both ends of the ivshmem server protocol, version 0, in plain Python.

Client is strict: it fails on anything that QEMU's docs/specs/ivshmem-spec.rst
does not allow. Server is scripted: it says exactly what it is told to, right
or wrong.
"""
import fcntl
import mmap
import os
import select
import socket
import struct
import time

from children import DEADLINE

MEMORY = -1   # the value beside which the memory's descriptor comes
SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW


def memory(size, seals=SEALS):
    """A memfd of size bytes."""
    fd = os.memfd_create('ivshmem', os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def eventfds(count):
    return [eventfd() for _ in range(count)]


def eventfd():
    return os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)


def close_all(fds):
    for fd in fds:
        os.close(fd)


def signal(fd):
    """Interrupts whoever reads this eventfd."""
    os.eventfd_write(fd, 1)


def drain(fd, seconds=0.0):
    """The count of an eventfd, waiting for it to be non-zero; 0 if it stays."""
    if not select.select([fd], [], [], seconds)[0]:
        return 0
    try:
        return os.eventfd_read(fd)
    except BlockingIOError:   # another holder was faster
        return 0


class Wire:
    """A socket that carries 8-byte messages with at most one descriptor each."""

    def __init__(self, sock):
        self.sock = sock

    def send(self, value, fd=None):
        """Borrows fd."""
        self.send_bytes(struct.pack('<q', value), fd)

    def send_bytes(self, data, fd=None):
        self.sock.settimeout(DEADLINE)
        fds = [] if fd is None else [fd]
        assert socket.send_fds(self.sock, [data], fds) == len(data)

    def receive(self, seconds=DEADLINE):
        """(value, fd or None); None at the deadline; EOFError at the end.

        Reads 8 bytes at a time: Linux ends a read behind the message that
        carried descriptors (unix(7)), so a descriptor belongs to its value.
        """
        deadline = time.monotonic() + seconds
        data, fds = b'', []
        while len(data) < 8:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self.sock], [], [], left)[0]:
                close_all(fds)
                assert not data, f'half a message: {data!r}'
                return None
            more, new, flags, _ = socket.recv_fds(
                self.sock, 8 - len(data), 8,
                socket.MSG_CMSG_CLOEXEC | socket.MSG_DONTWAIT)
            assert not flags & socket.MSG_CTRUNC, 'descriptors were lost'
            fds += new
            if not more:
                close_all(fds)
                assert not data, f'end inside a message: {data!r}'
                raise EOFError('the server closed the connection')
            data += more
        assert len(fds) <= 1, f'{len(fds)} descriptors beside one message'
        return struct.unpack('<q', data)[0], fds[0] if fds else None

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Client(Wire):
    """A peer on the host. Fails on everything out of order.

    peers maps an id to the eventfds that interrupt it, own holds those that
    interrupt this client, gone the ids that left. history lists what came after the greeting.
    """

    def __init__(self, path, vectors):
        """vectors is how many the server gives each peer; greeting included."""
        super().__init__(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        self.vectors = vectors
        self.peers, self.own = {}, []
        self.gone, self.history = set(), []
        self.memory_fd, self.map = None, None
        try:
            self.sock.settimeout(DEADLINE)
            self.sock.connect(path)
            self._greeting()
        except BaseException:
            self.close()
            raise

    def _expect(self, what):
        message = self.receive()
        assert message is not None, f'the server did not send {what}'
        return message

    def _greeting(self):
        version, fd = self._expect('its version')
        assert version == 0 and fd is None, (version, fd)
        self.id, fd = self._expect('our id')
        assert 0 <= self.id <= 65535 and fd is None, (self.id, fd)
        value, fd = self._expect('the memory')
        assert value == MEMORY and fd is not None, (value, fd)
        self.memory_fd = fd
        self.size = os.fstat(fd).st_size
        self.map = mmap.mmap(fd, self.size)
        while len(self.own) < self.vectors:
            value, fd = self._expect('vectors')
            assert fd is not None, f'leave of {value} inside the greeting'
            if value == self.id:
                # Ours come last: every list that was begun is complete.
                short = [p for p, v in self.peers.items() if len(v) < self.vectors]
                assert not short, f'peers {short} have too few vectors'
                self.own.append(fd)
            else:
                assert not self.own, f'peer {value} after our own vectors'
                self._vector(value, fd)

    def _vector(self, peer, fd):
        assert 0 <= peer <= 65535, peer
        assert peer not in self.gone, f'id {peer} came again after it left'
        others = self.peers.setdefault(peer, [])
        if others:   # the N messages of a peer come without another between
            assert list(self.peers)[-1] == peer, f'vectors of {peer} interleaved'
        others.append(fd)
        assert len(others) <= self.vectors, f'too many vectors of {peer}'

    def news(self, seconds=0.0):
        """Takes one later message, as ('join' or 'left', id); None if none."""
        message = self.receive(seconds)
        if message is None:
            return None
        value, fd = message
        assert value != self.id, 'news of ourselves'
        if fd is None:
            assert value in self.peers, f'peer {value} left without having joined'
            close_all(self.peers.pop(value))
            self.gone.add(value)
            event = ('left', value)
        else:
            self._vector(value, fd)
            if len(self.peers[value]) < self.vectors:
                return self.news(DEADLINE)
            event = ('join', value)
        self.history.append(event)
        return event

    def expect(self, *event):
        got = self.news(DEADLINE)
        assert got == event, f'expected {event}, got {got}'

    def expect_silence(self):
        got = self.news()
        assert got is None, f'unexpected {got}'

    def ring(self, peer, vector):
        signal(self.peers[peer][vector])

    def interrupts(self):
        return {v for v, fd in enumerate(self.own) if drain(fd)}

    def wait_interrupt(self, vector, seconds=DEADLINE):
        """Waits until this vector, and only this one, was interrupted."""
        assert drain(self.own[vector], seconds), f'no interrupt on {vector}'
        rest = self.interrupts()
        assert not rest, f'interrupted also on {rest}'

    def close(self):
        super().close()
        if self.map is not None:
            self.map.close()
        for fds in (*self.peers.values(), self.own,
                    [self.memory_fd] if self.memory_fd is not None else []):
            close_all(fds)
        self.peers, self.own = {}, []
        self.memory_fd, self.map = None, None


class Server:
    """Listens and says what the test tells it to say."""

    def __init__(self, path, size=1 << 20, vectors=4, seals=SEALS):
        self.path, self.vectors = path, vectors
        self.memory = memory(size, seals)
        self.vectors_of = {}   # id -> eventfds
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(64)

    def accept(self):
        self.listener.settimeout(DEADLINE)
        return Wire(self.listener.accept()[0])

    def head(self, wire, own, version=0):
        """The first three messages."""
        wire.send(version)
        wire.send(own)
        wire.send(MEMORY, self.memory)

    def vectors_to(self, wire, peer):
        """Tells one client of peer, inventing its eventfds at first."""
        if peer not in self.vectors_of:
            self.vectors_of[peer] = eventfds(self.vectors)
        for fd in self.vectors_of[peer]:
            wire.send(peer, fd)

    def greet(self, wire, own, others=()):
        """A whole and correct greeting."""
        self.head(wire, own)
        for peer in others:
            self.vectors_to(wire, peer)
        self.vectors_to(wire, own)

    def close(self):
        self.listener.close()
        os.close(self.memory)
        for fds in self.vectors_of.values():
            close_all(fds)
        self.vectors_of = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
