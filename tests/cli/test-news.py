# SPDX-License-Identifier: BSD-2-Clause
"""A command that waits for its input goes on reading what the server says.

A server drops a peer that does not: soon, with a short --queue.
"""
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bellring import LONG, cpu_ns, end, equal, place, stop, tap, until

VECTORS = 16
CROWD, TIMES = 50, 6


def join(at):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(at.socket)
    return sock


def listen(sock):
    """Takes one message of the server; bytes, 0 if that has dropped us."""
    data, fds, _, _ = socket.recv_fds(sock, 8, 1)
    for fd in fds:
        os.close(fd)
    return len(data)


def come_and_go(at):
    """Clients, many at once: their joins alone are more than the queue holds."""
    others = len(at.peers()) - 1    # the tool that asks is one
    for _ in range(TIMES):
        with contextlib.ExitStack() as crowd:
            got = {}
            while len(got) < CROWD:
                got[crowd.enter_context(join(at))] = 0
                whole = 8 * (3 + VECTORS * (others + len(got)))
                while waiting := [s for s, n in got.items() if n < whole]:
                    ready = select.select(waiting, [], [], LONG)[0]
                    assert ready, f'after {len(got)} joins a peer is missing: dropped'
                    for sock in ready:
                        got[sock] += listen(sock) or whole
        until(lambda: len(at.peers()) == others + 1, 'their leaving')


def wait_for_input(at, *args):
    """Starts the tool, whose standard input stays open and silent."""
    p = at.popen(at.argv('--name', 'waiting', *args), stdin=subprocess.PIPE,
                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=at.env())
    until(lambda: at.live('waiting') or p.poll() is not None, 'it on the bus')
    return p


def give(p, data):
    """(status, stdout, stderr) after that input."""
    p.stdin.write(data)
    p.stdin.close()
    p.stdin = None
    return end(p)


@tap.cases([('send', 'r', '-f', '-'), ('pub', '--all', '-f', '-')])
@place('--queue', '4K')
def is_not_dropped_while_it_waits(at, *args):
    receiver = at.receiver('r')
    sender = wait_for_input(at, *args)
    come_and_go(at)
    assert at.live('waiting'), end(sender)
    equal(give(sender, b'hello'), (0, '', ''))
    equal(end(receiver), (0, 'hello', ''))


@tap.case
@place('--queue', '4K')
def is_not_dropped_before_its_call(at):
    server = at.start('--name', 'r', 'serve', '1', 'cat')
    until(lambda: at.live('r'), 'r on the bus')
    caller = wait_for_input(at, 'call', 'r', '1')
    come_and_go(at)
    assert at.live('waiting'), end(caller)
    equal(give(caller, b'hello'), (0, 'hello', ''))
    stop(server)


@tap.case
@place()
def answers_a_ping_and_sleeps(at):
    receiver = at.receiver('r')
    sender = wait_for_input(at, 'send', 'r')
    at.ok('ping', '-c', '3', 'waiting')
    before = cpu_ns(sender.pid)
    at.ok('ping', '-c', '1', '-i', '0.5', 'r')
    assert cpu_ns(sender.pid) - before < 50_000_000
    equal(give(sender, b'hello')[0], 0)
    equal(end(receiver), (0, 'hello', ''))


@tap.cases([('send', 'r'), ('pub', 'topic')])
@place()
def a_signal_ends_it(at, *args):
    at.receiver('r')
    sender = wait_for_input(at, *args)
    status, out, err = stop(sender, signal.SIGINT)
    equal((status, out), (1, ''))
    equal(err, f'bellring: {args[0]} {args[1]}: interrupted\n')


tap.main()
