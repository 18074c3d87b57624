# SPDX-License-Identifier: BSD-2-Clause
"""forward: TCP and UNIX connections between two peers, many at once, all their ends."""
import hashlib
import http.client
import http.server
import os
import re
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bellring import LONG, cpu_ns, equal, matches, place, tap, until

MIB = 1 << 20
IDLE_SECONDS = float(os.environ.get('BELLRING_IDLE_SECONDS', '3'))


class Log:
    """What a process says on stderr, line by line as it comes."""

    def __init__(self, p):
        self.p, self.lines = p, []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.p.stderr:
            self.lines.append(line.decode().rstrip('\n'))

    def find(self, pattern):
        return next((m for m in (re.search(pattern, x) for x in list(self.lines)) if m), None)

    def await_line(self, pattern):
        until(lambda: self.find(pattern) or self.p.poll() is not None, pattern)
        found = self.find(pattern)
        if not found:
            raise AssertionError(f'{pattern}: not in {self.lines}')
        return found


def far(at, *allowed, name='far', **more):
    allow = [x for target in allowed for x in ('--allow', target)]
    p = at.start('-v', '--name', name, 'forward', '--serve', *allow, **more)
    p.log = Log(p)
    p.log.await_line('serving as ' + name)
    return p


def near(at, target, listen='tcp:0', peer='far', name='near', **more):
    p = at.start('-v', '--name', name, 'forward', listen, f'{peer}:{target}', **more)
    p.log = Log(p)
    text = p.log.await_line('listening on (.*) for ').group(1)
    p.port = int(text.rsplit(':', 1)[1]) if text.startswith('tcp:') else None
    return p


def connect(where):
    """A socket to a port of this machine, or to a path."""
    if isinstance(where, int):
        s = socket.create_connection(('127.0.0.1', where), LONG)
    else:
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(LONG)
        s.connect(where)
    return s


class Server:
    """Calls fn with each connection, in a thread each."""

    def __init__(self, fn, path=None):
        self.s = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self.s.bind(path or ('127.0.0.1', 0))
        self.s.listen(128)
        self.target = 'unix:' + path if path else f'tcp:{self.s.getsockname()[1]}'
        self.fn = fn
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                c, _ = self.s.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(c,), daemon=True).start()

    def _one(self, c):
        with c:
            try:
                c.settimeout(LONG)
                self.fn(c)
            except OSError:
                pass    # the case sees what became of it

    def close(self):
        self.s.shutdown(socket.SHUT_RDWR)
        self.s.close()


def received(s):
    """All bytes until the end of file."""
    return b''.join(iter(lambda: s.recv(MIB), b''))


def echo(c):
    for data in iter(lambda: c.recv(65536), b''):
        c.sendall(data)
    c.shutdown(socket.SHUT_WR)


def answer_at_end(c):
    """Half close: answers only after it has read all."""
    c.sendall(hashlib.blake2b(received(c)).hexdigest().encode())


def send_all(s, data):
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@tap.case
@place()
def http_through_it(at):
    data = os.urandom(3 * MIB)
    with open(at.path('file'), 'wb') as f:
        f.write(data)

    def handler(*args):
        return Quiet(*args, directory=at.dir)

    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        target = f'tcp:{server.server_address[1]}'
        far(at, target)
        n = near(at, target)
        for _ in range(3):
            c = http.client.HTTPConnection('127.0.0.1', n.port, timeout=LONG)
            c.request('GET', '/file')
            answer = c.getresponse()
            equal((answer.status, answer.read() == data), (200, True))
            c.request('GET', '/nothing')
            equal(c.getresponse().status, 404)
            c.close()
        n.log.await_line(rf'^bellring: forward: connection 3 from tcp:127\.0\.0\.1:\d+ to '
                         rf'far:tcp:localhost:\d+: \d+ bytes there, \d+ back, [\d.]+ s')
        server.shutdown()


KINDS = [('TCP to TCP', 'tcp:0', None), ('UNIX to UNIX', 'unix:{dir}/near', '{dir}/far'),
         ('TCP to UNIX', 'tcp:0', '{dir}/far')]


