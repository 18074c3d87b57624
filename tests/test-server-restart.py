# SPDX-License-Identifier: BSD-2-Clause
"""bellring-server dies and comes again: its clients are not to notice."""
import contextlib
import fcntl
import glob
import json
import os
import random
import resource
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import termios

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap
from served import BELLRING, BUILD, DEADLINE, SERVER, VECTORS, Client, Lost, Server, fails, \
    listens, until

KILL_AT = os.path.join(BUILD, 'tests', 'kill-at')


class Kept(Server):
    """A server with a keeper, that is killed and started again."""

    def __init__(self, *options, **how):
        self.options = ('--keep', *options)
        super().__init__(*self.options, **how)

    def die(self):
        self.process.kill()
        self.process.wait()

    def again(self, *options, **how):
        self.start(*(options or self.options), **how)

    def kill(self):
        # A keeper outlives what it is there to outlive, but not this test.
        if self.process and self.process.poll() is None:
            self.die()
        if listens(self.path + '.keep'):
            self.again()
            assert self.stop() == 0, self.log()
        super().kill()


def ring_all(a, b):
    """Each vector of either rings the right one of the other."""
    for one, other in ((a, b), (b, a)):
        for vector in range(VECTORS):
            os.write(one.peers[other.id][vector], struct.pack('=Q', vector + 1))
        for vector in range(VECTORS):
            assert os.read(other.own[vector], 8) == struct.pack('=Q', vector + 1)


@contextlib.contextmanager
def clients(server, count):
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(Client(server)) for _ in range(count)]
        ids = {c.id for c in crowd}
        until(lambda: all(c.knows(*ids - {c.id}) for c in crowd), 'the joins')
        yield crowd


# ---- killed --------------------------------------------------------------------

@tap.case
def killed_and_started_again():
    with Kept() as server, clients(server, 2) as (a, b):
        server.die()
        ring_all(a, b)
        server.again()
        ring_all(a, b)
        with Client(server) as c:
            assert c.id == 2 and c.knows(a.id, b.id)
            until(lambda: a.knows(b.id, 2) and b.knows(a.id, 2), 'the join')
            ring_all(a, c)
            ring_all(c, b)
            assert os.fstat(a.memory).st_ino == os.fstat(c.memory).st_ino
        until(lambda: a.knows(b.id) and b.knows(a.id), 'the leave')
        assert '2 peers go on' in server.log()


@tap.case
def who_left_meanwhile_is_told_once():
    with Kept() as server, clients(server, 3) as (a, b, c):
        server.die()
        b.close()
        server.again()
        until(lambda: a.knows(c.id) and c.knows(a.id), 'the leave')
        assert a.left == c.left == {1}
        server.die()
        server.again()
        with Client(server) as d:
            assert d.id == 3 and d.knows(a.id, c.id)
            until(lambda: a.knows(c.id, 3), 'the join')  # it dies of a second leave


@tap.case
def who_came_meanwhile_is_served():
    with Kept() as server, clients(server, 1) as (a,):
        server.die()
        with Client(server, greet=False) as b:
            assert not select.select([b.sock], [], [], 0.1)[0]
            server.again()
            b.greeting()
            until(lambda: a.knows(b.id), 'the join')
            ring_all(a, b)


@tap.case
def many_deaths():
    """Joins, leaves and kills at random times; all clients stay consistent."""
    seed = int(os.environ.get('RESTART_SEED', random.randrange(1 << 32)))
    print(f'# RESTART_SEED={seed}')
    rnd = random.Random(seed)
    with Kept() as server, contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(Client(server)) for _ in range(3)]
        for _ in range(40):
            killer = subprocess.Popen(['sleep', f'{rnd.random() * 0.02:.4f}'])
            fresh = []
            for _ in range(rnd.randrange(3)):
                if len(crowd) > 2:
                    crowd.pop(rnd.randrange(len(crowd))).close()
                fresh.append(stack.enter_context(Client(server, greet=False)))
            killer.wait()
            server.die()
            server.again()
            for c in fresh:
                # Accepted and not yet kept: the one who is lost, and is told so.
                with contextlib.suppress(Lost):
                    c.greeting()
                    crowd.append(c)
            ids = {c.id for c in crowd}
            until(lambda: all(c.knows(*ids - {c.id}) for c in crowd), 'agreement')
            if len(crowd) > 1:
                ring_all(*rnd.sample(crowd, 2))
        assert len(crowd) > 1


