# SPDX-License-Identifier: BSD-2-Clause
"""make bench-speed: whatever is built in delivers, and the report knows each goal.

No time is asked for: only who delivered what.
"""
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [_HERE, os.path.join(_HERE, '..')]

import tap                             # noqa: E402 (after the path)
import goals_rows                      # noqa: E402
from goals_figures import ANY, MOVED, Figures, placement      # noqa: E402

BUILD = os.path.abspath(os.environ.get('top_builddir', '.'))
SPEED = os.path.join(BUILD, 'tests', 'bench', 'speed')
SERVER = os.path.join(BUILD, 'bellring-server')
TINY = ['--rounds', '1', '--ms', '1', '--count', '20', '--check',
        '--limit', '30', '--server', SERVER]
PATIENCE = 600  # seconds; what hangs ends before
WORKS = {'trips', 'stream', 'batches', 'in place', 'copied', 'idle', 'paced', 'crowd', 'steps'}

NEAR, FAR = [150, 160], [510, 540]      # probes: a shared cache, and none

_runs = []      # of all that there is, once it was measured


def speed(*options):
    return subprocess.run([SPEED, *options], stdin=subprocess.DEVNULL, timeout=PATIENCE,
                          capture_output=True, text=True)


def objects():
    """Of everything there is, with messages as few as can be."""
    if not _runs:
        for part in (['--size', '64'], ['--size', '65536'], ['--only', 'large'],
                     ['--size', '8', '--rival', 'cache line']):
            _runs.append(speed(*TINY, *part))
    for run in _runs:
        assert run.returncode == 0, run.stderr
    return [json.loads(line) for run in _runs for line in run.stdout.splitlines()]


def results(*kinds):
    return [o for o in objects() if o['type'] == 'result' and o['kind'] in kinds]


@tap.case
def every_work_of_bellring():
    done = {o['work'] for o in results('bellring')}
    if os.cpu_count() == 1:
        raise tap.Skip('one core: nothing that polls is measured')
    assert done == WORKS, done ^ WORKS


@tap.case
def every_rival_there_and_back():
    """Or one way, where there is no way back."""
    missing = objects()[0]['missing']
    done = {o['rival'] for o in results('other')}
    assert not done & set(missing), done
    assert done | set(missing), 'there are no rivals'
    for rival in done:
        works = {o['work'] for o in results('other') if o['rival'] == rival}
        assert 'stream' in works, (rival, works)


@tap.case
def all_that_was_sent_is_counted():
    for o in results('bellring', 'other', 'limit'):
        assert o['ns'] > 0, o
        if o['work'] == 'trips':
            assert o['samples'] == o['count'] == 20 and 0 < o['p50'] <= o['max'], o
        elif o['work'] == 'crowd':
            assert len(o['each']) == o['clients'] and min(o['each']) >= 0, o
        elif o['work'] == 'steps':
            assert all(s['samples'] > 0 and s['p50'] > 0 for s in o['steps']), o


@tap.case
def polling_rings_nobody():
    for o in results('bellring'):
        rung = o['client']['doorbells'] + o['server']['doorbells']
        assert rung == 0 or not o['polls'], o
        if o['work'] == 'idle':
            assert o['server']['wakes'] >= 1, o


def _report(found, *options):
    with tempfile.TemporaryDirectory() as folder:
        saved = os.path.join(folder, 'run')
        with open(saved, 'w', encoding='ascii') as f:
            f.writelines(json.dumps(o) + '\n' for o in found)
        told = subprocess.run(
            [sys.executable, os.path.join(_HERE, 'goals.py'), '--from', saved, *options],
            capture_output=True, text=True, timeout=PATIENCE)
    assert told.returncode == 0, told.stderr
    return told.stdout


def _placed(o, probes):
    return dict(o, line_ns=probes) if o.get('line_ns') else o


@tap.case
def report_of_a_run():
    """As if no core had moved meanwhile."""
    told = _report([_placed(o, NEAR) for o in objects()])
    for row in goals_rows.rows(Figures(objects())):
        assert row.what in told, row.what
    assert 'bellring libevent' in told and 'two cores that share a cache:' in told, told
    assert 'not measured: make bench-guest' in told, told
    assert max(len(line) for line in told.splitlines()) <= 120, told
    page = _report([_placed(o, NEAR) for o in objects()], '--markdown').splitlines()
    assert len(page) == 2 + len(goals_rows.rows(Figures(objects()))), page
    assert all(line.count('|') == 5 for line in page), page


