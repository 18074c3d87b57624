# SPDX-License-Identifier: BSD-2-Clause
"""How the plots look: one colour a family, names beside the lines, the same file again.

The colours are Okabe and Ito's, which the colour-blind can tell apart; within a family
dashes and markers differ. An SVG has its text as text, and neither a date nor random
names in it: drawn again from the same figures, it is the same file.
"""
import os

import matplotlib
matplotlib.use('svg')
from matplotlib import pyplot as plt        # noqa: E402 (the backend comes first)

BLUE, VERMILION, GREEN = '#0072B2', '#D55E00', '#009E73'
PURPLE, ORANGE, SKY, GREY, BLACK = '#AA5088', '#C98A00', '#4A9CCB', '#777777', '#000000'
SOLID, DASHED, DOTTED = '-', (0, (5, 2)), (0, (1, 1.3))

MODES = {'interrupt': (BLUE, SOLID, 'o'), 'adaptive': (GREEN, SOLID, 's'),
         'polling': (VERMILION, SOLID, 'D')}
# Of a rival: its colour, its dashes, its marker.
STYLES = {
    **{f'bellring {mode}': style for mode, style in MODES.items()},
    'two-core copy': (BLACK, DASHED, ''), 'cache line': (BLACK, DOTTED, ''),
    'eventfd read': (BLACK, DASHED, ''),
    'zeromq ipc': (PURPLE, SOLID, '^'), 'nng ipc': (PURPLE, DASHED, 'v'),
    'unix stream': (ORANGE, SOLID, '<'), 'unix seqpacket': (ORANGE, DASHED, '>'),
    'pipe': (SKY, SOLID, 'P'), 'tcp loopback': (SKY, DASHED, 'X'),
    'ck_ring': (GREY, SOLID, 'h'), 'seed ring': (GREY, DASHED, 'p'),
}
NAMES = {
    'two-core copy': 'limit: two-core copy', 'cache line': 'limit: cache line',
    'eventfd read': 'limit: two eventfds', 'zeromq ipc': 'ZeroMQ ipc',
    'unix stream': 'UNIX stream', 'unix seqpacket': 'UNIX seqpacket',
    'tcp loopback': 'TCP loopback', 'ck_ring': "CK's ring",
}
LABEL_PT = 8.5

plt.rcParams.update({
    'svg.fonttype': 'none', 'svg.hashsalt': 'bellring', 'path.simplify': True,
    'font.family': 'sans-serif', 'font.size': 9,
    'font.sans-serif': ['DejaVu Sans', 'Verdana', 'sans-serif'],
    'axes.titlesize': 10.5, 'axes.titleweight': 'bold',
    'axes.titlelocation': 'left', 'axes.spines.top': False, 'axes.spines.right': False,
    'axes.grid': True, 'grid.color': '#E4E4E4', 'grid.linewidth': 0.7,
    'axes.edgecolor': '#888888', 'xtick.color': '#444444', 'ytick.color': '#444444',
    'axes.axisbelow': True, 'xtick.minor.size': 0, 'ytick.minor.size': 0,
})


def canvas(columns, rows, width, height, labels_width, **more):
    """A figure in inches, with room for the names at the right of each column."""
    left, top, bottom, between = 0.72, 0.48, 0.56, 0.42
    panel = width / columns - left - labels_width
    figure, axes = plt.subplots(rows, columns, figsize=(width, height), **more)
    figure.subplots_adjust(
        left=left / width, right=1 - labels_width / width, top=1 - top / height,
        bottom=bottom / height, wspace=(left + labels_width) / panel,
        hspace=between * rows / (height - top - bottom - between * (rows - 1)))
    return figure, axes


def name(rival):
    return NAMES.get(rival, rival.replace('bellring', 'Bellring'))


def line(axes, rival, xs, ys):
    """Draws one; ours stand out."""
    color, dashes, marker = STYLES.get(rival, (GREY, DOTTED, ''))
    ours = rival.startswith('bellring')
    axes.plot(xs, ys, color=color, linestyle=dashes, marker=marker,
              markersize=5 if ours else 3.8, linewidth=2.4 if ours else 1.3,
              markevery=max(1, len(xs) // 6), zorder=3 if ours else 2)


def _spread(wanted, gap):
    """Places in the order of the wanted ones, gap apart at least, close to them."""
    groups = [[y, [y]] for y in sorted(wanted)]     # middle, wanted ones
    merged = True
    while merged:
        merged = False
        for a, b in zip(groups, groups[1:]):
            if b[0] - a[0] < gap * (len(a[1]) + len(b[1])) / 2:
                ys = a[1] + b[1]
                groups[groups.index(a)] = [sum(ys) / len(ys), ys]
                groups.remove(b)
                merged = True
                break
    return [middle + gap * (i - (len(ys) - 1) / 2)
            for middle, ys in groups for i in range(len(ys))]


def labels(axes, ends, more=None):
    """Names at the right of the lines: ends is of (rival, x, y), more what is said, too."""
    axes.figure.canvas.draw()
    to_points = 72 / axes.figure.dpi
    ends = sorted(ends, key=lambda e: e[2])
    own = [axes.transData.transform(e[1:])[1] * to_points for e in ends]
    right = axes.transAxes.transform((1, 0))[0] * to_points
    for (rival, x, y), at, place in zip(ends, own, _spread(own, LABEL_PT * 1.32)):
        here = axes.transData.transform((x, y))[0] * to_points
        ours = rival.startswith('bellring')
        axes.annotate(
            name(rival) + (more or {}).get(rival, ''), (x, y), annotation_clip=False,
            xytext=(right - here + 12, place - at), textcoords='offset points',
            va='center', fontsize=LABEL_PT, fontweight='bold' if ours else 'normal',
            color=STYLES.get(rival, (GREY,))[0],
            arrowprops={'arrowstyle': '-', 'color': STYLES.get(rival, (GREY,))[0],
                        'linewidth': 0.6, 'shrinkA': 1, 'shrinkB': 3, 'alpha': 0.6,
                        'relpos': (0, 0.5)})


def key(axes, modes):
    """The modes in their colours and order, at the right above what they are in."""
    marks = [plt.Line2D([], [], color=color, marker=marker, markersize=6, linestyle='')
             for color, _, marker in modes.values()]
    axes.legend(marks, list(modes), ncols=len(modes), loc='lower right',
                bbox_to_anchor=(1.005, 1.01), frameon=False, fontsize=LABEL_PT + 0.5,
                labelcolor='linecolor', handletextpad=0.1, columnspacing=1.2,
                borderaxespad=0)


def put_below_title(figure, text):
    """In small print; the first row's titles make room."""
    first = [a for a in figure.axes if a.get_subplotspec().is_first_row()]
    for axes in first:
        axes.set_title(axes.get_title('left'), pad=17)
    first[0].annotate(text, (0, 1), xytext=(0, 5), xycoords='axes fraction',
                      textcoords='offset points', fontsize=LABEL_PT, color='#666666')


def save(figure, folder, stem, subtitle):
    """FOLDER/STEM.svg; its path."""
    put_below_title(figure, subtitle)
    path = os.path.join(folder, f'{stem}.svg')
    figure.savefig(path, metadata={'Date': None, 'Creator': None}, facecolor='white')
    plt.close(figure)
    return path