@tap.cases(KINDS)
@place('-l', '1M')
def much_both_ways_at_once(at, _name, listen, path):
    server = Server(echo, path and path.format(dir=at.dir))
    far(at, server.target)
    n = near(at, server.target, listen.format(dir=at.dir))
    data = os.urandom(32 * MIB)
    with connect(n.port or at.path('near')) as s:
        sender = threading.Thread(target=send_all, args=(s, data))
        sender.start()
        got = received(s)
        sender.join()
    equal(got == data, True)
    server.close()


@tap.case
@place()
def half_close(at):
    server = Server(answer_at_end)
    far(at, server.target)
    n = near(at, server.target)
    data = os.urandom(MIB + 1)
    with connect(n.port) as s:
        send_all(s, data)
        equal(received(s).decode(), hashlib.blake2b(data).hexdigest())
    server.close()


@tap.case
@place('-l', '4M')
def many_at_once_and_one_stalled(at):
    server = Server(echo)
    far(at, server.target)
    n = near(at, server.target)
    stalled = connect(n.port)
    stalled.setblocking(False)
    filled = fill(stalled)    # it never reads the echo
    rest = [connect(n.port) for _ in range(50)]
    data = [os.urandom(200000 + i) for i in range(50)]
    got = [None] * 50

    def talk(i):
        sender = threading.Thread(target=send_all, args=(rest[i], data[i]))
        sender.start()
        got[i] = received(rest[i])
        sender.join()

    threads = [threading.Thread(target=talk, args=(i,)) for i in range(50)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal([got[i] == data[i] for i in range(50)], 50 * [True])
    for s in rest:
        s.close()
    stalled.setblocking(True)
    stalled.settimeout(LONG)
    stalled.shutdown(socket.SHUT_WR)
    equal(len(received(stalled)), filled)
    stalled.close()
    server.close()


def fill(s):
    """Writes until nothing is taken for a while; how many bytes."""
    total, block, since = 0, bytes(65536), time.monotonic()
    while time.monotonic() - since < 0.5:
        try:
            total += s.send(block)
            since = time.monotonic()
        except BlockingIOError:
            time.sleep(0.01)
    return total


def is_reset(s):
    """The connection ended without a byte, by a reset or an end of file."""
    try:
        return s.recv(1) == b''
    except ConnectionResetError:
        return True


def ends_in_a_reset(where):
    """It may come before connect(2) returns, which then fails with it."""
    try:
        with connect(where) as c:
            return is_reset(c)
    except ConnectionResetError:
        return True


@tap.case
@place()
def a_target_that_refuses(at):
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))    # and nobody listens
        target = f'tcp:127.0.0.1:{s.getsockname()[1]}'
        f = far(at, target, 'unix:' + at.path('nothing'))
        n = near(at, target)
        equal(ends_in_a_reset(n.port), True)
        n.log.await_line('connection 1 from .*: far side: Connection refused$')
        f.log.await_line(r'connection 1 from near \(id \d+\) to tcp:127.*: Connection refused$')
        m = near(at, 'unix:' + at.path('nothing'), 'unix:' + at.path('near'), name='m')
        equal(ends_in_a_reset(at.path('near')), True)
        m.log.await_line('connection 1 from .*: far side: No such file or directory$')


NOT_ALLOWED = [('another one', ['tcp:1']), ('none at all', [])]


@tap.cases(NOT_ALLOWED)
@place()
def a_target_that_is_not_allowed(at, _name, allowed):
    server = Server(echo)
    f = far(at, *allowed)
    if not allowed:
        f.log.await_line('serving as far .*: nothing is allowed: --allow names what is$')
    n = near(at, server.target)
    equal(ends_in_a_reset(n.port), True)
    n.log.await_line('far side: not allowed: --allow names what is$')
    f.log.await_line('connection 1 from near .*: not allowed')
    server.close()


HELLOS = [
    ('of another protocol', b'GET / HTTP/1.1\r\n', 'the near side speaks another protocol'),
    ('too long', b'\1\0\1\2' + 513 * b'x', 'the near side speaks another protocol'),
    ('cut off', b'\1\0\5\0tcp', 'stream was reset'),
    ('no target', b'\1\0\5\0bogus', 'not a target'),
    ('control characters', b'\1\0\5\0tcp:\n', 'not a target'),
    ('a NUL', b'\1\0\7\0tcp:1\0x', 'not a target'),
    ('not allowed', b'\1\0\x0f\0tcp:localhost:1', 'not allowed: --allow names what is'),
]


