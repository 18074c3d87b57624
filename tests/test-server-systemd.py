# SPDX-License-Identifier: BSD-2-Clause
"""bellring-server under a service manager, that holds its descriptors.

manager.py stands in for systemd; guest/test-systemd.py has the real one.
"""
import contextlib
import os
import re
import select
import signal
import socket
import stat
import struct
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap
from manager import Manager, identity
from served import DEADLINE, VECTORS, Client, listens, until

EACH = 1 + VECTORS    # descriptors of a peer
OWN = 3               # state, memory, control


@contextlib.contextmanager
def clients(manager, count):
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(Client(manager)) for _ in range(count)]
        agree(*crowd)
        yield crowd


def agree(*crowd):
    """All of them know of all others, and of nobody else."""
    ids = {c.id for c in crowd}
    until(lambda: all(c.knows(*ids - {c.id}) for c in crowd), 'agreement')


def ring_all(*crowd):
    """Each vector of each rings the right one of each other."""
    for one in crowd:
        for other in crowd:
            if one is other:
                continue
            for vector in range(VECTORS):
                os.write(one.peers[other.id][vector], struct.pack('=Q', vector + 1))
            for vector in range(VECTORS):
                got = os.read(other.own[vector], 8)
                assert got == struct.pack('=Q', vector + 1), (vector, got)


def who_is_kept(manager):
    """How many descriptors each peer has in the store, in order."""
    return sorted(n for name, n in manager.kept().items()
                  if re.fullmatch(r'p\d{1,18}', name))


# ---- start, reload, stop ---------------------------------------------------------------

@tap.case
def socket_activation():
    with Manager() as manager, Client(manager, greet=False) as a:
        assert select.select([manager.listener], [], [], DEADLINE)[0]
        manager.start()
        a.greeting()
        with Client(manager) as b:
            agree(a, b)
            ring_all(a, b)
        assert 'socket' not in manager.kept(), 'a second listener'
        manager.end(signal.SIGTERM)
        assert os.path.exists(manager.path), "the manager's own"


@tap.case
def what_it_tells():
    with Manager().start() as manager, clients(manager, 1) as (a,):
        assert manager.heard == ['READY=1'], manager.heard
        for _ in range(2):
            manager.heard = []
            manager.process.send_signal(signal.SIGHUP)
            until(lambda: 'READY=1' in manager.heard, 'the new program')
            assert manager.heard == ['RELOADING=1', 'READY=1'], manager.heard
        with Client(manager) as b:
            agree(a, b)
        manager.heard = []
        assert manager.end(signal.SIGTERM) == 0
        assert manager.heard == ['STOPPING=1'], manager.heard


@tap.case
def a_reload_to_wrong_settings_is_told_too():
    with tempfile.NamedTemporaryFile('w+', suffix='.conf') as conf, \
            Manager('--config', conf.name).start() as manager, \
            clients(manager, 1):
        conf.write('max-peers = many\n')
        conf.flush()
        manager.heard = []
        manager.process.send_signal(signal.SIGHUP)
        until(lambda: 'READY=1' in manager.heard, 'the refusal')
        assert 'going on as before' in manager.log()


@tap.case
def watchdog():
    with Manager(watchdog_us=100000).start() as manager:
        for _ in range(2):
            until(lambda: manager.heard.count('WATCHDOG=1') > 3, 'signs of life')
            manager.process.send_signal(signal.SIGSTOP)
            manager.sync()
            manager.heard = []
            # Five times as long as it has.
            assert not select.select([], [], [], 0.5)[0] and not manager.heard
            manager.process.send_signal(signal.SIGCONT)
            manager.process.send_signal(signal.SIGHUP)    # also after an upgrade
            until(lambda: 'READY=1' in manager.heard, 'the new program')


@tap.case
def nobody_waits_for_signs_of_life():
    with Manager().start() as manager:
        assert not select.select([], [], [], 0.3)[0]
        assert manager.heard == ['READY=1'], manager.heard


# ---- again ---------------------------------------------------------------------------

@tap.cases([('the socket is the manager\'s', True), ('the socket is its own', False)])
def killed_and_started_again(_, listens_itself):
    with Manager(listens_itself=listens_itself).start() as manager, \
            clients(manager, 3) as crowd:
        a, b, _ = crowd
        kept, open_fds = manager.kept(), manager.descriptors()
        for n in range(4):
            manager.die()
            ring_all(*crowd)
            manager.start()
            ring_all(*crowd)
            with Client(manager) as d:
                assert d.id == 3 + n, d.id
                agree(*crowd, d)
                ring_all(a, b, d)
            agree(*crowd)
            until(lambda: manager.kept() == kept, 'the store is as before')
            assert manager.descriptors() == open_fds
        assert manager.log().count('3 peers go on') == 4, manager.log()


@tap.cases([('the socket is the manager\'s', True), ('the socket is its own', False)])
def stopped_and_started_again(_, listens_itself):
    """systemctl restart"""
    with Manager(listens_itself=listens_itself).start() as manager, \
            clients(manager, 2) as (a, b):
        for _ in range(2):
            assert manager.end(signal.SIGTERM) == 0
            assert a.drain() and b.drain(), 'they were told'
            with Client(manager, greet=False) as c:    # waits for it
                manager.start()
                c.greeting()
                agree(a, b, c)
                ring_all(a, b, c)
            agree(a, b)


