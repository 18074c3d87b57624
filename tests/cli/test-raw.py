# SPDX-License-Identifier: BSD-2-Clause
"""info, peers, ring, watch: the device, who is there, interrupts."""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bellring import (BUILD, end, equal, matches, objects, place, stop, tap, until)


@tap.case
@place('-l', '1M', '-n', '5', '--bus', '512K')
def info(at):
    out = at.ok('info')
    matches(out, rf'(?m)^address +unix:{re.escape(at.socket)}$')
    matches(out, r'(?m)^port +unix$')
    matches(out, r'(?m)^vectors +5$')
    matches(out, r'(?m)^memory +1048576 bytes$')
    got, = objects(at.ok('--json', 'info'))
    equal((got['port'], got['vectors'], got['memory']), ('unix', 5, 1 << 20))
    equal((got['formatted'], got['bus'] + got['raw']), (True, 1 << 20))
    equal(got['raw'] >= 512 << 10, True, got)


@tap.case
@place('-l', '1M')
def address_by_option_wins(at):
    out = at.ok('info', '-a', at.address, env={'BELLRING_ADDRESS': 'unix:/nonexistent'})
    matches(out, r'(?m)^address +unix:/tmp/')


@tap.case
@place('-l', '4M')
def peers(at):
    at.receiver('web-1')
    at.receiver('web-22')
    lines = at.ok('peers').splitlines()
    equal(lines[0].split(), ['ID', 'NAME', 'KIND', 'VECTORS', 'STATE'])
    equal([line.split()[1:] for line in lines[1:3]],
          [['web-1', 'host', '16', 'live'], ['web-22', 'host', '16', 'live']])
    equal(lines[3].split()[1:], ['-', 'host', '16', 'raw'])
    equal(len({line.index(word) for line, word in
               zip(lines, ['STATE', 'live', 'live', 'raw'])}), 1, lines)
    got = at.peers()
    equal([(p['name'], p['kind'], p['vectors'], p['state']) for p in got],
          [('web-1', 'host', 16, 'live'), ('web-22', 'host', 16, 'live'),
           ('', 'host', 16, 'raw')])
    equal(got[0]['id'] < got[1]['id'] < got[2]['id'], True, got)


def watcher(at, *args):
    """A started watch that is ready, and its id."""
    p = at.start('watch', *args)
    ready = p.stderr.readline().decode()
    matches(ready, r'^bellring: watching as id \d+, vectors 0 to \d+\n$')
    return p, int(ready.split()[4].rstrip(','))


LINE = r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d{4} \+\d+\.\d{6} '


@tap.case
@place('-l', '1M', '-n', '4')
def every_vector_is_seen(at):
    p, peer = watcher(at)
    for vector in (0, 3, 1, 2):
        at.ok('ring', peer, vector)
        line = p.stdout.readline().decode()
        while 'joined' in line or 'left' in line:
            line = p.stdout.readline().decode()
        matches(line, rf'^{LINE}interrupt vector {vector}\n$')
    status, _, err = stop(p)
    equal((status, err), (0, ''))


@tap.case
@place('-l', '1M')
def watch_stops_after_a_count(at):
    p, peer = watcher(at, '-c', '2', '--json')
    at.ok('ring', peer, 5)
    until(lambda: b'"vector":5' in p.stdout.readline(), 'the first interrupt')
    at.ok('ring', peer, 6)
    status, out, err = end(p)
    equal((status, err), (0, ''))
    got = [m for m in objects(out) if m['event'] == 'interrupt']
    equal([m['vector'] for m in got], [6])
    equal(sorted(got[0]), ['delta_us', 'event', 'time', 'vector'])


@tap.case
@place('-l', '1M')
def watch_sees_joins_and_leaves(at):
    p, _ = watcher(at, '--json')
    peer = objects(at.ok('--json', 'info'))[0]['id']
    until(lambda: f'"event":"left","id":{peer}' in p.stdout.readline().decode(),
          'the leave')
    server = at.started[0]
    server.send_signal(signal.SIGTERM)
    until(lambda: '"event":"server-lost"' in p.stdout.readline().decode(),
          'the loss of the server')
    equal(stop(p)[0], 0)


@tap.cases([([], 0, ''), (['-c', '1'], 3, 'watch: 0 of 1 interrupts came in time')],
           key=lambda row: ' '.join(row[0]) or 'endless')
@place('-l', '1M')
def watch_ends_in_time(at, args, want, text):
    status, _, err = at.run('-t', '0.2', 'watch', *args)
    equal((status, text in err), (want, True), err)


@tap.case
@place('-l', '1M')
def watch_interrupted_before_its_count(at):
    p, _ = watcher(at, '-c', '1')
    status, _, err = stop(p)
    equal((status, err), (1, 'bellring: watch: interrupted\n'))


@tap.case
@place('-l', '1M')
def a_closed_pipe_ends_watch(at):
    p, _ = watcher(at)
    p.stdout.close()
    p.stdout = None
    at.ok('info')  # its join is a line
    status, _, err = end(p)
    equal(status, 1)
    matches(err, 'standard output: Broken pipe')


@tap.case
@place(server=False)
def manual_has_every_option(at):
    """What --help lists is in doc/bellring.1 too."""
    top = os.environ.get('top_srcdir', '.')
    with open(os.path.join(top, 'doc', 'bellring.1')) as f:
        manual = f.read().replace('\\-', '-')
    out = at.ok('--help')
    commands = re.findall(r'(?m)^  ([a-z]+) +\w', out)
    equal(len(commands), 20, out)
    for command in commands:
        matches(manual, rf'(?m)^\.SS {command}\b')
        for option in re.findall(r'--[a-z-]+', at.ok(command, '--help')):
            equal(option in manual, True, command, option)


tap.main()