@tap.cases(HELLOS)
@place()
def a_hello_that_is_wrong(at, _name, hello, want):
    server = Server(echo)
    f = far(at, server.target)
    p = at.popen(at.argv('pipe', 'far:forward'), env=at.env(), stdin=subprocess.PIPE,
                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = p.communicate(hello, timeout=LONG)
    told = want.startswith('not ')
    equal(out, b'\1\1' + len(want).to_bytes(2, 'little') + want.encode() if told else b'')
    # The answer comes with a reset behind it: seen before our end of file, or not.
    equal(p.returncode in ((0, 1) if told else (1,)), True, err)
    f.log.await_line('connection 1 from .*: .*' + (want if told or 'speaks' in want else ''))
    n = near(at, server.target)
    equal(talks(n.port), True)
    server.close()


@tap.case
@place()
def spellings_of_the_same_target(at):
    server = Server(echo)
    port = server.target.split(':')[1]
    far(at, f'tcp:localhost:{port}')
    n = near(at, f'tcp:{port}')
    with connect(n.port) as s:
        send_all(s, b'x')
        equal(received(s), b'x')
    server.close()


def talks(port):
    """True if an echo comes back."""
    try:
        with connect(port) as s:
            s.sendall(b'x')
            return s.recv(1) == b'x'
    except ConnectionError:
        return False


@tap.case
@place()
def a_far_side_that_dies_and_comes_back(at):
    server = Server(echo)
    f = far(at, server.target)
    n = near(at, server.target)
    s = connect(n.port)
    s.sendall(b'x')
    equal(s.recv(1), b'x')
    f.kill()
    f.wait()
    equal(is_reset(s), True)
    s.close()
    n.log.await_line('connection 1 .* 1 bytes there, 1 back, .*: peer not present')
    equal(talks(n.port), False)
    n.log.await_line('connection 2 from .*: peer not present: nobody .* far$')
    far(at, server.target)
    equal(talks(n.port), True)
    server.close()


@tap.case
@place()
def a_near_side_that_dies(at):
    ended = threading.Event()

    def serve(c):
        try:
            while c.recv(100):
                c.sendall(b'y')
        finally:
            ended.set()

    server = Server(serve)
    f = far(at, server.target)
    n = near(at, server.target)
    s = connect(n.port)
    s.sendall(b'x')
    equal(s.recv(1), b'y')
    n.kill()
    n.wait()
    equal(ended.wait(LONG), True)
    f.log.await_line('connection 1 from near .*: peer not present')
    s.close()
    server.close()


@tap.case
@place()
def a_client_and_a_server_that_reset(at):
    """A reset travels: it is not taken for a proper end."""
    seen = []

    def serve(c):
        data = c.recv(100)
        if data == b'reset me':
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
            return
        c.sendall(b'ready')
        try:
            seen.append(c.recv(100))
        except ConnectionResetError:
            seen.append('reset')

    server = Server(serve)
    far(at, server.target)
    n = near(at, server.target)
    with connect(n.port) as s:
        s.sendall(b'reset me')
        try:
            got = s.recv(1)
        except ConnectionResetError:
            got = 'reset'
        equal(got, 'reset')
    s = connect(n.port)
    s.sendall(b'hello')
    equal(s.recv(5), b'ready')
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
    s.close()
    equal(until(lambda: seen, 'the reset'), ['reset'])
    server.close()


@tap.case
@place()
def its_unix_socket(at):
    """For its owner only; taken over when stale, and only then; gone at the end."""
    server = Server(echo, at.path('far'))
    far(at, server.target)
    path = at.path('near')
    n = near(at, server.target, 'unix:' + path)
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o600)
    status, _, err = at.run('forward', 'unix:' + path, 'far:' + server.target)
    equal(status, 1)
    matches(err, f'listening on unix:{path}: Address already in use')
    equal(talks(path), True)    # which did it no harm
    n.kill()
    n.wait()
    equal(os.path.exists(path), True)
    n = near(at, server.target, 'unix:' + path)
    equal(talks(path), True)
    equal(stop_quietly(n), 0)
    equal(os.path.exists(path), False)
    with open(path, 'w') as f:
        f.write('precious')
    equal(at.run('forward', 'unix:' + path, 'far:' + server.target)[0], 1)
    with open(path) as f:
        equal(f.read(), 'precious')
    server.close()


