#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A Windows peer with the host, with another one, and with a real Linux guest.

bellring.exe under Wine, beside a stand-in for virtio-win's driver; the host's and
the guest's tool is Linux's own. Each case runs alone.
"""
import contextlib
import hashlib
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import windows                                # noqa: E402 (after the path)
from windows import listen, run, sees, start, zeroes  # noqa: E402
import ivshmem                                # noqa: E402 (windows.py knows where)
import tap                                    # noqa: E402
import vm                                     # noqa: E402
import wine                                   # noqa: E402
from children import Child, until             # noqa: E402
from rig import (TOOL, VECTORS, Kept, ended, host, host_start, live,  # noqa: E402
                 named, objects, rig, watcher_id)

TEXT = 'Grüße, 你好'
GIB = 1 << 30
BLOCK = 32 << 20
TRANSFER_SECONDS = 240    # deadline of 1 GiB each way
PATIENCE = 90             # a timeout, seconds, that no death below may need
NO_PEER = 'peer not present'
PING = ('ping', '-c', '3', '-i', '0.05')


# ---- talking -----------------------------------------------------------------------

@windows.case
def messages_between_windows_and_host():
    child = listen(0, 'recv')
    host('--name', 'host', 'send', 'win0', TEXT)
    assert ended(child) == TEXT
    with host_start('--name', 'host', 'recv') as child:
        live('host')
        run(0, 'send', 'host', TEXT)
        assert ended(child) == TEXT


@windows.case
def messages_between_two_windows_peers():
    for one, other in ((0, 1), (1, 0)):
        child = listen(one, 'recv')
        run(other, 'send', f'win{one}', TEXT)
        assert ended(child) == TEXT


@windows.case
def pings_each_way():
    listen(0, 'recv')
    host('-t', '10', *PING, 'win0')
    run(1, '-t', '10', *PING, 'win0')
    with host_start('--name', 'host', 'recv'):
        live('host')
        run(1, '-t', '10', *PING, 'host')


@windows.case
def a_vector_interrupts_windows_and_no_other():
    watch = start(0, '--json', 'watch')
    number = watcher_id(watch)
    with ivshmem.Client(rig.server.path, VECTORS) as client:
        for vector in random.sample(range(VECTORS), VECTORS):
            before = len(objects(watch.said()))
            client.ring(number, vector)
            until(lambda n=before: len(objects(watch.said())) > n, f'vector {vector}', 10)
            assert objects(watch.said())[-1]['vector'] == vector, watch.said()
    assert len(objects(watch.said())) == VECTORS, watch.said()


@windows.case
def a_vector_interrupts_the_host():
    with ivshmem.Client(rig.server.path, VECTORS) as client:
        for vector in (0, 7, VECTORS - 1):
            run(0, 'ring', client.id, vector)
            client.wait_interrupt(vector)


# ---- coming and going -----------------------------------------------------------------

@windows.case
def the_host_sees_a_windows_machine_come_and_go():
    with host_start('--json', 'watch') as watch:
        watcher_id(watch)
        with wine.Wine(wine.Device(rig.server.path)):
            until(lambda: '"joined"' in watch.said(), 'it has come', 20, 0.05)
            assert '"left"' not in watch.said(), watch.said()
        until(lambda: '"left"' in watch.said(), 'it has gone', 20, 0.05)


@windows.case
def windows_sees_a_host_peer_come_leave_and_die():
    sender = start(0, '-t', PATIENCE, 'send', '-w', PATIENCE, 'host', 'at last')
    until(lambda: named('win0'), 'it waits', 20, 0.05)
    with host_start('--name', 'host', 'recv', '--lines', '-n', '2') as child:
        ended(sender)
        assert sees(1, 'host')
        run(1, 'send', 'host', 'the other')
        assert ended(child).split('\n')[:2] == ['at last', 'the other']
    assert not sees(1, 'host'), 'it left'
    with host_start('--name', 'host', 'recv') as child:
        live('host')
        assert sees(1, 'host')
        child.kill()
        until(lambda: not sees(1, 'host'), 'it died', 20, 0.1)


# ---- death -----------------------------------------------------------------------------

def bytes_came(path):
    until(lambda: os.path.exists(path) and os.path.getsize(path) > 1 << 20,
          'a part has come', 30, 0.02)


def place(name):
    return os.path.join(os.path.dirname(rig.server.path), name)


@windows.case
def a_windows_receiver_is_killed_and_the_next_one_takes_over():
    path = place('killed')
    first = listen(0, 'recv', '-o', windows.machine().path(path))
    before = named('win0')
    with zeroes() as source, Child([TOOL, '-a', rig.server.address, '-t', str(PATIENCE),
                                    'send', 'win0', '-f', '-'], stdin=source) as sender:
        bytes_came(path)
        first.kill()
        second = listen(0, 'recv')
        assert sender.wait(PATIENCE / 2) == 3 and NO_PEER in sender.said(), sender.said()
    after = named('win0')
    assert after['id'] == before['id'] and after['incarnation'] > before['incarnation']
    host('send', 'win0', 'to the next one')
    assert ended(second) == 'to the next one'


@windows.case
def a_windows_sender_is_killed_and_its_half_message_broken_off():
    path = place('half')
    with host_start('--name', 'host', 'recv', '-o', path) as receiver, zeroes() as source:
        live('host')
        sender = start(0, 'send', 'host', '-f', '-', stdin=source)
        bytes_came(path)
        sender.kill()
        run(0, 'info')    # the next to open the device tells, even without joining
        assert receiver.wait(PATIENCE / 2) == 1, receiver.said()
        assert 'broken off after' in receiver.said(), receiver.said()


@windows.case
def a_host_receiver_is_killed_and_windows_learns_of_it():
    path = place('dead')
    with host_start('--name', 'host', 'recv', '-o', path) as receiver, zeroes() as source:
        live('host')
        sender = start(0, '-t', PATIENCE, 'send', 'host', '-f', '-', stdin=source)
        bytes_came(path)
        receiver.kill()
        assert sender.wait(PATIENCE / 2) == 3 and NO_PEER in sender.said(), sender.said()


@windows.case
def a_host_sender_is_killed_and_windows_breaks_the_message_off():
    path = place('broken')
    receiver = listen(0, 'recv', '-o', windows.machine().path(path))
    with zeroes() as source, Child([TOOL, '-a', rig.server.address, 'send', 'win0', '-f',
                                    '-'], stdin=source) as sender:
        bytes_came(path)
        sender.kill()
        assert receiver.wait(PATIENCE / 2) == 1, receiver.said()
        assert 'broken off after' in receiver.said(), receiver.said()


# ---- the server ------------------------------------------------------------------------

@contextlib.contextmanager
def pinged(server):
    """Gives a function by which a Windows peer pings "one", of Windows, and "host"."""
    with wine.Wine(*[wine.Device(server.path, VECTORS)] * 2) as w, \
            Child([TOOL, '-a', server.address, '--name', 'host', 'recv', '--follow']):
        w.start(windows.tool(), '-a', f'pci:{w.address(0)}', '--name', 'one', 'recv',
                '--follow')
        ping = [windows.tool(), '-a', f'pci:{w.address(1)}', '-t', '10', *PING]
        for name in ('one', 'host'):
            until(lambda n=name: w.run(*ping, n).status == 0, f'{name} answers', 20, 0.05)
        yield lambda: [w.run(*ping, name).check() for name in ('one', 'host')]


@windows.case
def the_server_dies_and_comes_again_and_nobody_notices():
    with Kept(size='16M', vectors=VECTORS) as server, pinged(server) as ping:
        for _ in range(2):
            server.die()
            ping()
            server.again()
            ping()
            for name in ('one', 'host'):    # by one that came later
                subprocess.run([TOOL, '-a', server.address, '-t', '10', *PING, name],
                               check=True, stdout=subprocess.DEVNULL)


@windows.case
def the_server_goes_for_good_and_those_that_are_there_go_on():
    with vm.Server(size='16M', vectors=VECTORS) as server, pinged(server) as ping:
        server.child.kill()
        ping()


# ---- much ------------------------------------------------------------------------------

class Side:
    """One end of a pipe: what it is fed with, and what sums up what it gives."""

    def __init__(self, stack, block, launch):
        times = GIB // BLOCK
        feed = stack.enter_context(Child(['sh', '-c', 'for i in $(seq "$1"); do cat "$0"; done',
                                          block, str(times)], stdout=subprocess.PIPE))
        given, taken = os.pipe()
        self.sum = stack.enter_context(Child(['b2sum'], stdin=given))
        os.close(given)
        self.child = launch(feed.process.stdout, taken)
        os.close(taken)
        feed.process.stdout.close()

    def digest(self):
        ended(self.child, TRANSFER_SECONDS)
        return ended(self.sum).split()[0]


def block(name):
    """(path, digest of 1 GiB of it): random with an odd period, so that swaps show."""
    seed = random.randbytes(1000003)
    data = (seed * (BLOCK // len(seed) + 1))[:BLOCK]
    path = place(name)
    with open(path, 'wb') as f:
        f.write(data)
    digest = hashlib.blake2b()
    for _ in range(GIB // BLOCK):
        digest.update(data)
    return path, digest.hexdigest()


@windows.case
def a_stream_carries_1_gib_each_way_at_once():
    (to_host, sum_host), (to_windows, sum_windows) = block('to-host'), block('to-windows')
    windows.machine()
    with contextlib.ExitStack() as stack:
        one = Side(stack, to_host, lambda i, o: listen(0, 'pipe', '--listen', stdin=i,
                                                       stdout=o))
        two = Side(stack, to_windows, lambda i, o: stack.enter_context(Child(
            [TOOL, '-a', rig.server.address, 'pipe', '-w', '30', 'win0'], stdin=i,
            stdout=o)))
        assert two.digest() == sum_host
        assert one.digest() == sum_windows


# ---- a Linux guest -----------------------------------------------------------------------

def linux_guest():
    try:
        return vm.Guest('alpha', rig.server, vectors=VECTORS)
    except vm.Missing as e:
        return tap.missing_thing(str(e))


def in_guest(*args):
    return ' '.join(('bellring -a pci: --name alpha', *map(str, args)))


def ring_each_other(alpha):
    job = alpha.spawn(in_guest('--json watch'))
    until(lambda: 'watching as id' in job.output(), 'the guest watches', 30, 0.05)
    number = int(job.output().split('watching as id ')[1].split(',')[0])
    for vector in (0, 9, VECTORS - 1):
        run(0, 'ring', number, vector)
        until(lambda v=vector: f'"vector":{v}' in job.output(), f'vector {vector}', 20, 0.05)
    job.kill('TERM')
    job.wait()
    watch = start(0, '--json', 'watch')
    number = watcher_id(watch)
    for vector in (0, 9, VECTORS - 1):
        alpha.check(in_guest('ring', number, vector))
        until(lambda v=vector: f'"vector":{v}' in watch.said(), f'vector {vector}', 20, 0.05)
    watch.kill()


def talk(alpha):
    child = listen(0, 'recv')
    alpha.check(in_guest('-t 20', *PING, 'win0'))
    alpha.check(in_guest('send win0', TEXT.split()[0]))
    assert ended(child) == TEXT.split(maxsplit=1)[0]
    job = alpha.spawn(in_guest('recv'))
    live('alpha')
    run(0, '-t', '20', *PING, 'alpha')
    run(0, 'send', 'alpha', TEXT)
    assert job.wait() == (0, TEXT)


@windows.case
def windows_and_a_linux_guest():
    """Interrupts and messages both ways; then the Linux machine dies."""
    windows.machine()
    with linux_guest() as alpha, zeroes() as source:
        alpha.check('bellring -a pci: bind')
        ring_each_other(alpha)
        talk(alpha)
        alpha.spawn(in_guest('recv -o /tmp/in'))
        live('alpha')
        sender = start(0, '-t', PATIENCE, 'send', 'alpha', '-f', '-', stdin=source)
        until(lambda: alpha.run('[ -s /tmp/in ]')[0] == 0, 'a part has come', 30, 0.05)
        alpha.kill()
        assert sender.wait(PATIENCE / 2) == 3 and NO_PEER in sender.said(), sender.said()


if __name__ == '__main__':
    tap.main()
