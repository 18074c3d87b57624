# SPDX-License-Identifier: BSD-2-Clause
"""The goals, row for row: what they are asked of, and whether they are met."""
import statistics

from goals_figures import ANY, ENOUGH, Missing, doorbells, p50, rate, receiver_cpu

WAYS = ('read', 'poll(2)', 'epoll', 'libevent')
MODES = ('polling', 'interrupt')
POLLING = ('polling', 'poll only') # only: for good, and senders know
SMALL = (8, 64, 1024)
COPY = 'two-core copy'
LEAST, MOST = 'at least', 'at most'
UNPINNED = 'the same, neither process pinned to a core'


def bytes_text(size):
    if size >= 1 << 20:
        return f'{size >> 20} MiB'
    return f'{size >> 10} KiB' if size >= 1024 else f'{size} B'


class Row:
    """
    One line: its values by placement, or all together where that does not matter. One
    without a goal is shown for comparison. ask() gets the figures of a placement.
    """

    def __init__(self, what, sense, bound, ask, placed=True):
        self.what, self.sense, self.bound = what, sense, bound
        self.ask, self.placed = ask, placed
        self.found, self.why = {}, None

    def look(self, figures):
        """At what was found; self."""
        try:
            together = self.ask(figures)
            self.found = self._by_placement(figures) if self.placed else {ANY: together}
            if not any(self.found.values()):
                self.why = 'not measured'
        except Missing as e:
            self.why = str(e)
        return self

    def _by_placement(self, figures):
        found = {}
        for place in figures.placements():
            try:
                found[place] = self.ask(figures.at(place))
            except Missing:
                continue
        if not found:
            raise Missing(f'not told: fewer than {ENOUGH} rounds in each placement')
        return dict(sorted(found.items(), key=lambda item: -len(item[1])))

    @property
    def place(self):
        """The one met with most, by which the goal is judged."""
        return next(iter(self.found))

    def median(self, place=None):
        return statistics.median(self.found[place or self.place])

    def is_met(self, place=None):
        median = self.median(place)
        return median >= self.bound if self.sense == LEAST else median <= self.bound

    def verdict(self, place=None):
        if self.why or self.bound is None:
            return self.why or 'compared'
        return 'met' if self.is_met(place) else 'missed'

    def _figures(self, place):
        values = self.found[place]
        return {'verdict': self.verdict(place), 'median': self.median(place),
                'min': min(values), 'max': max(values), 'rounds': values}

    def object(self):
        o = {'type': 'goal', 'what': self.what, 'sense': self.sense, 'bound': self.bound,
             'verdict': self.verdict()}
        if not self.why:
            o.update(self._figures(self.place), placement=self.place, placements={
                place: self._figures(place) for place in self.found})
        return o


def ours(way):
    """Who waits in that way with Bellring."""
    return 'bellring interrupt' if way == 'read' else f'bellring {way}'


def trips():
    yield Row('polling round trip 8 B / cache line', MOST, 1.25, lambda f: f.ratios(
        p50, ('trips', 'bellring polling', 8), ('trips', 'cache line', 8)))
    for way in WAYS:
        for size in SMALL:
            yield Row(f'interrupt round trip {bytes_text(size)}, {way} / eventfds, same',
                      MOST, 1.10, lambda f, w=way, s=size: f.ratios(
                          p50, ('trips', ours(w), s), ('trips', f'eventfd {w}', s)))
    for size in SMALL:
        yield Row(f'interrupt round trip {bytes_text(size)}, libevent / eventfds, read',
                  MOST, 1.20, lambda f, s=size: f.ratios(
                      p50, ('trips', 'bellring libevent', s), ('trips', 'eventfd read', s)))


def streams():
    def to_copy(work, mode, size):
        return lambda f: f.ratios(rate, (work, f'bellring {mode}', size),
                                ('stream', COPY, size))
    for mode, bound in (*((m, 0.60) for m in POLLING), ('interrupt', 0.45)):
        yield Row(f'64 B stream, {mode} / copy', LEAST, bound, to_copy('stream', mode, 64))
    for mode in MODES:
        yield Row(f'64 B stream in batches, {mode} / copy', LEAST, 0.90,
                  to_copy('batches', mode, 64))
    for size, bound in ((4096, 0.90), (65536, 0.95)):
        for mode in (*POLLING, 'interrupt'):
            yield Row(f'{bytes_text(size)} stream, {mode} / copy', LEAST, bound,
                      to_copy('stream', mode, size))


def zerocopy():
    """Judged beside copying where each byte is written and read, too."""
    for work, text, bound in (('copied', 'same work, copied', 1.5),
                              ('stream', 'copying alone', None)):
        for mode in MODES:
            yield Row(f'zero-copy 64 KiB, {mode} / {text}', LEAST, bound,
                      lambda f, w=work, m=mode: f.ratios(
                          rate, ('in place', f'bellring {m}', 65536),
                          (w, f'bellring {m}', 65536)))


def zeromq():
    for work, mode, bound in (('stream', 'interrupt', 4), ('stream', 'polling', 7),
                              ('batches', 'interrupt', 12), ('batches', 'polling', 12)):
        text = ' in batches' if work == 'batches' else ''
        yield Row(f'64 B stream{text}, {mode} / ZeroMQ ipc', LEAST, bound,
                  lambda f, w=work, m=mode: f.ratios(rate, (w, f'bellring {m}', 64),
                                                     ('stream', 'zeromq ipc', 64)))
    yield Row('ZeroMQ round trip 64 B / ours, interrupt', LEAST, 3, lambda f: f.ratios(
        p50, ('trips', 'zeromq ipc', 64), ('trips', 'bellring interrupt', 64)))
    yield Row(UNPINNED, LEAST, None, lambda f: f.ratios(
        p50, ('trips', 'zeromq ipc', 64), ('trips', 'bellring interrupt', 64),
        {'free': True}), placed=False)