def unread(client):
    """Bytes that wait in its socket."""
    raw = fcntl.ioctl(client.sock, termios.FIONREAD, b'\0' * 4)
    return struct.unpack('=i', raw)[0]


def is_lost(c):
    """Its connection ended with the server."""
    return bool(select.select([c.sock], [], [], 0)[0]) and \
        not c.sock.recv(1, socket.MSG_PEEK)


def greeted_again(c):
    select.select([c.sock], [], [], DEADLINE)
    if is_lost(c):
        return False
    c.greeting()
    return True


@tap.case
def with_the_usual_limit_of_files():
    """The next server takes more descriptors than it may have at its start."""
    def usual():
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(
            resource.RLIMIT_NOFILE)[1]))
    with Kept('--max-peers', '100', limit=usual) as server, contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(Client(server, keep=False)) for _ in range(80)]
        ids = {c.id for c in crowd}
        until(lambda: all(c.knows(*ids - {c.id}) for c in crowd), 'the joins')
        server.die()
        server.again(limit=usual)
        with Client(server) as c:
            until(lambda: all(o.knows(c.id, *ids - {o.id}) for o in crowd), 'the join')
        assert '80 peers go on' in server.log()


@tap.case
def a_start_that_fails_loses_nobody():
    with Kept() as server, clients(server, 2) as (a, b):
        server.die()
        with fails(1, '/nonexistent/pid', '--keep', '-p', '/nonexistent/pid',
                   path=server.path):
            pass
        assert a.knows(b.id) and b.knows(a.id)
        server.again()
        with Client(server) as c:
            until(lambda: a.knows(b.id, c.id), 'the join')


def one_death(stop):
    """Killed at that stop while one joins and one leaves.

    Returns None if it did not come to that, else whether the newcomer was lost.
    """
    with Kept() as server, clients(server, 2) as (a, b):
        server.die()
        server.again('--keep', under=(KILL_AT, str(stop)))
        b.close()
        with Client(server, greet=False) as c:
            until(lambda: server.process.poll() is not None or
                  (a.knows(2) and unread(c) >= (3 + 2 * VECTORS) * 8), 'its death')
            if server.process.poll() is None:
                return None
            server.again()
            kept = greeted_again(c)
            there = [c.id] if kept else []
            until(lambda: a.knows(*there), 'agreement')
            if kept:
                until(lambda: c.knows(a.id), 'agreement')
                ring_all(a, c)
            # Once more: what it keeps has to be what it kept.
            server.die()
            server.again()
            with Client(server) as d:
                until(lambda: a.knows(d.id, *there) and d.knows(a.id, *there), 'the join')
                ring_all(a, d)
                if kept:
                    until(lambda: c.knows(a.id, d.id), 'the join')
                    ring_all(c, d)
            return not kept


@tap.case
def killed_at_every_system_call():
    """Before it in one run, after it in the next; RESTART_STEP=1: both."""
    lost, deaths = 0, 0
    step = int(os.environ.get('RESTART_STEP', 2))
    stop = 1 + random.randrange(step)
    print(f'# every {step}. stop from {stop} on')
    while (one := one_death(stop)) is not None:
        lost += one
        deaths += 1
        stop += step
    print(f'# {deaths} deaths; the newcomer was lost in {lost}')
    assert stop > 40
    # Between accept() and its being kept nobody can help it.
    assert lost <= 8


