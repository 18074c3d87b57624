# SPDX-License-Identifier: BSD-2-Clause
"""Draws what `make bench-speed BENCH_FLAGS='--json FILE'` found: plots.py FILE FOLDER.

    speed-latency.svg       round trips of 64 B: how long, how often
    speed-throughput.svg    streams by size, one message a call and several
    speed-waiting.svg       the receiver's CPU and delay against the rate, by way to wait
    speed-steps.svg         the same while the load changes

What was not measured is left out; a plot of which nothing was measured is not drawn, and
said. Points are medians of the rounds: of those in which the two cores were placed as
they were most often (goals_figures.py), which stands below the title.
"""
import argparse
import json
import math
import os
import statistics
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, _HERE)

from goals_figures import (                                  # noqa: E402 (after the path)
    ANY, MOVED, PLACEMENT_TEXT, Figures, Missing, rate, receiver_cpu)
from goals_rows import bytes_text                           # noqa: E402
import plots_style as style                                 # noqa: E402

plt = style.plt
LATENCY = ('cache line', 'eventfd read', 'bellring polling', 'bellring adaptive',
           'bellring interrupt', 'zeromq ipc', 'nng ipc', 'unix stream', 'unix seqpacket',
           'pipe', 'tcp loopback', 'ck_ring', 'seed ring')
STREAMS = ('two-core copy', 'bellring polling', 'bellring interrupt', 'zeromq ipc',
           'nng ipc', 'unix stream', 'unix seqpacket', 'pipe', 'tcp loopback', 'ck_ring',
           'seed ring')
# What an older run has instead of a spectrum.
COARSE = ((50, 'p50'), (99, 'p99'), (99.9, 'p999'))


def ticks(axis, values, texts):
    axis.set_ticks(values)
    axis.set_ticklabels(texts)
    axis.set_minor_formatter(plt.NullFormatter())


def times(axis, low, high):
    """A logarithmic axis in us, with units as one says them."""
    steps = [v for v in (10 ** k for k in range(-2, 6)) if low / 1.01 <= v <= high * 1.01]
    ticks(axis, steps, [f'{v * 1000:g} ns' if v < 1 else f'{v:g} us' if v < 1000
                        else f'{v / 1000:g} ms' for v in steps])


# ---- round trips ------------------------------------------------------------------

def nines(percent):
    return -math.log10(1 - percent / 100)


def spectrum(figures, rival, size):
    """[(percent, us)], each the median of the rounds."""
    if rival == 'cache line':
        size = 8        # more than a line of 64 B, with what tells of it, is another thing
    rounds = figures.rounds('trips', rival, size)
    if all('spectrum' in o for o in rounds):
        columns = zip(*(o['spectrum'] for o in rounds))
        points = [(c[0][0], [ns for _, ns in c]) for c in columns]
    else:
        points = [(percent, [o[key] for o in rounds]) for percent, key in COARSE]
    return [(percent, statistics.median(v) / 1000) for percent, v in points]


def draw_latency(figures, size=64):
    figure, axes = style.canvas(1, 1, 8.6, 5.2, labels_width=2.5)
    ends, medians = [], {}
    for rival in LATENCY:
        try:
            points = spectrum(figures, rival, size)
        except Missing:
            continue
        xs, ys = [nines(p) for p, _ in points], [us for _, us in points]
        style.line(axes, rival, xs, ys)
        ends.append((rival, xs[-1], ys[-1]))
        medians[rival] = dict(points).get(50)
    if not ends:
        raise Missing('no round trips')
    shown = (0, 50, 90, 99, 99.9, 99.99)
    axes.set_yscale('log')
    axes.set_xlim(0, max(x for _, x, _ in ends))
    ticks(axes.xaxis, [nines(p) for p in shown if nines(p) <= axes.get_xlim()[1] + 0.01],
          [f'{p} %' for p in shown if nines(p) <= axes.get_xlim()[1] + 0.01])
    times(axes.yaxis, *axes.get_ylim())
    axes.set_title(f'Round trips of {bytes_text(size)}')
    axes.set_xlabel('share of the trips that took no longer')
    style.labels(axes, ends, {r: f'  (median {us_text(us)})' for r, us in medians.items()})
    return figure


