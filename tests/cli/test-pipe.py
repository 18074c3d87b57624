# SPDX-License-Identifier: BSD-2-Clause
"""pipe: standard input and output over a stream, both ways, and how it ends."""
import hashlib
import os
import pty
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bellring import LONG, cpu_ns, equal, matches, place, tap, until

MIB = 1 << 20
IDLE_SECONDS = float(os.environ.get('BELLRING_IDLE_SECONDS', '3'))


def pipe(at, *args, **more):
    """A started `pipe` whose ends are pipes of ours, unless told otherwise."""
    more.setdefault('stdin', subprocess.PIPE)
    more.setdefault('stdout', subprocess.PIPE)
    return at.popen(at.argv(*args), env=at.env(), stderr=subprocess.PIPE, **more)


def pair(at, *, near=None, far=None):
    """Both sides: the one that opened it, and the one that listened."""
    b = pipe(at, '--name', 'b', 'pipe', '--listen', **(far or {}))
    a = pipe(at, '--name', 'a', 'pipe', '-w', '20', 'b', **(near or {}))
    return a, b


def say(p, data):
    p.stdin.write(data)
    p.stdin.flush()


def hear(p, want):
    equal(p.stdout.read(len(want)), want)


def finish(p):
    """The end of its input; then (status, stdout, stderr)."""
    p.stdin.close()
    out, err = p.stdout.read(), p.stderr.read().decode()
    return p.wait(LONG), out, err


@tap.case
@place()
def each_hears_the_other(at):
    a, b = pair(at)
    say(a, b'to b')
    hear(b, b'to b')
    say(b, b'to a')
    hear(a, b'to a')
    a.stdin.close()
    equal(b.stdout.read(), b'')    # half of it is closed, and b can still answer
    equal((a.poll(), b.poll()), (None, None))
    say(b, b'late')
    hear(a, b'late')
    equal(finish(b), (0, b'', ''))
    equal((a.stdout.read(), a.wait(LONG), a.stderr.read()), (b'', 0, b''))


@tap.case
@place()
def a_named_service(at):
    b = pipe(at, '--name', 'b', 'pipe', '--listen', 'chat')
    a = pipe(at, 'pipe', '-w', '20', 'b:chat')
    say(a, b'x')
    hear(b, b'x')
    equal(finish(a)[0] if b.stdin.close() is None else 1, 0)
    equal(b.wait(LONG), 0)


def feed(stream, seed, mib):
    digest = hashlib.blake2b()
    block = bytearray(os.urandom(MIB))
    with stream:
        for i in range(mib):
            block[:8] = (seed << 32 | i).to_bytes(8, 'little')
            digest.update(block)
            stream.write(block)
    return digest.hexdigest()


def drain(stream):
    digest = hashlib.blake2b()
    for block in iter(lambda: stream.read(MIB), b''):
        digest.update(block)
    return digest.hexdigest()