@tap.case
def killed_while_it_takes_over():
    with Kept() as server, clients(server, 2) as (a, b):
        server.die()
        b.close()
        deaths = 0
        with Client(server, greet=False) as c:
            while not is_lost(c):
                stop = str(1 + 7 * deaths)
                server.again('--keep', under=(KILL_AT, '-s', stop), wait=False)
                until(lambda: server.process.poll() is not None or is_lost(c) or
                      a.knows(2), 'its death')
                if server.process.poll() is None:
                    break
                deaths += 1
            print(f'# {deaths} deaths')
            assert deaths > 20
            if server.process.poll() is None:
                server.die()  # its trap may be ahead of it
            server.again()
            if greeted_again(c):
                until(lambda: a.knows(c.id) and c.knows(a.id), 'agreement')
                ring_all(a, c)
        with Client(server) as d:
            until(lambda: a.knows(d.id) and d.knows(a.id), 'agreement')
            ring_all(a, d)


# ---- upgrades ------------------------------------------------------------------

def write(path, text):
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)


def upgrade(server):
    """SIGHUP; returns when the new program listens."""
    before = server.log().count('listening on')
    server.process.send_signal(signal.SIGHUP)
    until(lambda: server.log().count('listening on') > before, 'the new program')


@tap.cases([('keeper', '--keep'), ('no keeper',)])
def live_upgrade(_, *options):
    with Server(*options) as server, clients(server, 2) as (a, b):
        for n in range(3):
            upgrade(server)
            ring_all(a, b)
            with Client(server) as c:
                assert c.id == 2 + n
                until(lambda: a.knows(b.id, c.id) and b.knows(a.id, c.id), 'the join')
                ring_all(a, c)
            until(lambda: a.knows(b.id) and b.knows(a.id), 'the leave')
        counts = []
        for _ in range(3):
            upgrade(server)
            # Who is greeted meets a server that is through with its begin.
            with Client(server) as c:
                until(lambda: c.knows(a.id, b.id), 'the greeting')
                counts.append(len(os.listdir(f'/proc/{server.process.pid}/fd')))
            until(lambda: a.knows(b.id) and b.knows(a.id), 'the leave')
            with open(f'/proc/{server.process.pid}/cmdline', 'rb') as f:
                assert f.read().count(b'--socket') == 1
        assert len(set(counts)) == 1, counts


@tap.case
def upgrade_reads_the_settings_anew():
    with tempfile.TemporaryDirectory() as place:
        conf = os.path.join(place, 'conf')
        write(conf, 'max-peers = 2\n')
        with Server('--config', conf) as server, clients(server, 2) as (a, b):
            with Client(server, greet=False) as c:
                assert c.message() == (-102, None)
            write(conf, 'max-peers = 3\n')
            upgrade(server)
            with Client(server) as c:
                assert c.knows(a.id, b.id)


@tap.case
def upgrade_to_settings_that_make_no_sense():
    with tempfile.TemporaryDirectory() as place:
        conf = os.path.join(place, 'conf')
        write(conf, 'max-peers = 2\n')
        with Server('--config', conf) as server, clients(server, 1) as (a,):
            write(conf, 'max-peers = many\n')
            server.process.send_signal(signal.SIGHUP)
            until(lambda: 'going on as before' in server.log(), 'the refusal')
            assert f"{conf}:1: max-peers 'many'" in server.log()
            with Client(server) as b:
                until(lambda: a.knows(b.id), 'the join')


