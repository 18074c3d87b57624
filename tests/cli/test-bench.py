# SPDX-License-Identifier: BSD-2-Clause
"""bench: all numbers are there and possible, and nobody is left behind."""
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bellring import (end, equal, matches, objects, place, stop, tap, until)

QUICK = ['bench', '--quick', '--sizes', '8,100']
POLLS = len(os.sched_getaffinity(0)) > 1  # with one CPU nothing that polls is run
MODES = ['interrupt', 'poll', 'adaptive'] if POLLS else ['interrupt', 'adaptive']


def check(lines, kind, keys):
    got = [m for m in lines if m['type'] == kind]
    for m in got:
        for key in keys:
            equal(m[key] > 0, True, m)
    return got


def alone(at):
    """Only the asking tool itself is left; the directory may still name the dead."""
    until(lambda: [p['state'] for p in at.peers() if p['state'] != 'dead'] == ['raw'],
          'everybody else gone')


@tap.case
@place('-l', '8M')
def on_one_host(at):
    lines = objects(at.ok('--json', *QUICK))
    bare = check(lines, 'bare', ['p50_us', 'p99_us', 'p999_us', 'max_us', 'samples'])
    equal(len(bare), 3 if POLLS else 2)
    trips = check(lines, 'latency', ['p50_us', 'p99_us', 'p999_us', 'max_us', 'samples',
                                     'cpu_us_per_message'])
    equal(sorted((m['wait'], m['size']) for m in trips),
          sorted((mode, size) for mode in MODES for size in (8, 100)))
    for m in bare + trips:
        equal(m['samples'], 1500, m)
        equal(m['p50_us'] <= m['p99_us'] <= m['p999_us'] <= m['max_us'], True, m)
    for m in trips:
        if m['wait'] == 'poll':
            equal(m['doorbells_per_message'] < 0.01, True, m)
        if m['wait'] == 'interrupt':
            equal(0.5 < m['doorbells_per_message'] <= 1.1, True, m)
    flows = check(lines, 'throughput', ['messages_per_s', 'gib_per_s', 'messages'])
    equal(sorted(m['size'] for m in flows), sorted(len(MODES) * [64, 4096, 65536]))
    idle = check(lines, 'idle', ['seconds'])
    equal([m['wait'] for m in idle], ['interrupt', 'adaptive'])
    for m in idle:
        equal(m['cpu_ms'] < 10, True, m)
    names = [m['name'] for m in check(lines, 'ratio', ['value'])]
    equal('interrupt/eventfd' in names and ('poll/line' in names) == POLLS, True, names)
    alone(at)


@tap.case
@place('-l', '8M')
def against_a_serving_peer(at):
    server = at.start('--name', 'other', 'bench', '--serve', '--once')
    until(lambda: at.live('other'), 'other on the bus')
    out = at.ok('bench', '--quick', '--sizes', '64', '--idle', '0', '--no-pin', 'other')
    matches(out, r'^3 rounds, not pinned, against other \(id \d+\)\n')
    matches(out, r'(?m)^interrupt +64 +[\d.]+ ')
    matches(out, r'(?m)^interrupt / two eventfds, epoll +64 bytes: [\d.]+ times$')
    equal(end(server), (0, '', ''))
    alone(at)


@tap.cases([('8,x',), ('7',), ('',), ('99999999999',), ('8,8,8,8,8,8,8,8,8',)],
           key=lambda row: row[0] or 'none')
@place('-l', '1M')
def sizes_out_of_range(at, sizes):
    status, out, err = at.run('bench', '--sizes', sizes)
    equal((status, out), (1, ''))
    matches(err, '^bellring: bench: --sizes: ')
    alone(at)


@tap.case
@place('-l', '1M')
def a_peer_that_does_not_serve(at):
    receiver = at.receiver('r')  # takes the request for a message
    p = at.start('--name', 'me', 'bench', 'r')
    equal(end(receiver)[0], 0)
    until(lambda: not at.live('r'), 'r gone')
    status, out, err = stop(p)
    equal((status, out), (1, ''))
    matches(err, 'bench: ')
    alone(at)


SIGNALS = [('Ctrl-C', signal.SIGINT, True), ('SIGTERM', signal.SIGTERM, False),
           ('SIGKILL', signal.SIGKILL, False)]


@tap.cases(SIGNALS)
@place('-l', '8M')
def killed_it_leaves_nobody_behind(at, _name, signo, group):
    p = at.start('bench', '--rounds', '1000', start_new_session=True)
    child = until(lambda: at.live(f'bench-{p.pid}'), 'the serving process')
    if group:
        os.killpg(p.pid, signo)  # as a terminal does
    else:
        p.send_signal(signo)
    status, out, err = end(p)
    equal(out, '')
    if signo != signal.SIGKILL:
        equal((status, err), (1, 'bellring: bench: interrupted\n'))
    until(lambda: not os.path.exists(f'/proc/{child["pid"]}'), 'the child gone')
    alone(at)


tap.main()