def together(*calls):
    """Calls functions in threads; their results."""
    results = [None] * len(calls)

    def call(i, fn, args):
        results[i] = fn(*args)

    threads = [threading.Thread(target=call, args=(i, fn, args))
               for i, (fn, *args) in enumerate(calls)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


@tap.case
@place('-l', '1M')
def much_both_ways_at_once(at):
    a, b = pair(at)
    sent_a, sent_b, got_a, got_b = together(
        (feed, a.stdin, 1, 64), (feed, b.stdin, 2, 64), (drain, a.stdout), (drain, b.stdout))
    equal([a.wait(LONG), b.wait(LONG), a.stderr.read(), b.stderr.read()], [0, 0, b'', b''])
    equal((got_a, got_b), (sent_b, sent_a))


@tap.case
@place()
def files(at):
    data = os.urandom(5 * MIB + 3)
    with open(at.path('in'), 'wb') as f:
        f.write(data)
    with open(at.path('in'), 'rb') as i, open(at.path('out'), 'wb') as o, \
            open(os.devnull, 'rb') as null:
        a, b = pair(at, near={'stdin': i}, far={'stdin': null, 'stdout': o})
        equal((a.stdout.read(), a.wait(LONG), b.wait(LONG)), (b'', 0, 0))
    with open(at.path('out'), 'rb') as f:
        equal(f.read() == data, True)


@tap.case
@place()
def a_terminal(at):
    master, slave = pty.openpty()
    a, b = pair(at, near={'stdin': slave, 'stdout': slave})
    os.close(slave)
    os.write(master, b'typed\n')
    hear(b, b'typed\n')
    say(b, b'shown')
    until(lambda: b'shown' in os.read(master, 100), 'shown on the terminal')
    os.write(master, b'\x04')    # the end of input, termios(3)
    equal(b.stdout.read(), b'')
    b.stdin.close()
    equal((a.wait(LONG), b.wait(LONG)), (0, 0))
    os.close(master)


@tap.case
@place('-l', '1M')
def a_reader_that_stops_stops_the_writer(at):
    """What is under way is bounded: ring, window, and a piece on each side."""
    a, b = pair(at)
    say(a, b'x')
    hear(b, b'x')
    os.set_blocking(a.stdin.fileno(), False)
    taken, block = 0, bytes(MIB)

    def full():
        nonlocal taken
        for _ in range(64):
            try:
                taken += os.write(a.stdin.fileno(), block)
            except BlockingIOError:
                return cpu_ns(a.pid) == quiet(a) and cpu_ns(b.pid) == quiet(b)
        return False

    until(full, 'a takes no more')
    equal(taken < 16 * MIB, True, taken)
    os.set_blocking(a.stdin.fileno(), True)
    _, got = together((a.stdin.close,), (b.stdout.read,))
    equal(len(got), taken)
    b.stdin.close()
    equal((a.wait(LONG), b.wait(LONG)), (0, 0))


def quiet(p):
    """CPU time after a moment: the same again if it sleeps."""
    time.sleep(0.2)
    return cpu_ns(p.pid)


@tap.case
@place()
def asleep_means_asleep(at):
    a, b = pair(at)
    say(a, b'x')
    hear(b, b'x')
    before = cpu_ns(a.pid) + cpu_ns(b.pid)
    time.sleep(IDLE_SECONDS)    # what is tested is how they spend this time
    used_ms = (cpu_ns(a.pid) + cpu_ns(b.pid) - before) / 1e6
    print(f'# {used_ms:.3f} ms of CPU in {IDLE_SECONDS:g} s')
    equal(used_ms < 10, True, f'{used_ms} ms')
    b.stdin.close()
    equal((finish(a), b.wait(LONG)), ((0, b'', ''), 0))


@tap.case
@place()
def a_side_that_is_killed(at):
    a, b = pair(at)
    say(b, b'last words')
    hear(a, b'last words')
    b.kill()
    b.wait()
    equal((a.stdout.read(), a.wait(LONG)), (b'', 1))
    matches(a.stderr.read().decode(), '^bellring: pipe b: peer not present: .*left\n$')


@tap.cases([('that opened', 0), ('that listened', 1)])
@place()
def a_side_that_is_interrupted(at, _which, which):
    sides = pair(at)
    say(sides[0], b'x')
    hear(sides[1], b'x')
    p, other = sides[which], sides[1 - which]
    p.send_signal(signal.SIGINT)
    equal((p.wait(LONG), p.stdout.read()), (1, b''))
    matches(p.stderr.read().decode(), '^bellring: pipe .*: interrupted\n$')
    equal((other.wait(LONG), other.stdout.read()), (1, b''))
    matches(other.stderr.read().decode(), '^bellring: pipe .*: stream was reset: ')


@tap.case
@place()
def a_closed_output_resets(at):
    a, b = pair(at)
    say(a, b'x')
    hear(b, b'x')
    b.stdout.close()
    say(a, b'nobody reads this')
    equal(b.wait(LONG), 1)
    matches(b.stderr.read().decode(), '^bellring: pipe pipe: writing: Broken pipe\n$')
    equal((a.wait(LONG), a.stdout.read()), (1, b''))
    matches(a.stderr.read().decode(), '^bellring: pipe b: stream was reset: ')


@tap.case
@place()
def nobody_there(at):
    status, out, err = at.run('pipe', 'nobody')
    equal((status, out), (3, ''))
    matches(err, '^bellring: pipe nobody: peer not present: ')
    at.receiver('r')
    status, out, err = at.run('pipe', 'r')
    equal((status, out), (3, ''))
    matches(err, '^bellring: pipe r: nobody serves that: ')
    status, out, err = at.run('-t', '1', 'pipe', '-w', '0.2', 'r:chat')
    equal((status, out), (3, ''), err)
    status, out, err = at.run('-t', '1', 'pipe', '--listen')
    equal((status, out, err),
          (3, '', 'bellring: pipe --listen pipe: nothing came in time\n'))
    status, _, err = at.run('pipe')
    equal(status, 2)
    matches(err, r'^bellring: pipe: PEER or --listen is missing\nusage: ')


@tap.case
@place()
def one_at_a_time(at):
    a, b = pair(at)
    say(a, b'x')
    hear(b, b'x')
    equal(at.run('pipe', 'b')[0], 3)
    b.stdin.close()
    equal((finish(a), b.wait(LONG)), ((0, b'', ''), 0))


@tap.case
@place()
def the_server_may_go(at):
    a, b = pair(at)
    say(a, b'x')
    hear(b, b'x')
    at.started[0].kill()
    at.started[0].wait()
    say(b, b'y')
    hear(a, b'y')
    b.stdin.close()
    status, out, err = finish(a)
    equal((status, out, b.wait(LONG)), (0, b'', 0))
    matches(err, '^bellring: pipe: server is gone: ')


tap.main()