@tap.case
def who_left_meanwhile_is_told_once():
    with Manager().start() as manager, clients(manager, 3) as (a, b, c):
        manager.die()
        b.close()
        manager.start()
        agree(a, c)
        assert a.left == c.left == {1}
        assert who_is_kept(manager) == 2 * [EACH]
        manager.die()
        manager.start()
        with Client(manager) as d:    # who is told again dies of it
            agree(a, c, d)


@tap.case
def who_came_before_it_was_noted_stays_kept():
    """Accepted and in the store, but not in the state: it joins by another name."""
    with Manager(listens_itself=False).start() as manager, clients(manager, 1) as (a,):
        manager.die()
        ours, its = socket.socketpair()
        manager.keep('p50', os.dup(its.fileno()))
        its.close()
        with Client(manager, greet=False) as b:
            b.sock.close()
            b.sock = ours
            b.sock.settimeout(DEADLINE)
            manager.start()
            b.greeting()
            agree(a, b)
            until(lambda: who_is_kept(manager) == 2 * [EACH], 'both are kept')
            manager.die()
            manager.start()
            ring_all(a, b)
            agree(a, b)


@tap.case
def nothing_stays_in_the_store():
    with Manager().start() as manager, clients(manager, 1) as (a,):
        kept, open_fds = manager.kept(), manager.descriptors()
        for n in range(100):
            with Client(manager) as b:
                if n % 10 == 5:    # also while it is down
                    manager.die()
            if n % 10 == 5:
                manager.start()
        agree(a)
        until(lambda: manager.kept() == kept, 'the store is as before')
        assert sum(kept.values()) == OWN + EACH, kept
        assert manager.descriptors() == open_fds


# ---- what is not as it was left ------------------------------------------------------

def which(manager, client, kind):
    """A descriptor of that client in the store."""
    name = f'p{client.id + 1}'
    mine = [one for one in manager.store if one[0] == name]
    assert len(mine) == EACH, mine
    if kind == 'socket':
        return next(one for one in mine if stat.S_ISSOCK(os.fstat(one[1]).st_mode))
    wanted = identity(client.own[kind])
    return next(one for one in mine if identity(one[1]) == wanted)


@tap.cases([('socket',), (0,), (VECTORS - 1,)])
def a_lost_descriptor_costs_one_peer(kind):
    with Manager().start() as manager, clients(manager, 3) as (a, b, c):
        manager.die()
        lost = which(manager, b, kind)
        manager.store.remove(lost)
        os.close(lost[1])
        manager.start()
        agree(a, c)
        ring_all(a, c)
        assert not b.drain(), 'it was not dropped'
        until(lambda: who_is_kept(manager) == 2 * [EACH], 'nothing of it is kept')
        assert 'its descriptors were not kept' in manager.log()
        with Client(manager) as d:
            agree(a, c, d)


@tap.cases([('state',), ('memory',)])
def a_lost_part_costs_all(name):
    with Manager().start() as manager, clients(manager, 2) as (a, b):
        manager.die()
        manager.forget(lambda one: one == name)
        manager.start()
        assert not a.drain() and not b.drain(), 'they were not dropped'
        with Client(manager) as c, Client(manager) as d:
            agree(c, d)
            ring_all(c, d)
            until(lambda: who_is_kept(manager) == 2 * [EACH], 'the old ones go')
            manager.die()
            manager.start()
            ring_all(c, d)
            agree(c, d)


NAMES = ['stored', 'p', 'p-1', 'p1x', 'px', 'p 1', 'p99999999999999999999',
         'p18446744073709551615', 'p0', 'p7', 'P1', 'states', 'x' * 255, 'p' * 255,
         'bellring', '']


def garbage(names):
    """Descriptors of many kinds, one of each for each name."""
    for name in names:
        for make in (lambda: os.eventfd(0), lambda: os.open('/dev/null', os.O_RDWR),
                     lambda: os.memfd_create('x'), lambda: os.pipe2(0)[0],
                     lambda: socket.socketpair()[0].detach(),
                     lambda: socket.socket().detach()):
            yield [name, make()]


@tap.case
def a_store_full_of_garbage():
    with Manager().start() as manager, clients(manager, 2) as (a, b):
        manager.die()
        manager.store += garbage(NAMES)
        manager.start()
        ring_all(a, b)
        agree(a, b)
        with Client(manager) as c:
            agree(a, b, c)
        agree(a, b)
        until(lambda: who_is_kept(manager) == 2 * [EACH], 'the rest goes')


@tap.case
def nothing_but_garbage():
    with Manager() as manager:
        manager.store += garbage([*NAMES, 'state', 'memory'])
        manager.start()
        with clients(manager, 2) as (a, b):
            ring_all(a, b)
            manager.die()
            manager.start()
            ring_all(a, b)
            agree(a, b)


@tap.case
def more_names_than_descriptors():
    with Manager().start() as manager, clients(manager, 1) as (a,):
        manager.die()
        manager.env['LISTEN_FDNAMES'] = ''
        manager.start()
        assert listens(manager.path)
        with Client(manager) as b:
            agree(a, b)


tap.main()