def rings():
    for size in (*SMALL, 4096, 65536):
        yield Row(f'doorbells a message, {bytes_text(size)} stream, interrupt', MOST,
                  0.02 if size > 4096 else 0.001,
                  lambda f, s=size: f.values(doorbells, 'stream', 'bellring interrupt', s),
                  placed=False)

    def polling(f):
        return [v for s in f.sizes('stream') for m in POLLING
                for v in f.values(doorbells, 'stream', f'bellring {m}', s)]
    yield Row('doorbells a message, all streams, polling', MOST, 0, polling,
              placed=False)


def idle():
    for mode in ('interrupt', 'adaptive'):
        yield Row(f'idle receiver, {mode}: CPU, % of a core', MOST, 0.02,
                  lambda f, m=mode: [100 * v for v in
                                     f.values(receiver_cpu, 'idle', f'bellring {m}')],
                  placed=False)
        # The message itself is a wake-up.
        yield Row(f'idle receiver, {mode}: wake-ups before a message', MOST, 0,
                  lambda f, m=mode: f.values(lambda o: max(0, o['server']['switches'] - 1),
                                             'idle', f'bellring {m}'), placed=False)


def adaptive():
    for size in (8, 64):
        yield Row(f'adaptive round trip {bytes_text(size)}, busy / polling', MOST, 1.10,
                  lambda f, s=size: f.ratios(p50, ('trips', 'bellring adaptive', s),
                                             ('trips', 'bellring polling', s)))
    for gap in (30, 100, 1000):
        yield Row(f'adaptive CPU, a message every {gap} us / interrupt', MOST, 1.25,
                  lambda f, g=gap: f.ratios(receiver_cpu, ('paced', 'bellring adaptive'),
                                            ('paced', 'bellring interrupt'), {'gap_us': g}))


def instructions():
    for mode, bound in (('poll', 250), ('interrupt', 280)):
        def ask(f, m=mode):
            found = [o['send'] + o['receive'] for o in f.objects
                     if o['type'] == 'instructions' and (o['mode'], o['size']) == (m, 64)
                     and o.get('state', 'awake') == 'awake']
            if not found:
                raise Missing('not measured: --instructions FILE')
            return found
        yield Row(f'instructions to send and receive 64 B, {mode}', MOST, bound, ask,
                  placed=False)


def crowd():
    def messages(o):
        return sum(o['each']) / o['ns']

    def fairness(f):
        """Of the long ones: in short ones not all had their turns."""
        each = f.results(*case, clients=64)
        longest = max(o.get('time_ns', 0) for o in each)
        return [min(o['each']) * len(o['each']) / sum(o['each'])
                for o in each if o.get('time_ns', 0) == longest]

    case = ('crowd', 'bellring interrupt')
    yield Row('64 senders to one receiver: messages / one sender\'s', LEAST, 0.8,
              lambda f: f.ratios(messages, case, case, {'clients': 64}, {'clients': 1}))
    yield Row('64 senders: the slowest / the mean', LEAST, 0.5, fairness, placed=False)


def large():
    for mode in MODES:
        yield Row(f'1 GiB in 1 MiB messages, {mode} / copy', LEAST, 0.95,
                  lambda f, m=mode: f.ratios(rate, ('stream', f'bellring {m}', 1 << 20),
                                             ('stream', COPY, 1 << 20), {'large': True}))


def guest_rounds(f, figure, way):
    """Of `make bench-guest`."""
    for o in f.objects:
        if o.get('guest') and (o.get('figure'), o.get('way')) == (figure, way):
            return o['rounds']
    raise Missing('not measured: make bench-guest, --guest FILE')


def guest():
    def ratio(f, what, way, base_what, base):
        return [a / b for a, b in zip(guest_rounds(f, what, way),
                                      guest_rounds(f, base_what, base))]
    for way in ('vfio', 'module'):
        yield Row(f'guest and host: interrupt round trip, {way} / bare vfio', MOST, 1.25,
                  lambda f, w=way: ratio(f, 'trip_us', w, 'bare_trip_us', 'vfio'),
                  placed=False)
    for rival, text in (('virtio-serial', 'virtio-serial'), ('tcp', 'TCP, virtio-net')):
        for way in ('vfio', 'module'):
            yield Row(f'guest: {text} round trip / ours, {way}', LEAST, 3,
                      lambda f, r=rival, w=way: ratio(f, 'trip_us', r, 'trip_us', w),
                      placed=False)
            for what, there in (('in_mib_s', 'to'), ('out_mib_s', 'from')):
                yield Row(f'guest: 64 KiB {there} it, {way} / {text}', LEAST, 3,
                          lambda f, r=rival, w=way, k=what: ratio(f, k, w, k, r),
                          placed=False)


def rows(figures):
    """All of them, in the order of the goals."""
    makers = (trips, streams, zerocopy, zeromq, rings, idle, adaptive, instructions, crowd,
              large, guest)
    return [row.look(figures) for make in makers for row in make()]