@tap.case
def report_of_each_placement():
    found = [_placed(o, FAR if o.get('work') == 'trips' else NEAR) for o in objects()]
    short, full = _report(found), _report(found, '--all-classes')
    assert 'bellring libevent' not in short and 'share no cache:' not in short, short
    assert 'bellring libevent' in full and 'share no cache:' in full, full


@tap.case
def each_is_placed_that_is_pinned():
    """By two probes, which take some time; but not where it does not matter."""
    if os.cpu_count() == 1:
        raise tap.Skip('one core: nothing is pinned')
    for o in results('bellring', 'other', 'limit'):
        if o['work'] == 'idle' or not o['pinned']:
            assert o['line_ns'] is None and placement(o) == ANY, o
        else:
            assert len(o['line_ns']) == 2 and min(o['line_ns']) > 0, o
    free = {o['rival'] for o in results('bellring', 'other', 'limit') if not o['pinned']}
    assert {'bellring interrupt', 'eventfd read'} <= free, free
    run = speed(*TINY, '--no-pin', '--only', 'trips', '--size', '8', '--rival', 'eventfd read')
    told = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 0 and told[0]['pinned'] is False, run
    assert {(o['pinned'], o['line_ns']) for o in told[1:]} == {(False, None)}, told


@tap.case
def what_takes_long_is_in_fewer_rounds():
    run = speed(*TINY, '--only', 'paced', '--rival', 'interrupt', '--rounds', '15')
    told = [json.loads(line) for line in run.stdout.splitlines()][1:]
    rounds = sorted({o['round'] for o in told})
    assert len(rounds) == 7 and rounds[-1] == 15 and rounds[0] <= 3, rounds
    assert {o['gap_ns'] for o in told} == {n * 1000 for n in (3, 10, 30, 100, 300, 1000)}


@tap.case
def what_is_compared_takes_turns():
    """Ours and the limits, each in each turn of a round; others' trips last as long."""
    turns = {}
    for o in results('bellring', 'other', 'limit'):
        if o['size'] == 64 and o['pinned'] and not (o['kind'] == 'other' and o['polls']):
            turns.setdefault((o['work'], o['kind'], o['rival']), []).append(o['turn'])
    for (work, kind, rival), found in turns.items():
        if work == 'trips':
            assert found == list(range(1, 9)), (rival, found)
        elif work == 'stream' and kind == 'other':
            assert found == [0], (rival, found)
    assert {('trips', 'bellring', 'bellring libevent'), ('trips', 'limit', 'eventfd read'),
            ('trips', 'other', 'unix stream'), ('stream', 'other', 'unix stream')} <= set(turns)


@tap.case
def a_round_has_all_samples_of_its_turns():
    rounds = [o for o in objects() if o['type'] == 'round']
    turns = [o for o in results('bellring', 'limit', 'other') if o['turn'] > 0]
    for o in rounds:
        mine = [t for t in turns if all(t[k] == o[k] for k in ('work', 'rival', 'size', 'gap_ns'))
                and t.get('samples')]
        assert o['samples'] == sum(t['samples'] for t in mine) > 0, o
        assert o['max'] == max(t['max'] for t in mine) and o['p50'] <= o['p99'], o
    assert {'trips', 'paced'} == {o['work'] for o in rounds}, rounds


@tap.case
def plots_of_a_run():
    """Each of the four is drawn, and a page can show it."""
    if importlib.util.find_spec('matplotlib') is None:
        tap.missing_thing('python3-matplotlib not found')
    with tempfile.TemporaryDirectory() as folder:
        saved = os.path.join(folder, 'run')
        with open(saved, 'w', encoding='ascii') as f:
            f.writelines(json.dumps(_placed(o, NEAR)) + '\n' for o in objects())
        run = subprocess.run([sys.executable, os.path.join(_HERE, 'plots.py'), saved, folder],
                             capture_output=True, text=True, timeout=PATIENCE)
        assert run.returncode == 0 and not run.stderr, run
        for name in ('latency', 'throughput', 'waiting', 'steps'):
            tree = xml.etree.ElementTree.parse(os.path.join(folder, f'speed-{name}.svg'))
            text = ' '.join(tree.getroot().itertext())
            assert re.search('Bellring|adaptive', text) and 'two cores that share a cache' in text, text