@tap.case
def upgrade_to_another_file():
    """As a package manager does: the new file takes the old one's name."""
    with tempfile.TemporaryDirectory() as place:
        program = os.path.join(place, 'server')
        socket_path = os.path.join(place, 's')
        shutil.copy(SERVER, program)
        log = os.path.join(place, 'log')
        with open(log, 'w', encoding='utf-8') as err:
            process = subprocess.Popen([program, '-S', socket_path], stderr=err)
        try:
            until(lambda: listens(socket_path), 'the server')
            with Client(type('', (), {'path': socket_path})) as a:
                for text in ('#!/bin/sh\nexit 1\n', None):
                    with open(f'{program}.new', 'wb') as f:
                        if text:
                            f.write(text.encode())
                        else:
                            with open(SERVER, 'rb') as old:
                                shutil.copyfileobj(old, f)
                    os.chmod(f'{program}.new', 0o755)
                    os.rename(f'{program}.new', program)
                    process.send_signal(signal.SIGHUP)
                    with open(log, encoding='utf-8') as f:
                        want = 'going on as before' if text else '1 peers go on'
                        said = []
                        until(lambda: said.append(f.read()) or want in ''.join(said), want)
                inode = os.stat(program).st_ino
                assert os.stat(f'/proc/{process.pid}/exe').st_ino == inode
                with Client(type('', (), {'path': socket_path})) as b:
                    until(lambda: a.knows(b.id), 'the join')
                    ring_all(a, b)
        finally:
            process.terminate()
            assert process.wait(DEADLINE) == 0


@tap.case
def upgrade_cannot_change_the_user():
    if os.getuid() != 0:
        raise tap.Skip('needs root')
    with tempfile.TemporaryDirectory() as place:
        conf = os.path.join(place, 'conf')
        os.chmod(place, 0o755)
        write(conf, 'user = nobody\n')
        with Server('--config', conf) as server, clients(server, 2) as (a, b):
            for user in ('nobody', 'daemon', 'root'):
                write(conf, f'user = {user}\n')
                upgrade(server)
                ring_all(a, b)
                with open(f'/proc/{server.process.pid}/status', encoding='ascii') as f:
                    assert 'Uid:\t65534\t65534\t65534' in f.read()
            os.chmod(server.dir, 0o777)  # it may remove its sockets


@tap.case
def many_upgrades_at_once():
    """One that comes while the program starts waits until it has."""
    with Server() as server, clients(server, 2) as (a, b):
        for _ in range(200):
            server.process.send_signal(signal.SIGHUP)
            select.select([], [], [], 0.002)
        upgrade(server)
        ring_all(a, b)
        with Client(server) as c:
            until(lambda: a.knows(b.id, c.id), 'the join')


@tap.cases([(ms,) for ms in (1, 3, 5, 8, 12)])
def stopped_while_it_upgrades(ms):
    with Kept() as server, clients(server, 1) as (a,):
        server.process.send_signal(signal.SIGHUP)
        select.select([], [], [], ms / 1000)
        assert server.stop() == 0, server.log()
        assert a.message() is None
        until(lambda: not os.path.exists(server.path + '.keep'), 'the end of the keeper')
        assert not os.path.exists(server.path)


@tap.cases([('control', 'no-control = yes\n', 'control = /nonexistent/c\n'),
            ('keep', '', 'keep = yes\n'),
            ('metrics', '', 'metrics = unix:/nonexistent/m\n')])
def upgrade_cannot_add(_, before, after):
    with tempfile.TemporaryDirectory() as place:
        conf = os.path.join(place, 'conf')
        write(conf, before)
        with Server('--config', conf) as server, clients(server, 2) as (a, b):
            write(conf, after)
            upgrade(server)
            ring_all(a, b)
            with Client(server) as c:
                until(lambda: a.knows(b.id, c.id), 'the join')


def drop(client, count):
    """The numbers of its next messages, without their descriptors."""
    numbers = []
    for _ in range(count):
        number, fd = client.message()
        numbers.append(number)
        if fd is not None:
            os.close(fd)
    return numbers


@tap.case
def upgrade_to_fewer_vectors():
    """The newcomer's greeting is as long as the vectors of those who came before."""
    with tempfile.TemporaryDirectory() as place:
        conf = os.path.join(place, 'conf')
        write(conf, 'vectors = 256\nqueue = 4K\n')
        with Server('--config', conf) as server, contextlib.ExitStack() as stack:
            for _ in range(3):
                old = stack.enter_context(Client(server, greet=False))
                drop(old, 3 + 256)
            write(conf, 'vectors = 1\nqueue = 4K\n')
            upgrade(server)
            with Client(server, greet=False) as c:
                got = drop(c, 3 + 3 * 256 + 1)
                assert got[:3] == [0, 3, -1] and got[-1] == 3


