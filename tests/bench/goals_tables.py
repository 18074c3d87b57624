# SPDX-License-Identifier: BSD-2-Clause
"""The report: the goals, and tables of all that was measured."""
import statistics

from goals_figures import (
    ANY, MOVED, PLACEMENT_TEXT, Missing, both_cpu_us, doorbells, p50, rate, receiver_cpu)
from goals_rows import LEAST, UNPINNED, bytes_text

NOTE = ('Pinned, each trip wakes the other core twice, which on a virtual machine costs more\n'
        'than all that ZeroMQ does beside it.')


def _number(x):
    """As many digits as it deserves."""
    if x == int(x) and abs(x) < 1e6:
        return str(int(x))
    if abs(x) >= 100:
        return f'{x:.0f}'
    return f'{x:.2f}' if abs(x) >= 0.1 else f'{x:.2g}'


def _goal(row):
    if row.bound is None:
        return ''
    return ('>= ' if row.sense == LEAST else '<= ') + _number(row.bound)


def _row_lines(row, width):
    """One a placement, the one that is judged by first."""
    if row.why:
        yield f'{row.what:{width}} {_goal(row):>8} {row.why}'
    for i, (place, values) in enumerate(row.found.items() if not row.why else ()):
        what, goal = ('', '') if i > 0 else (row.what, _goal(row))
        yield (f'{what:{width}} {goal:>8} {row.verdict(place):8} {place:12} '
               f'{len(values):3} {_number(row.median(place)):>8}  '
               f'{_number(min(values))} .. {_number(max(values))}')


def _met(rows, place=None):
    """How many goals are, of those with samples there; or by the most samples."""
    asked = [row for row in rows if not row.why and row.bound is not None
             and (place is None or place in row.found)]
    return f'{sum(row.is_met(place) for row in asked)} of {len(asked)}'


def print_goals(f, rows):
    width = max((len(row.what) for row in rows), default=0)
    print(f'{"what":{width}} {"goal":>8} {"":8} {"placement":12} {"n":>3} {"median":>8}  '
          'min .. max')
    for row in rows:
        print(*_row_lines(row, width), sep='\n')
    print(f'\n{_met(rows)} goals met, each judged where it has most samples; '
          f'{sum(bool(row.why) for row in rows)} without figures')
    told = [place for place in f.placements() if any(place in row.found for row in rows)]
    if len(told) > 1:
        print('By placement:', ', '.join(f'{place} {_met(rows, place)}' for place in told))
    if any(row.what == UNPINNED and not row.why for row in rows):
        print(NOTE)


def _short(x):
    """In a cell of a page."""
    if 0 < abs(x) < 0.01:
        return f'{x:.1e}'.replace('e-0', 'e-')
    return f'{x:.0f}' if x == 0 or abs(x) >= 100 else f'{x:.2f}'


def _cell(row, place):
    values, median = row.found[place], _short(row.median(place))
    if row.bound is not None and row.is_met(place):
        median = f'**{median}**'
    where = '' if place == ANY else place + ': '
    return f'{where}{median} ({_short(min(values))} .. {_short(max(values))}, n {len(values)})'


def print_markdown(rows):
    """The table of doc/performance.md."""
    print('| what | goal | where most measured | elsewhere |\n|---|--:|---|---|')
    for row in rows:
        goal = _goal(row).replace('<=', '≤').replace('>=', '≥')
        cells = [row.why] if row.why else [_cell(row, place) for place in row.found]
        print(f'| {row.what} | {goal} | {cells[0]} | {"; ".join(cells[1:])} |')


def print_trips(f):
    for size in f.sizes('trips'):
        print(f'\nRound trips of {bytes_text(size)}\n{"":24} {"p50 us":>9} {"p99":>9} '
              f'{"p99.9":>9} {"CPU us/trip":>12} {"rings/trip":>11}')
        for rival in f.rivals('trips', size):
            case = ('trips', rival, size)
            times = [statistics.median(o[k] / 1000 for o in f.rounds(*case))
                     for k in ('p50', 'p99', 'p999')]
            print(f'{rival:24} {times[0]:9.2f} {times[1]:9.2f} {times[2]:9.2f} '
                  f'{f.median(both_cpu_us, *case):12.2f} {f.median(doorbells, *case):11.3f}')


def print_streams(f):
    for size in f.sizes('stream'):
        print(f'\nStreams of {bytes_text(size)}\n{"":32} {"messages/s":>12} {"GiB/s":>8} '
              f'{"CPU us/message":>15} {"rings/message":>14}')
        for work, text in (('stream', ''), ('batches', ', batches')):
            for rival in f.rivals(work, size):
                _print_stream(f, (work, rival, size), rival + text)


def _print_stream(f, case, text):
    try:
        speed = f.median(rate, *case)
    except Missing:
        return
    print(f'{text:32} {speed:12.0f} {speed * case[2] / (1 << 30):8.3f} '
          f'{f.median(both_cpu_us, *case):15.3f} {f.median(doorbells, *case):14.5f}')


