# SPDX-License-Identifier: BSD-2-Clause
"""A folder, a server and what is attached to it, all gone at the end of `with`."""
import contextlib
import functools
import os
import signal
import subprocess
import tempfile

import tap
from children import Child, DEADLINE, until
from ivshmem import Client, Server, drain
from keeper import end_keeper
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

    def __init__(self, *options, vectors=16, under=()):
        """options go to the server; it gives each client that many vectors.

        under is a program that runs it, and its arguments.
        """
        self.vectors = vectors
        self.under = under
        super().__init__(options=options)

    def start(self, options):
        self.options = options
        self.serve()

    def serve(self):
        """Starts a server; returns when it serves."""
        program = os.environ.get('BELLRING_SERVER') or os.path.join(
            os.environ.get('top_builddir', '.'), 'bellring-server')
        ready, theirs = os.pipe()
        try:
            self.server = self.enter_context(Child(
                [*self.under, program, '-F', '-v', '-S', self.path, '--log-rate', '0',
                 '--ready-fd', str(theirs), *self.options], pass_fds=[theirs]))
            os.set_blocking(ready, False)
            until(lambda: self._ready(ready), 'bellring-server is ready')
        finally:
            os.close(ready)
            os.close(theirs)

    def _ready(self, fd):
        try:
            return os.read(fd, 64)
        except BlockingIOError:
            self.server.check()
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


class Kept(Bellring):
    """The same with a keeper: the server can die and come again."""

    def __init__(self, *options, **how):
        super().__init__('--keep', *options, **how)

    def start(self, options):
        self.callback(end_keeper, self.path)   # after the server has ended
        super().start(options)

    def die(self):
        self.server.kill()

    def again(self, under=()):
        """The next server; returns when it serves."""
        self.under = under
        self.serve()

    def upgrade(self):
        """Has the server execute its program anew; returns at once.

        upgraded() then waits until the new program serves.
        """
        self._served = self.server.said().count('listening on')
        os.kill(self.server.pid, signal.SIGHUP)

    def upgraded(self):
        until(lambda: self.server.check() or
              self.server.said().count('listening on') > self._served,
              'the new program serves')


# ---- who meets, rings both ways --------------------------------------------------

def meet(device, client):
    """Rings both ways on every vector: each knows the other and lives."""
    vectors = range(device.vectors)
    device.ring_until_heard(client.id, vectors[-1], heard(client, vectors[-1]))
    us = device.position()
    while us not in client.peers:
        assert client.news(10) is not None, f'client {client.id} never heard of {us}'
    for vector in vectors:
        device.ring(client.id, vector)
        client.wait_interrupt(vector)
        client.ring(us, vector)
        device.wait_interrupt(vector)


def meet_device(one, two):
    """The same between two devices."""
    ids, last = (one.position(), two.position()), one.vectors - 1
    until(lambda: one.ring(ids[1], last) or two.interrupts(), 'the join is known')
    until(lambda: two.ring(ids[0], last) or one.interrupts(), 'the join is known')
    for device in (one, two):
        device.fence()
        device.interrupts()
    for vector in range(one.vectors):
        one.ring(ids[1], vector)
        two.wait_interrupt(vector)
        two.ring(ids[0], vector)
        one.wait_interrupt(vector)


def heard(client, vector):
    """For Qemu.ring_until_heard()."""
    return lambda: drain(client.own[vector])