def _trip(rival, round_number, p50, line_ns):
    return {'type': 'result', 'work': 'trips', 'rival': rival, 'size': 8, 'gap_ns': 0,
            'clients': 1, 'large': False, 'round': round_number, 'p50': p50,
            'pinned': True, 'line_ns': line_ns}


def _row(rounds):
    """The first goal's, of (polling, cache line, probes), a round each."""
    found = [_trip(*o) for n, (ours, line, probes) in enumerate(rounds, 1)
             for o in (('bellring polling', n, ours, probes), ('cache line', n, line, probes))]
    return goals_rows.rows(Figures(found))[0]


@tap.case
def a_placement_is_of_both_probes():
    places = {(90, 100): 'one core', (124, 125): MOVED, (125, 249): 'shared cache',
              (250, 900): 'apart', (150, 500): MOVED,
              (90000, 90000): MOVED}
    for probes, name in places.items():
        assert placement({'line_ns': list(probes)}) == name, (probes, name)
    assert placement({'line_ns': None}) == placement({}) == ANY


@tap.case
def a_goal_is_met_or_missed():
    """By the median of each sample to the median of the other's in the nearest rounds."""
    row = _row([(110, 100, NEAR), (90, 10, NEAR), (130, 110, NEAR)])
    assert row.found == {'shared cache': [1.1, 0.9, 1.3]}, row.found
    assert row.median() == 1.1 and row.verdict() == 'met', row.object()
    assert _row([(130, 100, NEAR)] * 3).verdict() == 'missed'
    assert goals_rows.rows(Figures([]))[0].verdict() == 'not measured'


@tap.case
def a_round_has_one_ratio():
    """The median of its turns', each to the other's turns beside it."""
    found = []
    for n, per_turn in enumerate([(110, 120, 900), (130, 120, 130), (90, 100, 90)], 1):
        for turn, ours in enumerate(per_turn, 1):
            found += [dict(_trip('bellring polling', n, ours * n, NEAR), turn=turn),
                      dict(_trip('cache line', n, 100 * n, NEAR), turn=turn)]
    row = goals_rows.rows(Figures(found))[0]
    assert row.found == {'shared cache': [1.2, 1.3, 0.9]}, row.found


@tap.case
def only_the_same_placement_is_compared():
    """Together they would be a median of 1.2: of what was never measured."""
    near, far, moved = (110, 100, NEAR), (750, 500, FAR), (9000, 100, [150, 510])
    row = _row([near, far, near, moved, far, near, far, near, moved])
    assert list(row.found) == ['shared cache', 'apart'], row.found
    assert row.found['shared cache'] == [1.1] * 4 and row.found['apart'] == [1.5] * 3, row.found
    assert row.verdict() == 'met' and row.verdict('apart') == 'missed', row.object()
    told = row.object()
    assert told['placement'] == 'shared cache' and told['placements']['apart']['median'] == 1.5
    few = _row([near, near, far, far, moved, moved])
    assert 'fewer than 3 rounds' in few.verdict(), few.object()


@tap.case
def the_copy_is_the_fastest_of_its_parts():
    """Of a placement."""
    found = []
    for n, (part, ns) in enumerate([(1, 50), (2, 40), (2, 44), (2, 42), (1, 55), (1, 60)]):
        found.append(dict(_trip('two-core copy', n, None, NEAR), work='stream', part=part,
                          count=1, ns=ns))
    chosen = Figures(found).results('stream', 'two-core copy', 8)
    assert [o['part'] for o in chosen] == [2, 2, 2], chosen


@tap.case
def one_without_a_goal_is_compared():
    rows = {row.what: row for row in goals_rows.rows(Figures(objects()))}
    for mode in ('polling', 'interrupt'):
        assert rows[f'zero-copy 64 KiB, {mode} / same work, copied'].bound == 1.5
        assert rows[f'zero-copy 64 KiB, {mode} / copying alone'].bound is None
    assert rows[goals_rows.UNPINNED].bound is None


@tap.case
def no_server_is_an_error():
    run = speed('--only', 'idle', '--ms', '1', '--rounds', '1', '--server', '/nonexistent')
    assert run.returncode == 1 and not run.stdout, run
    assert '/nonexistent: No such file' in run.stderr, run.stderr


if __name__ == '__main__':
    tap.main()
