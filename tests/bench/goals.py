# SPDX-License-Identifier: BSD-2-Clause
"""Bellring beside the limits and what else there is, in one run: `make bench-speed`.

    make bench-speed                                 the goals and the tables; minutes
    make bench-speed BENCH_FLAGS=--quick             5 short rounds
    make bench-speed BENCH_FLAGS='--only trips'      one group, as long as it is
    make bench-speed BENCH_FLAGS='--json FILE'       and the objects in a file

tests/bench/speed measures, and this tells what was found. Ratios are of measurements
with the same placement of the two cores: goals_figures.py. What is measured elsewhere
comes from files: --guest of `BENCH_JSON=FILE make bench-guest`, --instructions of one
object a line with the instructions that a send and a receive take.
"""
import argparse
import json
import os
import platform
import subprocess
import sys
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, _HERE)

import goals_rows       # noqa: E402 (after the path)
import goals_tables     # noqa: E402
from goals_figures import Figures  # noqa: E402

BUILD = os.path.abspath(os.environ.get('top_builddir', '.'))
SPEED = os.path.join(BUILD, 'tests', 'bench', 'speed')
SERVER = os.path.join(BUILD, 'bellring-server')
GROUPS = ('trips', 'streams', 'zerocopy', 'idle', 'paced', 'crowd', 'large', 'steps',
          'rivals', 'unpinned')


def options():
    parser = argparse.ArgumentParser(prog='goals.py', description=(
        'Measures Bellring beside the limits and what else there is.'))
    parser.add_argument('--rounds', type=int, help='default: 15')
    parser.add_argument('--ms', type=int, help='a measurement; default: 25')
    parser.add_argument('--quick', action='store_true', help='5 rounds of 10 ms')
    parser.add_argument('--only', action='append', default=[], choices=GROUPS)
    parser.add_argument('--rival', help='only those with this in their names')
    parser.add_argument('--size', type=int, help='only messages of so many bytes')
    parser.add_argument('--no-pin', action='store_true')
    parser.add_argument('--all-classes', action='store_true', help=(
        'tables of each placement of the cores, not only of the most frequent'))
    parser.add_argument('--json', metavar='FILE', help='where the objects go, too')
    parser.add_argument('--from', metavar='FILE', dest='saved',
                        help='of --json: tell of that run, measure nothing')
    parser.add_argument('--markdown', action='store_true',
                        help='the goals alone, as doc/performance.md has them')
    parser.add_argument('--guest', metavar='FILE', help='of make bench-guest')
    parser.add_argument('--instructions', metavar='FILE')
    return parser.parse_args()


def command(args):
    words = [SPEED, '--server', SERVER]
    if args.quick:
        words.append('--quick')
    if args.no_pin:
        words.append('--no-pin')
    for name in ('rounds', 'ms', 'rival', 'size'):
        if getattr(args, name):
            words += [f'--{name}', str(getattr(args, name))]
    for group in args.only:
        words += ['--only', group]
    return words


def about():
    """What was measured on, as an object."""
    with open('/proc/cpuinfo', encoding='ascii', errors='replace') as f:
        models = [line.split(':', 1)[1].strip() for line in f
                  if line.startswith('model name')]
    return {'type': 'machine', 'date': time.strftime('%Y-%m-%d'),
            'cpu': models[0] if models else platform.machine(),
            'cpus': os.cpu_count(), 'kernel': platform.release(),
            'load': round(os.getloadavg()[0], 1)}


def objects_of(path):
    with open(path, encoding='ascii') as f:
        return [json.loads(line) for line in f if line.strip()]


def measure(args):
    """The objects of a run, and whether all went well."""
    objects = [about()]
    with subprocess.Popen(command(args), stdout=subprocess.PIPE, text=True) as speed:
        for line in speed.stdout:
            objects.append(json.loads(line))
    return objects, speed.returncode == 0


def main():
    args = options()
    if args.saved:
        objects, well = [o for o in objects_of(args.saved) if o['type'] != 'goal'], True
    else:
        objects, well = measure(args)
    if args.guest:
        objects += [dict(o, guest=True) for o in objects_of(args.guest)]
    if args.instructions:
        objects += objects_of(args.instructions)
    figures = Figures(objects)
    rows = goals_rows.rows(figures)
    if args.json:
        with open(args.json, 'w', encoding='ascii') as f:
            for o in objects + [row.object() for row in rows]:
                f.write(json.dumps(o) + '\n')
    if args.markdown:
        goals_tables.print_markdown(rows)
        return
    goals_tables.print_all(figures, rows,
                           wanted=bool(args.only or args.rival or args.size),
                           every=args.all_classes)
    if not well:
        sys.exit('goals.py: not everything could be measured')


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        sys.exit('goals.py: stopped by a signal')