def status(server):
    done = subprocess.run([BELLRING, '--json', 'server', 'status', '-S', server.path],
                          capture_output=True, text=True, timeout=DEADLINE, check=True)
    return json.loads(done.stdout.splitlines()[0])


@tap.case
def draining_goes_on():
    with Kept() as server, clients(server, 2) as (a, b):
        subprocess.run([BELLRING, 'server', 'drain', '-S', server.path], check=True,
                       capture_output=True, timeout=DEADLINE)
        assert status(server)['draining']
        server.die()
        server.again()
        assert status(server)['draining']
        a.close()
        b.close()
        assert server.process.wait(DEADLINE) == 0
        until(lambda: not os.path.exists(server.path + '.keep'), 'the end of the keeper')


@tap.case
def a_shortage_at_the_start_loses_nobody():
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (90, 90))
    with Kept() as server, clients(server, 2) as (a, b):
        server.die()
        server.again(limit=few, wait=False)
        assert server.process.wait(DEADLINE) == 1, server.log()
        assert a.knows(b.id) and b.knows(a.id)
        server.again()
        ring_all(a, b)
        with Client(server) as c:
            until(lambda: a.knows(b.id, c.id), 'the join')


@tap.case
def who_comes_when_it_stops_is_told_so():
    with Server() as server, clients(server, 1) as (a,), contextlib.ExitStack() as stack:
        server.process.send_signal(signal.SIGSTOP)
        late = [stack.enter_context(Client(server, greet=False)) for _ in range(20)]
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGCONT)
        assert server.process.wait(DEADLINE) == 0
        # Each got at least the beginning of a greeting, or a number.
        first = [c.message() for c in late]
        assert all(m in ((0, None), (-105, None)) for m in first), first


# ---- the keeper ---------------------------------------------------------------------

@tap.case
def clean_end_ends_the_keeper():
    with Kept() as server, clients(server, 1) as (a,):
        assert listens(server.path + '.keep')
        assert stat.S_IMODE(os.stat(server.path + '.keep').st_mode) == 0o600
        assert server.stop() == 0
        assert a.message() is None
        until(lambda: not os.path.exists(server.path + '.keep'), 'the end')
        assert os.listdir(server.dir) == ['stderr']


@tap.case
def of_two_servers_one_is_refused():
    with Kept() as server, clients(server, 1) as (a,):
        with fails(1, 'another server is connected to it', '--keep', path=server.path):
            pass
        with fails(1, 'listens there already', path=server.path):
            pass
        with Client(server) as b:
            until(lambda: a.knows(b.id), 'the join')


@tap.case
def without_keep_it_says_what_to_do():
    with Kept() as server:
        server.die()
        with fails(1, '--keep', path=server.path):
            pass
        server.again()


def listener_of(path):
    """The process that has the socket of that path."""
    with open('/proc/net/unix', encoding='utf-8') as f:
        rows = [line.split() for line in f]
    inode = next(r[6] for r in rows if len(r) == 8 and r[7] == path)
    for link in glob.glob('/proc/[0-9]*/fd/*'):
        with contextlib.suppress(OSError):
            if os.readlink(link) == f'socket:[{inode}]':
                return int(link.split('/')[2])
    raise AssertionError(f'nobody has {path}')


@tap.case
def a_keeper_that_dies_takes_nothing_with_it():
    with Kept() as server, clients(server, 2) as (a, b):
        os.kill(listener_of(server.path + '.keep'), signal.SIGKILL)
        with Client(server) as c:
            until(lambda: a.knows(b.id, c.id), 'the join')
        until(lambda: 'a restart would lose peers' in server.log(), 'the warning')
        ring_all(a, b)


tap.main()
