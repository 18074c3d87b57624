# SPDX-License-Identifier: BSD-2-Clause
"""When bellring-server greets a newcomer: once the others have heard of it."""
import os
import select
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap
from served import BELLRING, DEADLINE, VECTORS, Client, scene, until

BOUND = 0.05      # seconds that a newcomer waits for the others; serverd.c


def greeted_after(client, *readers, since=None):
    """Seconds from since (or now) until the greeting; readers are read meanwhile.

    Only what began before the client connected is a lower bound of its waiting.
    """
    began = time.monotonic() if since is None else since
    while True:
        ready = select.select([client.sock, *(r.sock for r in readers)], [], [],
                              DEADLINE)[0]
        assert ready, 'it is never greeted'
        if client.sock in ready:
            return time.monotonic() - began
        for reader in readers:
            assert reader.drain(), 'dropped'


@tap.case
def all_have_heard_of_a_newcomer_when_it_is_greeted():
    """A guest's device drops a doorbell to a peer that it has not heard of."""
    with scene(5) as (server, *old):
        until(lambda: all(c.knows(*{o.id for o in old} - {c.id}) for c in old), 'all')
        sure = 0
        for _ in range(100):
            with Client(server, greet=False) as c:
                late = greeted_after(c, *old)
                heard = [{i: len(v) for i, v in o.peers.items()} for o in old]
                c.greeting()
                # On a busy machine the server may not have waited for us.
                if late < BOUND * 0.8:
                    sure += 1
                    assert all(h.get(c.id) == VECTORS for h in heard), (c.id, heard)
                assert c.knows(*(o.id for o in old))
        assert sure >= 20, f'only {sure} of 100 were greeted in time'


@tap.case
def one_that_does_not_read_delays_a_newcomer_by_the_bound():
    with scene(1, '-v') as (server, a):
        before = time.monotonic()
        with Client(server, greet=False) as b:
            late = greeted_after(b, since=before)
            assert late >= BOUND, late
            b.greeting()
            assert b.knows(a.id)
        def late_ones():
            return server.log().count('is greeted, though client 0 does not read')
        assert late_ones() == 1

        # Once it has not read for long, it delays nobody any more.
        def at_once():
            with Client(server, greet=False) as c:
                return greeted_after(c) < BOUND * 0.8
        until(at_once, 'a newcomer that is not delayed')
        until(a.knows, 'the leave')
        # It reads again: it is waited for again.
        def waits():
            assert a.drain()
            before = late_ones()
            with Client(server, greet=False) as c:
                greeted_after(c)
                return late_ones() > before
        until(waits, 'a newcomer that waits')


def state(process):
    with open(f'/proc/{process.pid}/stat') as f:
        return f.read().rsplit(')', 1)[1].split()[0]


@tap.case
def a_stopped_client_delays_a_newcomer_by_the_bound():
    with scene(0) as (server,):
        watch = subprocess.Popen([BELLRING, '-a', f'unix:{server.path}', 'watch'],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: 'client 0 (' in server.log(), 'its join')
            watch.send_signal(signal.SIGSTOP)
            until(lambda: state(watch) == 'T', 'its stop')
            before = time.monotonic()
            with Client(server, greet=False) as c:
                late = greeted_after(c, since=before)
                c.greeting()
                assert late >= BOUND and c.knows(0), late
        finally:
            watch.kill()
            watch.wait()


@tap.case
def two_that_wait_hear_of_each_other_once():
    with scene(1) as (server, a):
        with Client(server, greet=False) as b, Client(server, greet=False) as c:
            until(lambda: 'client 2 (' in server.log(), 'both joins')
            b.greeting()
            c.greeting()
            until(lambda: b.knows(a.id, c.id) and c.knows(a.id, b.id), 'the news')
            until(lambda: a.knows(b.id, c.id), 'the joins')
            assert [b.id, c.id] == [1, 2]
            c.sock.close()
            until(lambda: a.knows(b.id) and b.knows(a.id), 'the leave')


@tap.case
def one_that_leaves_while_it_waits():
    with scene(1) as (server, a):
        for n in range(1, 20):
            with Client(server, greet=False), Client(server, greet=False) as c:
                until(lambda: f'client {2 * n} (' in server.log(), 'both joins')
            assert c.id is None
        until(lambda: server.log().count(': left\n') == 38, 'the leaves')
        with Client(server) as c:
            assert c.knows(a.id)
            until(lambda: a.knows(c.id), 'the join')
        assert 'dropped' not in server.log()


@tap.case
def fifty_receivers_get_what_is_sent_as_soon_as_they_are_there():
    """Whoever sends sees the receiver in the memory, perhaps before its join."""
    with scene(0) as (server,):
        to = ['-a', f'unix:{server.path}', '-t', str(DEADLINE)]
        for n in range(50):
            send = subprocess.Popen([BELLRING, *to, 'send', '-w', str(DEADLINE),
                                     f'r{n}', f'text {n}'])
            got = subprocess.run([BELLRING, *to, '--name', f'r{n}', 'recv'],
                                 capture_output=True, text=True, check=False)
            assert send.wait(DEADLINE) == 0, n
            assert (got.returncode, got.stdout) == (0, f'text {n}'), (n, got)


tap.main()