@tap.case
@place()
def few_descriptors(at):
    """Accepting waits until some are free again; nobody is turned away."""
    server = Server(echo)
    far(at, server.target)
    limit = 60
    n = near(at, server.target, preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_NOFILE, (limit, limit)))
    first = connect(n.port)
    first.sendall(b'x')
    equal(first.recv(1), b'x')
    waiting = [connect(n.port) for _ in range(limit)]
    n.log.await_line('the next connections wait: Too many open files$')
    for s in waiting:
        s.sendall(b'y')
    first.close()
    for s in waiting:
        equal(s.recv(1), b'y')
        s.close()
    server.close()


@tap.case
@place()
def a_client_that_leaves_while_it_is_opened(at):
    server = Server(echo)
    f = far(at, server.target)
    n = near(at, server.target)
    f.send_signal(signal.SIGSTOP)
    s = connect(n.port)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
    s.close()
    n.log.await_line('connection 1 .*: left before it was open$')
    f.send_signal(signal.SIGCONT)
    equal(talks(n.port), True)
    server.close()


@tap.case
@place()
def opening_takes_too_long(at):
    server = Server(echo)
    f = far(at, server.target)
    n = at.start('-t', '1', '--name', 'near', 'forward', 'unix:' + at.path('near'),
                 'far:' + server.target)
    n.log = Log(n)
    n.log.await_line('listening')
    f.send_signal(signal.SIGSTOP)
    with connect(at.path('near')) as s:
        equal(is_reset(s), True)
    n.log.await_line('connection 1 from .*: not open in time$')
    f.send_signal(signal.SIGCONT)
    equal(talks(at.path('near')), True)
    server.close()


@tap.case
@place()
def asleep_means_asleep(at):
    server = Server(echo)
    f = far(at, server.target)
    n = near(at, server.target)
    s = connect(n.port)
    s.sendall(b'x')
    equal(s.recv(1), b'x')
    before = cpu_ns(f.pid) + cpu_ns(n.pid)
    time.sleep(IDLE_SECONDS)    # what is tested is how they spend this time
    used_ms = (cpu_ns(f.pid) + cpu_ns(n.pid) - before) / 1e6
    print(f'# {used_ms:.3f} ms of CPU in {IDLE_SECONDS:g} s')
    equal(used_ms < 10, True, f'{used_ms} ms')
    s.close()
    server.close()


@tap.case
@place()
def the_server_may_go(at):
    server = Server(echo)
    far(at, server.target)
    n = near(at, server.target)
    equal(talks(n.port), True)
    at.started[0].kill()
    at.started[0].wait()
    n.log.await_line('server is gone')
    equal(talks(n.port), True)
    equal(stop_quietly(n), 0)
    server.close()


def stop_quietly(p):
    p.terminate()
    return p.wait(LONG)


@tap.case
@place()
def the_peer_may_come_later(at):
    server = Server(echo)
    n = near(at, server.target)
    n.log.await_line('connections will fail for now: far: peer not present')
    equal(talks(n.port), False)
    far(at, server.target)
    equal(talks(n.port), True)
    equal(stop_quietly(n), 0)
    server.close()


WRONG = [
    ('no target', ['tcp:1'], 'LISTEN PEER:TARGET or --serve is missing'),
    ('no peer', ['tcp:1', 'tcp:2'], 'tcp:2: not PEER:tcp:PORT'),
    ('no such kind', ['udp:1', 'p:tcp:2'], 'udp:1: not tcp:PORT'),
    ('port too large', ['tcp:65536', 'p:tcp:2'], 'tcp:65536: not tcp:PORT'),
    ('path too long', ['unix:/' + 107 * 'x', 'p:tcp:2'], 'not tcp:PORT'),
    ('IPv6 without brackets', ['tcp:::1:80', 'p:tcp:2'], 'tcp:::1:80: not tcp:PORT'),
    ('allow without serve', ['--allow', 'tcp:1', 'tcp:1', 'p:tcp:2'], '--allow goes with'),
    ('wrong allow', ['--serve', '--allow', 'x'], '--allow x: not tcp:PORT'),
]


@tap.cases(WRONG)
@place(server=False)
def wrong_usage(at, _name, args, want):
    status, out, err = at.run('forward', *args)
    equal((status, out), (2, ''), err)
    matches(err, '^bellring: forward: .*' + want)


tap.main()
