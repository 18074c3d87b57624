# SPDX-License-Identifier: BSD-2-Clause
"""A folder, a server and what is attached to it, all gone at the end of `with`."""
import contextlib
import functools
import os
import subprocess
import tempfile

import tap
from children import Child, DEADLINE, until
from ivshmem import Client, Server, drain
from qtest import QEMU, Qemu


@functools.lru_cache
def need_qemu():
    """Skips unless there is a QEMU that knows the device (not every build does)."""
    tap.need(QEMU)
    done = subprocess.run([QEMU, '-device', 'help'], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=30, check=False)
    if 'ivshmem-doorbell' not in done.stdout:
        tap.missing_thing(f'{QEMU} with the ivshmem-doorbell device not found')


class Rig(contextlib.ExitStack):
    """Whatever is made by a rig ends with it, also if it fails half-way."""

    def __init__(self, **options):
        super().__init__()
        need_qemu()
        try:
            self.folder = self.enter_context(
                tempfile.TemporaryDirectory(prefix='bellring-device-'))
            self.path = os.path.join(self.folder, 'socket')
            self.start(**options)
        except BaseException:
            self.close()
            raise

    def start(self):
        """Starts what listens at self.path."""
        raise NotImplementedError

    def qemu(self, **options):
        """A QEMU, started; call ready() once the server has greeted it."""
        return self.enter_context(Qemu(self.path, **options))


class Scripted(Rig):
    """QEMU against a server that says what the test tells it to say."""

    def start(self, **options):
        self.server = self.enter_context(Server(self.path, **options))

    def attach(self, **options):
        """QEMU and the wire to it, with nothing said yet."""
        options.setdefault('vectors', self.server.vectors)
        qemu = self.qemu(**options)
        return qemu, self.enter_context(self.server.accept())

    def greeted(self, own, others=(), **options):
        """QEMU after a correct greeting, and the wire to it."""
        qemu, wire = self.attach(**options)
        self.server.greet(wire, own, others)
        qemu.ready()
        return qemu, wire


class Bellring(Rig):
    """bellring-server and its clients."""

    def __init__(self, *options, vectors=16):
        """options go to the server; it gives each client that many vectors."""
        self.vectors = vectors
        super().__init__(options=options)

    def start(self, options):
        program = os.environ.get('BELLRING_SERVER') or os.path.join(
            os.environ.get('top_builddir', '.'), 'bellring-server')
        ready, theirs = os.pipe()
        try:
            self.server = self.enter_context(Child(
                [program, '-F', '-v', '-S', self.path, '--ready-fd', str(theirs),
                 *options], pass_fds=[theirs]))
            os.set_blocking(ready, False)
            until(lambda: self._ready(ready), 'bellring-server is ready')
        finally:
            os.close(ready)
            os.close(theirs)

    def _ready(self, fd):
        self.server.check()
        try:
            return os.read(fd, 64)
        except BlockingIOError:
            return b''

    def server_fds(self):
        """How many descriptors the server holds."""
        self.server.check()
        return len(os.listdir(f'/proc/{self.server.pid}/fd'))

    @staticmethod
    def ended(sock):
        """The server has closed this connection (behind what it sent)."""
        sock.settimeout(DEADLINE)
        try:
            while sock.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass
        return True

    def new_client(self):
        """A client that the caller closes."""
        return Client(self.path, self.vectors)

    def client(self):
        return self.enter_context(self.new_client())

    def device(self, **options):
        """A QEMU that is attached, set up and has its own vectors."""
        return self.qemu(**options).ready()


def heard(client, vector):
    """For Qemu.ring_until_heard()."""
    return lambda: drain(client.own[vector])