def us_text(us):
    return f'{us * 1000:.0f} ns' if us < 1 else f'{us:.1f} us'


# ---- streams ----------------------------------------------------------------------

def gb_s(o):
    return o['count'] * o['size'] / o['ns']


def draw_streams(axes, figures, works, sizes):
    """works: of a rival, what of it is shown here. The ends of the lines."""
    ends = []
    for rival in STREAMS:
        points = []
        for size in sizes:
            try:
                points.append((size, figures.median(gb_s, works(rival), rival, size)))
            except Missing:
                continue
        if points:
            style.line(axes, rival, *zip(*points))
            ends.append((rival, *points[-1]))
    axes.set_xscale('log', base=2)
    axes.set_yscale('log')
    axes.set_xlabel('bytes a message')
    ticks(axes.xaxis, sizes, [bytes_text(s) for s in sizes])
    return ends


def alone(_):
    return 'stream'


def together(rival):
    """The limit has no messages, and ZeroMQ batches by itself."""
    if rival in ('two-core copy', 'zeromq ipc'):
        return 'stream'
    return 'batches'


def draw_throughput(figures):
    figure, (left, right) = style.canvas(2, 1, 11.5, 5, labels_width=1.55, sharey=True)
    ends = draw_streams(left, figures, alone, figures.sizes('stream'))
    if not ends:
        raise Missing('no streams')
    ends_right = draw_streams(right, figures, together, figures.sizes('batches'))
    left.set_title('One message a call')
    right.set_title('Several messages a call')
    right.tick_params(labelleft=True)
    low, high = left.get_ylim()
    shown = [v for v in (0.001, 0.01, 0.1, 1, 10, 100) if low <= v <= high]
    ticks(left.yaxis, shown, [f'{v:g} GB/s' if v >= 1 else f'{v * 1000:g} MB/s'
                              for v in shown])
    style.labels(left, ends)
    style.labels(right, ends_right, {'zeromq ipc': ', by itself'})
    return figure


# ---- ways to wait -----------------------------------------------------------------

def delay_us(o):
    return o['p50'] / 1000


def paced(figures, mode, figure):
    """[(messages a second, value)] of one mode; not all keep up with what is asked."""
    points = []
    for gap in reversed(figures.gaps_us()):
        case = {'work': 'paced', 'rival': f'bellring {mode}', 'gap_us': gap}
        try:
            points.append((figures.median(rate, **case), figures.median(figure, **case)))
        except Missing:
            continue
    return points


def draw_waiting(figures):
    figure, (cpu, delay) = style.canvas(2, 1, 10.5, 4, labels_width=1.55)
    for axes, value, scale in ((cpu, receiver_cpu, 100), (delay, delay_us, 1)):
        ends = []
        for mode in style.MODES:
            points = [(x, y * scale) for x, y in paced(figures, mode, value)]
            if points:
                style.line(axes, f'bellring {mode}', *zip(*points))
                ends.append((f'bellring {mode}', *points[-1]))
        if not ends:
            raise Missing('no paced messages')
        axes.set_xscale('log')
        axes.set_yscale('log')
        rates = [1e6 / gap for gap in reversed(figures.gaps_us())]
        ticks(axes.xaxis, rates, [f'{x:,.0f}' for x in rates])
        axes.set_xlabel('messages a second')
        finish_waiting(axes, value is receiver_cpu)
        style.labels(axes, ends)
    return figure


def finish_waiting(axes, is_cpu):
    low, high = axes.get_ylim()
    if is_cpu:
        axes.set_title("The receiver's CPU, of a core")
        axes.set_ylim(top=130)
        shown = [v for v in (0.01, 0.1, 1, 2, 5, 10, 20, 50, 100) if v >= low]
        ticks(axes.yaxis, shown, [f'{v:g} %' for v in shown])
    else:
        axes.set_title('From send to receive, the median')
        times(axes.yaxis, low, high)


# ---- a load that changes ----------------------------------------------------------

def step_cpu(s):
    return 100 * s['server_cpu_ns'] / s['server_ns']


def step_delay(s):
    return s['p50'] / 1000


