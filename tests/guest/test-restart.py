# SPDX-License-Identifier: BSD-2-Clause
"""bellring-server --keep dies, comes again and is upgraded under two real guests.

All that time they, and peers on the host, count with each other (counter.c): each
number asks for the next, so that one lost doorbell or message stops the counting,
and one that comes twice ends a counter. The test reads in the memory how far
they are. Two processes of one guest cannot have the device at once, so it is a
counter that says which peers a guest sees.
"""
import contextlib
import itertools
import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rig import (PROGRAMS, VECTORS, Kept, live, named, peers, rig,  # noqa: E402
                 vm)
from pair import header, pair                 # noqa: E402
import ivshmem                                # noqa: E402 (rig.py knows where)
import tap                                    # noqa: E402
from children import Child, until             # noqa: E402

rig.server_class = Kept
COUNTER = PROGRAMS['counter'] = os.path.join(vm.BUILD, 'tests', 'guest', 'counter')
SEEN, ANSWERED, ASKED = range(3)   # of struct page in counter.c
COUNTERS, PAGE = 128, 4096
HERE, DIED = (1, 2), 4             # of enum bell_presence: came, or back again; died
ENOUGH = 50                        # numbers each way


class World:
    """Who counts: {name: id}, what they run in, and what they tell."""

    def __init__(self, stack):
        self.stack = stack
        self.look = stack.enter_context(ivshmem.Client(rig.server.path, VECTORS))
        self.start = header(self.look.map)[0]
        self.ids, self.jobs = {}, {}

    def word(self, which, one, other):
        at = self.start + PAGE * self.ids[one] + 8 * (COUNTERS * which + self.ids[other])
        return struct.unpack_from('<Q', self.look.map, at)[0]

    def guest(self, machine):
        name = machine.name
        before = named(name)    # who died there may be listed as live
        self.jobs[name] = machine.spawn(f'counter pci: {name}')
        self.stack.callback(self._end, name)
        until(lambda: self.check() or named(name) != before, f'{name} is on the bus', 30)
        self.ids[name] = live(name)['id']

    def _end(self, name):
        if name in self.jobs:
            self.jobs[name].kill()
            self.jobs[name].wait()

    def host(self, name):
        child = self.stack.enter_context(Child([COUNTER, rig.server.address, name]))
        self.jobs[name] = child
        self.ids[name] = live(name)['id']
        return child

    def forget(self, name):
        """It is no more: the others see that."""
        for other in self.ids:
            if other != name:
                until(lambda o=other: self.word(SEEN, o, name) == DIED,
                      f'{other} sees that {name} died', 30)
        del self.jobs[name], self.ids[name]

    def check(self):
        """All counters run."""
        for name, job in self.jobs.items():
            if isinstance(job, Child):
                job.check()
            else:
                assert not job.ended(), f'{name}: {job.output()}'

    def count(self):
        """Waits until each has counted on with each of the others."""
        goals = {(one, other): self.word(ANSWERED, one, other) + ENOUGH
                 for one, other in itertools.permutations(self.ids, 2)}
        for (one, other), goal in goals.items():
            try:
                until(lambda o=one, p=other, g=goal: self.word(ANSWERED, o, p) >= g,
                      f'{one} is answered by {other}', 30)
            except AssertionError:
                self.check()
                raise
            assert self.word(SEEN, one, other) in HERE, (one, other)
        self.check()

    def same(self):
        """The bus has them under the ids that they had."""
        found = {p['name']: p['id'] for p in peers().values() if p['state'] == 'live'}
        assert self.ids.items() <= found.items(), f'{found}, not {self.ids}'

    def total(self):
        return sum(self.word(ANSWERED, *two)
                   for two in itertools.permutations(self.ids, 2))


@contextlib.contextmanager
def world():
    """Both guests, which count with each other."""
    machines = pair.both()
    with contextlib.ExitStack() as stack:
        w = World(stack)
        for machine in machines:
            w.guest(machine)
        w.count()
        yield w


@tap.case
def guests_count_on_while_the_server_dies_and_is_upgraded():
    with world() as w:
        for _ in range(3):
            rig.server.die()
            w.count()
            w.count()
            rig.server.again()
            w.count()
            w.same()
        w.host('gamma')
        w.count()
        rig.server.upgrade()
        w.count()
        delta = w.host('delta')
        w.count()
        w.same()
        rig.server.die()
        w.count()
        rig.server.again()
        delta.kill()
        w.forget('delta')
        w.count()
        print(f'# {w.total()} numbers asked and answered')


@tap.case
def a_guest_dies_while_no_server_runs():
    """The other one learns of it from the next server, and goes on with the rest."""
    with world() as w:
        w.host('gamma')
        w.count()
        rig.server.die()
        w.count()
        pair.kill_beta()
        rig.server.again()
        w.forget('beta')
        w.host('delta')
        w.count()
        w.same()


@tap.case
def a_guest_dies_after_an_upgrade():
    with world() as w:
        w.host('gamma')
        rig.server.upgrade()
        w.count()
        pair.kill_beta()
        w.forget('beta')
        w.count()
        w.same()


if __name__ == '__main__':
    sys.argv += os.environ.get('GUEST_CASES', '').split()
    tap.main()