def _paced_line(f, mode, gap):
    """Of a case, or nothing."""
    case = ('paced', f'bellring {mode}', 64, gap)
    try:
        both = f.median(lambda o: (o['server']['cpu_ns'] + o['client']['cpu_ns'])
                        / o['server']['ns'], *case)
    except Missing:
        return []
    p50, p99 = (statistics.median(o[k] / 1000 for o in f.rounds(*case))
                for k in ('p50', 'p99'))
    return [f'{case[1]:24} {gap:9} {p50:9.2f} {p99:9.2f} '
            f'{100 * f.median(receiver_cpu, *case):15.1f} {100 * both:8.1f} '
            f'{f.median(doorbells, *case):14.3f}']


def print_paced(f):
    lines = [line for gap in f.gaps_us()
             for mode in ('interrupt', 'adaptive', 'polling')
             for line in _paced_line(f, mode, gap)]
    if lines:
        print(f'\nA message of 64 B every so often\n{"":24} {"every us":>9} {"p50 us":>9} '
              f'{"p99":>9} {"receiver CPU %":>15} {"both %":>8} {"rings/message":>14}',
              *lines, sep='\n')


def _steps(f, mode):
    """[{step: ..., p50: ..., cpu: ...}], medians of the rounds."""
    rounds = [o['steps'] for o in f.results('steps', f'bellring {mode}')]
    return [{'step': same[0]['step'],
             'p50': statistics.median(s['p50'] / 1000 for s in same),
             'cpu': statistics.median(100 * s['server_cpu_ns'] / s['server_ns']
                                      for s in same)}
            for same in zip(*rounds)]


def print_steps(f):
    """Of each step, what adaptive waiting makes of it beside the two others."""
    modes = ('adaptive', 'polling', 'interrupt')
    found = [_steps(f, mode) for mode in modes]
    print(f'\nA load that changes: round trip p50 in us, and CPU % of who answers\n{"":26}'
          + ''.join(f' {mode:>19}' for mode in modes))
    for same in zip(*found):
        print(f'{same[0]["step"]:26}'
              + ''.join(f' {s["p50"]:10.2f} {s["cpu"]:6.1f} %' for s in same))


def _crowd_line(f, clients):
    speed = f.median(lambda o: sum(o['each']) * 1e9 / o['ns'], 'crowd',
                     'bellring interrupt', clients=clients)
    return f'{clients:8} {speed:12.0f}'


def print_crowd(f):
    lines = [_crowd_line(f, clients) for clients in (1, 64)]
    print(f'\nSenders to one receiver, 64 B, interrupt\n{"senders":>8} {"messages/s":>12}',
          *lines, sep='\n')


def print_large(f):
    found = {o['rival'] for o in f.objects if o['type'] == 'result' and o['large']}
    if not found:
        return
    print(f'\n1 GiB in messages of 1 MiB\n{"":24} {"GiB/s":>8}')
    for rival in sorted(found):
        speed = f.median(rate, 'stream', rival, 1 << 20, large=True)
        print(f'{rival:24} {speed / 1024:8.2f}')


def print_unpinned(f):
    found = f.rivals('trips', 64, free=True)
    if found:
        print(f'\nRound trips of 64 B, neither process pinned\n{"":24} {"p50 us":>9} '
              f'{"CPU us/trip":>12}')
    for rival in found:
        case = ('trips', rival, 64)
        print(f'{rival:24} {f.median(p50, *case, free=True) / 1000:9.2f} '
              f'{f.median(both_cpu_us, *case, free=True):12.2f}')


def print_head(f):
    machine, run = f.head('machine'), f.head('run')
    print(f'{machine.get("date")}, {machine.get("cpu")}, {machine.get("cpus")} CPUs, '
          f'Linux {machine.get("kernel")}, load {machine.get("load")} at the begin;\n'
          f'{run.get("rounds")} rounds, {run.get("ms")} ms a measurement, '
          f'{"pinned to two cores" if run.get("pinned") else "not pinned"}')
    counts = dict(f.counts())
    if f.placements() != [ANY]:
        print('Where the two cores were: '
              + ', '.join(f'{place} {counts[place]} times' for place in f.placements())
              + f'; moved meanwhile, and left out: {counts.get(MOVED, 0)}')
    print()


def print_tables(f, place):
    """Of a placement."""
    print(f'\n---- {PLACEMENT_TEXT[place]}: {dict(f.counts()).get(place, 0)} measurements; '
          'medians')
    for table in (print_trips, print_streams, print_paced, print_steps, print_crowd,
                  print_large):
        try:
            table(f.at(place))
        except Missing:
            pass


def print_all(f, rows, wanted, every):
    """
    wanted: a part was asked for, and what was not measured is not told of. every: not
    only the placement with most measurements.
    """
    print_head(f)
    print_goals(f, [row for row in rows if not wanted or row.why != 'not measured'
                    and '--' not in (row.why or '')])
    for place in f.placements() if every else f.placements()[:1]:
        print_tables(f, place)
    print_unpinned(f)