def step_worst(s):
    return s['p99'] / 1000


def steps(figures, mode, value):
    """[median of the rounds] by step."""
    rounds = [o['steps'] for o in figures.results('steps', f'bellring {mode}')]
    return [statistics.median(value(s) for s in column) for column in zip(*rounds)]


def step_names(figures):
    first = figures.results('steps', 'bellring interrupt')[0]
    return [s['step'] for s in first['steps']]


def beside(count, place):
    """Where one mode's marks are: three of them beside each other, in each step."""
    return [i + (place - 1) * 0.27 for i in range(count)]


def draw_cpu_steps(axes, figures):
    for place, (mode, (color, *_)) in enumerate(style.MODES.items()):
        ys = steps(figures, mode, step_cpu)
        axes.bar(beside(len(ys), place), ys, 0.24, color=color)
    axes.set_title("A load that changes: the receiver's CPU, of a core")
    axes.set_ylim(0, 105)
    ticks(axes.yaxis, [0, 25, 50, 75, 100], ['0 %', '25 %', '50 %', '75 %', '100 %'])
    axes.tick_params(axis='x', length=0, labelbottom=False)


def draw_delay_steps(axes, figures):
    for place, (mode, (color, _, marker)) in enumerate(style.MODES.items()):
        ys, worst = steps(figures, mode, step_delay), steps(figures, mode, step_worst)
        xs = beside(len(ys), place)
        axes.vlines(xs, ys, worst, color=color, linewidth=1.6)
        axes.plot(xs, ys, color=color, marker=marker, markersize=6, linestyle='')
    axes.set_title('There and back: the median, and up to where 99 of 100 are')
    axes.set_yscale('log')
    times(axes.yaxis, *axes.get_ylim())


def draw_steps(figures):
    names = step_names(figures)
    figure, (cpu, delay) = style.canvas(1, 2, 8.6, 5.8, labels_width=0.2)
    for axes, draw in ((cpu, draw_cpu_steps), (delay, draw_delay_steps)):
        draw(axes, figures)
        axes.set_xlim(-0.5, len(names) - 0.5)
        axes.grid(False, axis='x')
        for i in range(1, len(names)):
            axes.axvline(i - 0.5, color='#BBBBBB', linewidth=0.7)
        ticks(axes.xaxis, range(len(names)), [two_lines(n) for n in names])
    style.key(cpu, style.MODES)
    return figure


def two_lines(text):
    """Broken at the space that is nearest to its middle."""
    spaces = [i for i, c in enumerate(text) if c == ' ']
    if len(text) < 13 or not spaces:
        return text
    at = min(spaces, key=lambda i: abs(i - len(text) / 2))
    return text[:at] + '\n' + text[at + 1:]


# ---- all of them ------------------------------------------------------------------

def subtitle(figures, place):
    """Where the two cores were, and how often."""
    counts = dict(figures.counts())
    placed = sum(n for name, n in counts.items() if name not in (ANY, MOVED))
    often = f', {counts[place]} of {placed} measurements' if placed else ''
    return f'{PLACEMENT_TEXT[place]}{often}'


PLOTS = {'speed-latency': draw_latency, 'speed-throughput': draw_throughput,
         'speed-waiting': draw_waiting, 'speed-steps': draw_steps}


def main():
    parser = argparse.ArgumentParser(prog='plots.py', description=(
        'Draws what make bench-speed found.'))
    parser.add_argument('run', metavar='FILE', help="of goals.py's --json")
    parser.add_argument('folder', metavar='FOLDER', help='where the SVG files go')
    args = parser.parse_args()
    with open(args.run, encoding='ascii') as f:
        figures = Figures([json.loads(text) for text in f if text.strip()])
    os.makedirs(args.folder, exist_ok=True)
    place, drawn = figures.placements()[0], 0
    for stem, draw in PLOTS.items():
        try:
            print(style.save(draw(figures.at(place)), args.folder, stem,
                             subtitle(figures, place)))
            drawn += 1
        except Missing as e:
            print(f'plots.py: {stem}.svg is not drawn: {e}', file=sys.stderr)
    sys.exit(0 if drawn else 1)


if __name__ == '__main__':
    main()
