# SPDX-License-Identifier: BSD-2-Clause
"""Any number of clients, good and bad, against one real server, while others talk.

SOAK_SECONDS (60) for all rounds together; SOAK_SEED repeats the decisions of a run.
What a client may not see is said in served.Client, which dies of what kills QEMU;
what the server may not lose is said at the end of a round.
"""
import collections
import os
import random
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap
from served import BELLRING, DEADLINE, SERVER, Client, Server, run, until

SECONDS = float(os.environ.get('SOAK_SECONDS', '60'))
SEED = int(os.environ.get('SOAK_SEED', random.randrange(1 << 32)))
REFUSALS = range(-105, -100)   # proto_refusal in proto.h
BUS_PEERS = 5                  # of Talk, at once, at most
GROWTH = 16 << 20              # bytes that a server may have kept at the end,
QUEUE = 64 << 10               # and for each client that was there at once (--queue)
STEPS_TO_AGREE = 60


class Refused(Exception):
    pass


class Guest(Client):
    """A client of a server with that many vectors."""

    def __init__(self, soak, keep=False):
        self.soak = soak
        until(lambda: self.connected(keep), 'room in the backlog')

    def connected(self, keep):
        try:
            super().__init__(self.soak.server, greet=False, keep=keep)
            return True
        except BlockingIOError:   # a socket with a timeout does not wait there
            self.sock.close()
            self.soak.read_all()
            return False

    def greeting(self):
        number, fd = self.message()
        assert fd is None
        if number in REFUSALS:
            raise Refused
        assert number == 0
        self.id, fd = self.message()
        assert fd is None
        number, self.memory = self.message()
        assert number == -1 and self.memory is not None
        while len(self.own) < self.soak.vectors:
            self.news()

    def drain(self):
        """As Client's, for descriptors above those that select() can take."""
        while readable([self.sock], 0):
            if not self.news():
                return False
        return True

    def complete(self):
        return all(len(v) == self.soak.vectors for v in self.peers.values())


def readable(socks, seconds):
    """The numbers of those that can be read."""
    poll = select.poll()
    for sock in socks:
        poll.register(sock, select.POLLIN)
    return {fd for fd, _ in poll.poll(seconds * 1000)}


class Talk:
    """Peers of the bus that go on all the time, as processes, and lose nothing."""

    def __init__(self, soak):
        self.soak, self.place = soak, soak.server.dir
        self.count, self.dice = 0, random.Random(soak.seed)
        self.big = b''
        self.sink = self.start('--name', 'sink', 'recv', '-F', '--lines',
                               '-o', self.path('texts'))
        self.taker = self.start('--name', 'taker', '-t', str(DEADLINE), 'recv',
                                '-o', self.path('big'))
        self.giver = self.start('-t', str(DEADLINE), 'send', '-w', str(DEADLINE),
                                'taker', '-f', '-')
        self.chores = {'send': None, 'ping': None}
        until(lambda: self.lists('sink'), 'the receiver')

    def path(self, name):
        return os.path.join(self.place, name)

    def start(self, *command):
        return subprocess.Popen([BELLRING, '-a', f'unix:{self.soak.server.path}', *command],
                                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE)

    def lists(self, name):
        done = subprocess.run([BELLRING, '-a', f'unix:{self.soak.server.path}', 'peers'],
                              capture_output=True, text=True, check=False)
        return name in done.stdout

    @staticmethod
    def ended(process):
        """True if it ended well."""
        if process.poll() is None:
            return False
        error = process.stderr.read()
        process.stdin.close()
        process.stderr.close()
        assert process.returncode == 0, (process.args, process.returncode, error)
        return True

    def step(self):
        """A little more, and the next of what has ended."""
        for process in (self.sink, self.taker, self.giver):
            assert process.poll() is None, self.told()
        more = self.dice.randbytes(self.dice.randrange(1000))
        self.big += more
        self.giver.stdin.write(more)
        self.giver.stdin.flush()
        if self.chores['send'] is None or self.ended(self.chores['send']):
            self.count += 1
            self.chores['send'] = self.start('-t', str(DEADLINE), 'send', '-w',
                                             str(DEADLINE), 'sink', f'text {self.count}')
        if self.chores['ping'] is None or self.ended(self.chores['ping']):
            self.chores['ping'] = self.start('-t', str(DEADLINE), 'ping', '-c', '20',
                                             '-i', '0.01', 'sink')

    def told(self):
        """What those that must not end have said, and why they did."""
        lines = []
        for process in (self.giver, self.taker, self.sink):
            if process.poll() is None:
                process.kill()
                process.wait()
            lines.append((process.args[3:], process.returncode, process.stderr.read()))
        return '\n'.join(map(str, lines)) + '\n' + self.soak.server.log()[-3000:]

    def texts(self):
        with open(self.path('texts')) as f:
            return f.read()

    def finish(self):
        for process in filter(None, self.chores.values()):
            until(lambda p=process: self.ended(p), 'a chore')
        self.giver.stdin.close()
        assert self.giver.wait(DEADLINE) == 0, self.giver.stderr.read()
        assert self.taker.wait(DEADLINE) == 0, self.taker.stderr.read()
        with open(self.path('big'), 'rb') as f:
            assert f.read() == self.big, 'the large message came otherwise'
        wanted = ''.join(f'text {n}\n' for n in range(1, self.count + 1))
        until(lambda: self.texts() == wanted, 'all texts, in order')
        self.kill()

    def kill(self):
        for process in (self.sink, self.taker, self.giver, *self.chores.values()):
            if process is None:
                continue
            if process.poll() is None:
                process.kill()
                process.wait()
            for pipe in process.stdin, process.stderr:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass


class Soak:
    """One round: a server, and what happens to it."""

    def __init__(self, *options, vectors=16, most=20, flood=20, floods=1, kills=False,
                 limit=None):
        self.vectors, self.most, self.flood_size = vectors, most, flood
        self.limit = limit
        self.seed = SEED
        self.random = random.Random(SEED)
        self.crowd, self.mute, self.done = [], [], {}
        self.server = Server('-n', str(vectors), *options, limit=self.set_limit)
        self.actions = [(self.join, 20), (self.leave, 12), (self.cut, 15),
                        (self.be_mute, 6), (self.end_mute, 6), (self.send, 4),
                        (self.half_close, 4), (self.ring, 6), (self.flood, floods),
                        (self.starve, 2 if limit else 0),
                        (self.kill_server, 1 if kills else 0)]

    def set_limit(self):
        if self.limit:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.limit, self.limit))

    # ---- the server, from outside ----

    def proc(self, name):
        return f'/proc/{self.server.process.pid}/{name}'

    def descriptors(self):
        return len(os.listdir(self.proc('fd')))

    def memory(self):
        """Bytes of its own, without the memory that it shares."""
        with open(self.proc('status')) as f:
            lines = dict(line.split(':', 1) for line in f)
        return sum(sign * int(lines[key].split()[0]) * 1024
                   for key, sign in (('VmRSS', 1), ('RssShmem', -1)))

    def alive(self):
        assert self.server.process.poll() is None, \
            f'the server ended with {self.server.process.returncode}:\n' + self.server.log()

    # ---- clients ----

    def count(self, what):
        self.done[what] = self.done.get(what, 0) + 1

    def read_all(self, seconds=0, also=None):
        """The crowd reads what there is; whether also can be read."""
        socks = [c.sock for c in self.crowd] + ([also.sock] if also else [])
        ready = readable(socks, seconds)
        for c in self.crowd:
            if c.sock.fileno() in ready:
                assert c.drain(), f'client {c.id} was dropped'
        return also is not None and also.sock.fileno() in ready

    def new(self, greet=True, keep=False):
        """Connected; greeted, while the others read; None if it was refused."""
        guest = Guest(self, keep)
        if not greet:
            return guest
        try:
            end = time.monotonic() + DEADLINE
            while not self.read_all(1, guest):
                assert time.monotonic() < end, 'it is never greeted'
            guest.greeting()
            return guest
        except Refused:
            guest.close()
            self.count('refused')
            return None

    def is_full(self):
        return len(self.crowd) + len(self.mute) >= self.most

    def join(self):
        if not self.is_full():
            guest = self.new()
            if guest:
                self.crowd.append(guest)

    def leave(self):
        if self.crowd:
            self.crowd.pop(self.random.randrange(len(self.crowd))).close()

    def cut(self):
        """Gone at any byte of its greeting."""
        guest = self.new(greet=False)
        whole = 8 * (3 + self.vectors * (1 + len(self.crowd) + len(self.mute)))
        left = self.random.choice((0, self.random.randrange(40), self.random.randrange(whole)))
        while left > 0 and (self.read_all(DEADLINE, guest) or True):
            if not readable([guest.sock], 0):
                continue
            data = guest.receive(min(left, self.random.randrange(1, 9)))
            if not data:
                break
            left -= len(data)
        guest.close()

    def be_mute(self):
        """Stays, and never reads."""
        if not self.is_full():
            self.mute.append(self.new(greet=False))

    def end_mute(self):
        if self.mute:
            self.mute.pop(self.random.randrange(len(self.mute))).close()

    def flood(self):
        """Many more than there is room for, perhaps; at once, and at once gone."""
        many = [self.new(greet=False) for _ in range(self.random.randrange(self.flood_size))]
        self.read_all(self.random.random() / 10)
        for guest in many:
            guest.close()

    @staticmethod
    def until_closed(guest):
        """All that the server has sent it, and then the end."""
        try:
            while guest.receive(64):
                Client.forget(guest.fds)
                guest.fds = []
        except ConnectionResetError:
            pass
        guest.close()

    def send(self):
        """A client must not, at any time."""
        guest = self.new(greet=self.random.random() < 0.5)
        if guest:
            try:
                guest.sock.send(self.random.randbytes(self.random.randrange(1, 100)))
            except BrokenPipeError:
                assert guest.id is None   # refused before
            self.until_closed(guest)

    def half_close(self):
        guest = self.new(greet=False)
        which = self.random.choice((socket.SHUT_WR, socket.SHUT_RD))
        try:
            guest.sock.shutdown(which)
        except OSError:
            pass   # refused before
        if which == socket.SHUT_WR:
            self.until_closed(guest)
        else:
            guest.close()

    def ring(self):
        """Two newcomers, each on a vector of the other."""
        a = self.new(keep=True)
        b = a and self.new(keep=True)
        if b:
            until(lambda: a.drain() and len(a.peers.get(b.id, ())) == self.vectors,
                  'the join')
            for x, y in (a, b), (b, a):
                vector = self.random.randrange(self.vectors)
                os.write(x.peers[y.id][vector], (1).to_bytes(8, 'little'))
                assert readable([y.own[vector]], DEADLINE), 'not rung'
        for c in filter(None, (a, b)):
            c.close()

    def starve(self):
        """No further descriptor for the server: newcomers wait, and come later.

        What it has sent and nobody took yet counts as well, so that it may drop those
        who do not read. So nobody who must stay is there then.
        """
        pid = self.server.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        waiting = []
        try:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))
            waiting = [self.new(greet=False) for _ in range(3)]
            self.read_all(self.random.random() / 10)
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        for guest in waiting:
            until(lambda g=guest: self.read_all(0.01, g), 'the greeting after the famine')
            try:
                guest.greeting()
            except Refused:
                self.count('refused')
            guest.close()

    def kill_server(self):
        """Nobody is to notice: the keeper has all that was open."""
        process, args = self.server.process, list(self.server.process.args)
        if '--ready-fd' in args:
            at = args.index('--ready-fd')
            del args[at:at + 2]
        process.kill()
        process.wait()
        with open(self.server.err, 'a') as err:
            self.server.process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stderr=err,
                                                   preexec_fn=self.set_limit)
        until(lambda: self.server.log().count('listening on') > self.done['kill server'],
              'the next server')

    def stop_all(self):
        """The server, and a keeper that waits for its next one."""
        self.server.process.kill()
        self.server.process.wait()
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open(f'/proc/{pid}/cmdline', 'rb') as f:
                    args = f.read().split(b'\0')
                if args[0] == SERVER.encode() and self.server.path.encode() in args:
                    os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass   # it has ended meanwhile
        self.server.kill()

    # ---- a round ----

    def agree(self):
        """All know the same peers, with all of their vectors."""
        def agreed():
            self.read_all()
            known = {frozenset(c.peers) | {c.id} for c in self.crowd}
            return len(known) <= 1 and all(c.complete() for c in self.crowd)
        until(agreed, 'the same news for all')

    def step(self):
        actions, weights = zip(*self.actions)
        action = self.random.choices(actions, weights)[0]
        name = action.__name__.replace('_', ' ')
        self.count(name)
        try:
            action()
            self.read_all()
            self.alive()
        except BaseException as e:
            raise AssertionError(f'in step {sum(self.done.values())}, {name}; '
                                 f'SOAK_SEED={SEED}\n{self.server.log()[-3000:]}') from e

    def empty(self):
        for guest in [*self.crowd, *self.mute]:
            guest.close()
        self.crowd, self.mute = [], []

    def judge_log(self):
        """
        Who joined is gone, for a reason that is there. A server that is killed is killed
        between a deed and its line, too: the next one tells the fate of somebody whose
        joining was not told, or tells it again; and whom nobody had greeted yet it
        gives another number.
        """
        log = self.server.log()
        joined = collections.Counter(re.findall(r'client (\d+) \(.*\): joined', log))
        fates = re.findall(r'client (\d+) \(.*?\): ((?:left|dropped: ).*)', log)
        told = collections.Counter(i for i, _ in fates)
        between = (joined - told) + (told - joined)
        kills = self.done.get('kill server', 0)
        assert not between or kills, f'joined {joined - told}, and gone {told - joined}'
        assert len(between) <= kills and set(between.values()) <= {1}, (between, kills)
        if self.done.get('send'):
            assert any('sent data' in fate for _, fate in fates)
        return sum(joined.values())

    def go(self, seconds, talk=True):
        """Until the time is over; then nothing may be left of it."""
        try:
            self.new().close()
            until(lambda: ': left' in self.server.log(), 'the leave')
            # The vectors of the next one may be there already.
            descriptors, memory = self.descriptors() + self.vectors, self.memory()
            self.talk = Talk(self) if talk else None
            end = time.monotonic() + seconds
            for n in range(1, 1 << 30):
                if time.monotonic() > end:
                    break
                self.step()
                if self.talk:
                    self.talk.step()
                if n % STEPS_TO_AGREE == 0:
                    self.agree()
            if self.talk:
                self.talk.finish()
            self.empty()
            until(lambda: self.descriptors() <= descriptors, 'all descriptors back')
            grown = self.memory() - memory
            bound = GROWTH + QUEUE * (self.most + self.flood_size)
            assert grown < bound, f'{grown} bytes more than at the beginning'
            assert self.server.stop() == 0
            print(f'# {n - 1} steps, {self.judge_log()} clients, {grown >> 10} KiB grown, '
                  f'{self.talk.count if talk else 0} messages: ' +
                  ', '.join(f'{v} {k}' for k, v in sorted(self.done.items())))
        finally:
            if getattr(self, 'talk', None):
                self.talk.kill()
            self.empty()
            self.stop_all()


# ---- rounds ----

def raise_limit():
    """For our own many descriptors, and for the tools that know of as many peers."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


@tap.case
def clients_of_all_kinds():
    Soak('-l', '1M', '--max-peers', '150', most=20, flood=40).go(SECONDS * 0.4)


@tap.case
def few_descriptors():
    """Room for about 16 clients, and floods of more than that."""
    Soak('-l', '1M', most=8, flood=60, limit=300).go(SECONDS * 0.2, talk=False)


@tap.case
def thousands_of_sockets():
    most = min(2000, raise_limit() // 4)
    Soak('-l', '1M', '--max-peers', str(most), vectors=1, most=60, flood=most // 2,
         floods=5).go(SECONDS * 0.2)


@tap.case
def killed_and_started_again():
    if '--keep' not in run('--help').stdout:
        raise tap.Skip('this server has no --keep')
    Soak('-l', '1M', '--keep', '--max-peers', '150', most=20, flood=20, kills=True) \
        .go(SECONDS * 0.2)


print(f'# SOAK_SEED={SEED} SOAK_SECONDS={SECONDS:g}', flush=True)
raise_limit()
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
tap.main()
