# SPDX-License-Identifier: BSD-2-Clause
"""The server's control socket, and `bellring server`."""
import contextlib
import os
import random
import re
import resource
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap
from controlled import Control, ask, joins_in_time, objects, tool
from served import BELLRING, DEADLINE, VECTORS, Client, Server, scene, until

CONNECTIONS = 16


def fields(text):
    """{label: value} of lines in two columns."""
    return dict(re.split(' {2,}', line, maxsplit=1) for line in text.splitlines())


@contextlib.contextmanager
def program(*words):
    """A bellring that runs meanwhile."""
    with subprocess.Popen([BELLRING, *words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as p:
        try:
            yield p
        finally:
            p.kill()


# ---- what is asked ------------------------------------------------------------

@tap.case
def status():
    with scene(2, '--max-peers', '7', '-l', '1M') as (server, *_):
        [o] = objects(server, 'status')
        assert o['type'] == 'status' and o['pid'] == server.process.pid
        assert o['socket'] == server.path and o['memory'] == 'memfd'
        assert (o['peers'], o['peers_max'], o['vectors']) == (2, 7, VECTORS)
        assert o['memory_bytes'] == 1 << 20 and o['memory_sealed'] is True
        assert o['bus'] is True and o['draining'] is False and o['ids_left'] == 65534
        assert re.fullmatch('[0-9a-f]{16}', o['session'])
        assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', o['since'])
        assert 0 <= o['uptime_seconds'] < DEADLINE
        assert o['descriptors'] >= 2 * (VECTORS + 1)
        text = fields(ask(server, 'status'))
        assert text['socket'] == server.path and text['peers'] == '2 of 7', text
        assert text['memory'] == '1048576 bytes, memfd, sealed', text
        assert o['session'] in text['bus'], text


@tap.case
def peers():
    with scene(1) as (server, a):
        with program('-a', f'unix:{server.path}', '--name', 'web-1', 'recv') as p:
            until(lambda: any(o['name'] == 'web-1' for o in objects(server, 'peers')),
                  'the name')
            raw, named = objects(server, 'peers')
            assert (raw['id'], raw['slot'], raw['name'], raw['kind']) == (a.id, None, '', '')
            assert (raw['pid'], raw['uid'], raw['gid']) == \
                (os.getpid(), os.getuid(), os.getgid())
            assert (named['pid'], named['kind'], named['vectors']) == (p.pid, 'host', VECTORS)
            assert named['slot'] >= 0 and named['greeted'] is True
            assert named['queued_bytes'] == 0 < named['queued_max']
            head, one, two = ask(server, 'peers').splitlines()
            assert head.split() == ['ID', 'NAME', 'KIND', 'SLOT', 'VECTORS', 'PID', 'USER',
                                    'SINCE', 'QUEUED']
            assert one.split()[:6] == ['0', '-', '-', '-', '16', str(os.getpid())], one
            assert two.split()[:6] == ['1', 'web-1', 'host', str(named['slot']), '16',
                                       str(p.pid)], two
            assert len({len(line) for line in (head, one, two)}) == 1, 'not aligned'


@tap.case
def stats():
    with scene(3) as (server, a, b, c):
        a.close()
        b.sock.send(b'x')
        until(lambda: objects(server, 'status')[0]['peers'] == 1, 'the leaves')
        [o] = objects(server, 'stats')
        assert (o['joins'], o['leaves'], o['drops'], o['refusals']) == (3, 1, 1, 0), o
        assert o['messages'] >= 3 * (3 + VECTORS) and o['restarts'] == 0, o
        text = fields(ask(server, 'stats'))
        assert text['joins'] == '3' and text['accept pauses'] == '0', text
        assert c.drain()


@tap.case
def kick_drops_one_and_tells():
    with scene(3) as (server, a, b, c):
        assert ask(server, 'kick', str(b.id)) == f'peer {b.id} is dropped\n'
        until(lambda: a.knows(c.id) and c.knows(a.id), 'the leave')
        until(lambda: not b.drain(), 'the end of that connection')
        log = server.log()
        assert f'control: kick {b.id}, by pid' in log and f'uid {os.getuid()}' in log
        assert re.search(rf'client {b.id} \(pid .*kicked', log), log
        assert f'client {a.id} (pid {os.getpid()}, uid {os.getuid()}): dropped' not in log
        done = tool('server', '-S', server.path, 'kick', str(b.id))
        assert done.returncode == 3 and f'{b.id}' in done.stderr, done
        assert objects(server, 'kick', str(c.id)) == [{'type': 'kicked', 'id': c.id}]
        until(lambda: [o['id'] for o in objects(server, 'peers')] == [a.id], 'the leave')


@tap.case
def drain_and_take_it_back():
    with scene(1) as (server, a):
        assert 'now 1' in ask(server, 'drain')
        assert fields(ask(server, 'status'))['draining'] == 'yes'
        with Client(server, greet=False) as late:
            number, _ = late.message()
            assert number < 0 and late.message() is None
        assert objects(server, 'stats')[0]['refusals'] == 1
        assert ask(server, 'drain', '--cancel') == 'not draining\n'
        with Client(server) as b:
            until(lambda: a.knows(b.id), 'the join')


@tap.case
def drained_server_stops():
    with Server() as server:
        with Client(server) as a:
            [o] = objects(server, 'drain')
            assert o == {'type': 'drain', 'draining': True, 'peers': 1}
            assert a.drain()
        assert server.process.wait(DEADLINE) == 0
        assert not os.path.exists(server.path + '.control')
    with Server() as server:
        assert ask(server, 'drain') == 'no peer is connected: the server stops\n'
        assert server.process.wait(DEADLINE) == 0


@tap.case
def many_requests_on_one_connection():
    with scene(1) as (server, a), Control(server) as c:
        for _ in range(200):
            assert [o['type'] for o in c.answer('peers')] == ['peer', 'end']
            assert c.answer('nonsense')[0]['code'] == 'EINVAL'
        c.send(b'stats\nstatus\r\n')
        c.sock.shutdown(socket.SHUT_WR)
        assert [c.object()['type'] for _ in range(4)] == ['stats', 'end', 'status', 'end']
        assert c.object() is None and a.drain()


# ---- where it is ----------------------------------------------------------------

@tap.case
def where_the_tool_looks():
    with Server() as server:
        by_address = {'BELLRING_ADDRESS': f'unix:{server.path}'}
        assert tool('server', 'status', env=by_address).returncode == 0
        assert tool('-a', f'unix:{server.path}', 'server', 'status').returncode == 0
        assert tool('server', '--control', server.path + '.control', 'status').returncode == 0
        done = tool('-a', 'pci:', 'server', 'status')
        assert done.returncode == 2 and 'unix:PATH' in done.stderr, done


@tap.case
def other_path_and_mode():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'elsewhere')
        with Server('--control', path, '--control-mode', '0640') as server:
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o640
            assert not os.path.exists(server.path + '.control')
            assert tool('server', '--control', path, 'status').returncode == 0
        assert not os.path.exists(path)
    with Server('--no-control') as server:
        assert not os.path.exists(server.path + '.control')
        done = tool('server', '-S', server.path, 'status')
        assert done.returncode == 1 and 'is bellring-server running' in done.stderr, done


@tap.case
def only_its_user_may():
    if os.getuid() != 0:
        raise tap.Skip('needs to be root to be somebody else')
    with Server() as server:
        control = server.path + '.control'
        assert stat.S_IMODE(os.stat(control).st_mode) == 0o600
        os.chmod(server.dir, 0o755)
        done = tool('server', '--control', control, 'status', user=65534, group=65534,
                    extra_groups=[], cwd='/')
        if 'Permission denied' in done.stderr and 'connect' not in done.stderr:
            raise tap.Skip('another user may not run the tool here')
        assert done.returncode == 1, done
        assert "only the server's own user" in done.stderr, done
        assert ask(server, 'status')


# ---- what goes wrong ------------------------------------------------------------

@tap.cases([('nothing',), ('what', 'restart'), ('kick',), ('kick', 'x'), ('kick', '-1'),
            ('kick', '65536'), ('kick', '1', '2'), ('status', 'now'),
            ('peers', '--cancel'), ('drain', 'off'), ('status', '--what')],
           key=' '.join)
def wrong_usage(*words):
    done = tool('server', *words)
    assert done.returncode == 2 and 'usage: bellring server' in done.stderr, done


@contextlib.contextmanager
def impostor(reply):
    """A control socket that says something else; None: nothing at all."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = os.path.join(folder, 'control')
        listener.bind(path)
        listener.listen()

        def serve():
            with listener.accept()[0] as sock:
                sock.recv(1000)
                with contextlib.suppress(OSError):
                    sock.sendall(reply)
        if reply is not None:
            threading.Thread(target=serve, daemon=True).start()
        yield path


NOT_CONTROL = 'not the control socket of a bellring-server'
COMPLETE = 'closed before the answer was complete'


@tap.cases([('empty', b'', COMPLETE), ('no end', b'{"type":"peer"}\n', COMPLETE),
            ('half a line', b'{"type":"peer"', COMPLETE),
            ('greeting', bytes(8), NOT_CONTROL), ('text', b'hello\n', NOT_CONTROL),
            ('array', b'[]\n', NOT_CONTROL), ('no type', b'{}\n', NOT_CONTROL),
            ('a number as type', b'{"type":1}\n', NOT_CONTROL),
            ('twice the same', b'{"type":"end","type":"end"}\n', NOT_CONTROL),
            ('not UTF-8', b'{"type":"end","x":"\xff"}\n', NOT_CONTROL),
            ('endless', b'{' * 70000, NOT_CONTROL),
            ('deep', b'{"a":' * 10000 + b'\n', NOT_CONTROL),
            ('error without code', b'{"type":"error"}\n', NOT_CONTROL)])
def impostor_says(_, reply, text):
    with impostor(reply) as path:
        done = tool('server', '--control', path, 'peers')
        assert done.returncode == 1 and text in done.stderr, done


@tap.case
def nothing_reaches_the_terminal():
    name = '\\u001b[2J\\u009b1m\\n'
    reply = f'{{"type":"peer","id":1,"name":"{name}","uid":"x"}}\n' \
        f'{{"type":"error","code":"EIO","text":"{name}"}}\n'
    with impostor(reply.encode()) as path:
        done = tool('server', '--control', path, 'peers')
        assert done.returncode == 1 and '?[2J?1m?' in done.stderr, done
    reply = reply.replace('error', 'end')
    with impostor(reply.encode()) as path:
        done = tool('server', '--control', path, 'peers')
        assert done.returncode == 0 and '?[2J?1m?' in done.stdout, done


@tap.case
def silent_server_is_not_waited_for():
    with impostor(None) as path:
        begin = time.monotonic()
        done = tool('-t', '0.3', 'server', '--control', path, 'status')
        assert done.returncode == 3 and 'no answer in 0.3 s' in done.stderr, done
        assert 0.3 <= time.monotonic() - begin < DEADLINE


@tap.case
def no_server():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'control')
        for make, text in ((lambda: None, 'No such file'),
                           (lambda: open(path, 'w').close(), 'refused')):
            make()
            done = tool('server', '--control', path, 'status')
            assert done.returncode == 1 and text in done.stderr, done
            assert 'is bellring-server running' in done.stderr, done
    done = tool('server', '--control', 'x' * 5000, 'status')
    assert done.returncode == 1 and "longer than a socket's path" in done.stderr, done


# ---- hostile clients --------------------------------------------------------------

class Hostile(threading.Thread):
    """Sends whatever comes to its mind, until it is stopped."""

    def __init__(self, server, seed):
        super().__init__(daemon=True)
        self.server, self.random, self.stopped, self.count = server, random.Random(seed), False, 0

    def bytes(self):
        r = self.random
        return r.choice([
            lambda: r.randbytes(r.randrange(1, 5000)),
            lambda: bytes(r.randrange(1, 600)),
            lambda: b'x' * r.randrange(200, 300) + b'\n',
            lambda: b'\n' * r.randrange(1, 600),
            lambda: b'peers\nstatus\nstats\nkick 99\nkick\n' * r.randrange(1, 50),
            lambda: b'{"type":"status"}\n',
            lambda: b'GET /metrics HTTP/1.1\r\n\r\n',
            lambda: 'kick ٣\n'.encode(),
            lambda: b'kick 99999999999999999999\n',
            lambda: b'',
        ])()

    def once(self):
        with Control(self.server) as c:
            for _ in range(self.random.randrange(4)):
                c.sock.send(self.bytes(), socket.MSG_DONTWAIT)
            way = self.random.randrange(3)
            if way == 0:
                c.sock.shutdown(socket.SHUT_WR)
            elif way == 1:
                c.sock.setblocking(False)
                c.sock.recv(self.random.randrange(1, 1000))

    def run(self):
        while not self.stopped:
            self.count += 1
            with contextlib.suppress(OSError):
                self.once()


@tap.case
def hostile_bytes_while_two_talk():
    with scene(1) as (server, a):
        address = f'unix:{server.path}'
        with program('-a', address, '--name', 'b', 'recv', '--follow'):
            until(lambda: any(o['name'] == 'b' for o in objects(server, 'peers')), 'b')
            enemies = [Hostile(server, seed) for seed in range(4)]
            for e in enemies:
                e.start()
            done = tool('-a', address, '--name', 'c', 'ping', '-i', '0', '-c', '2000', 'b')
            for _ in range(20):
                joins_in_time(server)
            until(lambda: sum(e.count for e in enemies) > 2000, '2,000 connections')
            for e in enemies:
                e.stopped = True
            for e in enemies:
                e.join()
            assert done.returncode == 0, done
            assert a.drain()
            until(lambda: tool('server', '-S', server.path, 'status').returncode == 0,
                  'an answer')
            assert objects(server, 'stats')[0]['drops'] == 0


@tap.case
def a_thousand_connections():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with scene(1) as (server, a), contextlib.ExitStack() as stack:
        crowd = []
        for _ in range(1000):
            c = stack.enter_context(Control(server))
            crowd.append(c)
        joins_in_time(server)
        for c in crowd[:CONNECTIONS]:
            assert c.answer('status')[-1] == {'type': 'end', 'ok': True}
        for c in crowd[CONNECTIONS:]:
            o = c.object()
            assert o['code'] == 'EBUSY' and c.object() is None, o
        done = tool('server', '-S', server.path, 'status')
        assert done.returncode == 1 and 'too many are connected' in done.stderr, done
        for c in crowd:
            c.sock.close()
        until(lambda: tool('server', '-S', server.path, 'status').returncode == 0, 'a place')
        assert a.drain()


def memory_of(pid):
    """Resident bytes; 0 with AddressSanitizer, which gives nothing back for long."""
    with open(f'/proc/{pid}/exe', 'rb') as f:
        if b'__asan_init' in f.read():
            return 0
    with open(f'/proc/{pid}/statm', encoding='ascii') as f:
        return int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


@tap.case
def who_does_not_read_costs_little():
    with scene(40, keep=False) as (server, *clients):
        slow = [Control(server) for _ in range(CONNECTIONS - 1)]
        before = memory_of(server.process.pid)
        for c in slow:
            c.sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    c.sock.send(b'peers\n' * 1000)
        for _ in range(3):
            joins_in_time(server)
            assert len(objects(server, 'peers')) >= 40
        grown = memory_of(server.process.pid) - before
        assert grown < 8 << 20, f'{grown} bytes more'
        for c in slow:
            c.sock.close()
        assert all(c.drain() for c in clients)


@tap.case
def stops_while_clients_are_there():
    with scene(1) as (server, _), Control(server) as idle, Control(server) as busy:
        busy.send(b'peers\n' * 5000)
        assert server.stop(signal.SIGTERM) == 0
        until(lambda: not os.path.exists(server.path + '.control'), 'the removal')
        assert idle.object() is None


tap.main()
