# SPDX-License-Identifier: BSD-2-Clause
"""What tests/bench/speed found, to be asked by what, who and how large.

A hypervisor moves its virtual cores about, and all figures with them, by factors. So
each measurement has two probes: what a cache line took there and back between its two
cores, right before and right after it. By them it has a placement, and only what has
the same is compared; what was moved meanwhile has none.
"""
import collections
import statistics

# By a cache line's trip there and back: up to so many ns.
PLACEMENTS = (('one core', 125), ('shared cache', 250), ('apart', 5000))
MOVED = 'moved'         # the two probes differ, or others had the cores meanwhile
ANY = 'any'             # there were no probes: not pinned, or it does not matter
ENOUGH = 3              # rounds with samples of both sides of a ratio, in a placement
NEAREST = 3             # of the other side's, whose median a sample is compared with
ROUND = 100             # how far apart rounds are, in turns of one

PLACEMENT_TEXT = {
    'one core': "the two threads of one core", 'shared cache': 'two cores that share a cache',
    'apart': 'two cores that share no cache', ANY: 'wherever the system put the two'}


class Missing(Exception):
    """Was not measured; the text says why."""


def rate(o):
    """Messages a second."""
    return o['count'] * 1e9 / o['ns']


def p50(o):
    return o['p50']


def doorbells(o):
    """A message, of both sides."""
    return (o['client']['doorbells'] + o['server']['doorbells']) / o['count']


def receiver_cpu(o):
    """Of a core."""
    return o['server']['cpu_ns'] / o['server']['ns']


def both_cpu_us(o):
    """A message."""
    return (o['client']['cpu_ns'] + o['server']['cpu_ns']) / 1000 / o['count']


def when(o):
    """In the order of rounds and of turns within them."""
    return o['round'] * ROUND + o.get('turn', 0)


def placement(o):
    """Of a result: a name."""
    if not o.get('line_ns'):
        return ANY
    names = {next((name for name, most in PLACEMENTS if ns < most), MOVED)
             for ns in o['line_ns']}
    return names.pop() if len(names) == 1 else MOVED


class Figures:
    """Results by (work, rival, size) and what else makes a case, in the order of rounds."""

    def __init__(self, objects):
        self.objects = objects
        self._pinned = self.head('run').get('pinned', True)
        self._places = {}
        self._results, self._rounds = {}, {}
        for o in objects:
            if o['type'] == 'result':
                self._results.setdefault(self._key(o), []).append(o)
            elif o['type'] == 'round':
                self._rounds.setdefault(self._key(o), []).append(o)

    def _key(self, o):
        return (o['work'], o['rival'], o['size'], o['gap_ns'], o['clients'], o['large'],
                self._is_free(o))

    def _is_free(self, o):
        """Not pinned, in a run where the others are."""
        return self._pinned and not o.get('pinned', True)

    def head(self, kind):
        """The first object of a type, or nothing in it."""
        return next((o for o in self.objects if o['type'] == kind), {})

    def counts(self):
        """How many results by placement, moved ones too; the most frequent first."""
        return collections.Counter(placement(o) for o in self.objects
                                   if o['type'] == 'result').most_common()

    def placements(self):
        """Those that were met with, the most frequent first; or ANY."""
        return [name for name, _ in self.counts() if name not in (MOVED, ANY)] or [ANY]

    def at(self, place):
        """Only what was measured in a placement, or where that does not matter."""
        if place not in self._places:
            self._places[place] = Figures([
                o for o in self.objects if o['type'] not in ('result', 'round')
                or placement(o) in (place, ANY)])
        return self._places[place]

    def _why(self, work, rival):
        packages = self.head('run').get('missing', {})
        if rival in packages:
            return f'not measured: {packages[rival]}'
        if any(o['type'] == 'failed' and (o['work'], o['rival']) == (work, rival)
               for o in self.objects):
            return 'not measured: it failed'
        return 'not measured'

    def results(self, work, rival, size=64, gap_us=0, clients=1, large=False, free=False):
        """Of a case; of several sizes of parts those of the one that is fastest."""
        key = (work, rival, size, gap_us * 1000, clients, large, free)
        if key not in self._results:
            raise Missing(self._why(work, rival))
        by_part = {}
        for o in self._results[key]:
            by_part.setdefault(o.get('part', 0), []).append(o)
        if len(by_part) == 1:
            return self._results[key]
        return max((found for found in by_part.values() if len(found) >= ENOUGH),
                   key=lambda found: statistics.median(map(rate, found)),
                   default=self._results[key])

    def rounds(self, work, rival, size=64, gap_us=0):
        """Of a case with samples: all those of a round together, whatever its turns."""
        key = (work, rival, size, gap_us * 1000, 1, False, False)
        return self._rounds.get(key) or self.results(work, rival, size, gap_us)

    def values(self, figure, *case, **more):
        return [figure(o) for o in self.results(*case, **more)]

    def median(self, figure, *case, **more):
        return statistics.median(self.values(figure, *case, **more))

    def ratios(self, figure, case, base, more=None, base_more=None):
        """
        Of two cases, (work, rival, size), one a round: each sample of the one to the
        median of the other's nearest ones, and of those of a round the median.
        """
        above = self.results(*case, **(more or {}))
        below = self.results(*base, **(more if base_more is None else base_more) or {})
        def there(o):
            near = sorted(below, key=lambda b: abs(when(b) - when(o)))[:NEAREST]
            return statistics.median(map(figure, near))
        found = {}
        for o in above:
            if there(o) > 0:
                found.setdefault(o['round'], []).append(figure(o) / there(o))
        if min(len(found), len({o['round'] for o in below})) < ENOUGH:
            raise Missing(f'not told: fewer than {ENOUGH} rounds')
        return [statistics.median(found[key]) for key in sorted(found)]

    def rivals(self, work, size, free=False):
        """Who was measured so, in the order of the tables."""
        known = {o['rival'] for o in self.objects if o['type'] == 'result' and
                 o['work'] == work and o['size'] == size and not o['large'] and
                 self._is_free(o) == free}
        return sorted(known, key=_place)

    def gaps_us(self):
        return sorted({k[3] // 1000 for k in self._results if k[0] == 'paced'})

    def sizes(self, work):
        return sorted({k[2] for k in self._results if k[0] == work and not k[5]
                       and not k[6]})


ORDER = ('cache line', 'two-core copy', 'eventfd', 'bellring')


def _place(rival):
    """Limits, ours, and then the others."""
    first = next((i for i, name in enumerate(ORDER) if rival.startswith(name)), len(ORDER))
    return first, rival
