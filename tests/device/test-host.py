# SPDX-License-Identifier: BSD-2-Clause
"""The public API on a host (peer-echo.c) with QEMU's real device as its peer."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
# pylint: disable=wrong-import-position
import tap
from children import Child, until
from rig import Bellring, heard


SLEEP_CPU_NS = 10_000_000


class Echo(Child):
    """peer-echo, and what it printed."""

    def __init__(self, path, peer, count):
        super().__init__([os.path.join(os.environ.get('top_builddir', '.'),
                                       'tests', 'device', 'peer-echo'),
                          f'unix:{path}', str(peer), str(count)])
        until(lambda: self.check() or 'ready' in self.lines(), 'peer-echo is ready')
        word, *numbers = self.lines()[0].split()
        assert word == 'open', self.said()
        self.id, self.vectors, self.size = map(int, numbers)

    def lines(self):
        return self.said().splitlines()

    def expect(self, line):
        until(lambda: self.check() or line in self.lines(), f'"{line}"')

    def expect_end(self):
        status = self.wait()
        assert status == 0, f'exit status {status}: {self.said()}'


def echo(rig, peer, count):
    return rig.enter_context(Echo(rig.path, peer, count))


def told_all(rig, device):
    """The device knows every peer: it is told in order, and knows the newest."""
    with rig.new_client() as newest:
        device.ring_until_heard(newest.id, 15, heard(newest, 15))
    return newest.id


def exchange(device, peer, rounds=1):
    """Device to library to device, on each vector."""
    for _ in range(rounds):
        for vector in range(16):
            device.ring(peer, vector)
            device.wait_interrupt(vector)


@tap.case
def interrupt_is_echoed_on_every_vector():
    with Bellring('-l', '3M') as rig:
        device = rig.device()
        us = device.position()
        host = echo(rig, us, 16 * 20)
        assert host.id != us and host.vectors == 16, host.said()
        assert host.size == device.memory_size() == 4 << 20, host.said()
        assert f'peer {us} 16' in host.lines(), host.said()
        told_all(rig, device)
        exchange(device, host.id, 20)
        host.expect_end()
        for vector in range(16):
            assert host.lines().count(f'interrupt {vector}') == 20, host.said()


@tap.case
def device_that_joins_later_is_echoed_too():
    with Bellring() as rig:
        before = rig.client()
        us = before.id + 2   # ids are given upwards
        host = echo(rig, us, 16)
        device = rig.device()
        assert device.position() == us
        host.expect(f'joined {us}')
        host.expect(f'joined {told_all(rig, device)}')   # so it has all vectors
        exchange(device, host.id)
        host.expect_end()


@tap.case
def callbacks_tell_of_each_join_and_leave_once():
    with Bellring() as rig:
        device = rig.device()
        us = device.position()
        host = echo(rig, us, 1)
        expected = []
        for _ in range(5):
            newest = told_all(rig, device)
            host.expect(f'left {newest}')   # else the next may join before
            expected += [f'joined {newest}', f'left {newest}']
        device.kill()
        expected.append(f'left {us}')
        host.expect(expected[-1])
        told = [x for x in host.lines() if x.split()[0] in ('joined', 'left')]
        assert told == expected, told


@tap.case
def end_of_the_program_is_a_leave():
    with Bellring() as rig:
        device, watcher = rig.device(), rig.client()
        ends, killed = echo(rig, device.position(), 16), echo(rig, 0, 1)
        for host in (ends, killed):
            watcher.expect('join', host.id)
        newest = told_all(rig, device)
        watcher.expect('join', newest)
        watcher.expect('left', newest)
        exchange(device, ends.id)
        ends.expect_end()
        watcher.expect('left', ends.id)
        killed.kill()
        watcher.expect('left', killed.id)
        newest = told_all(rig, device)
        watcher.expect('join', newest)
        watcher.expect('left', newest)
        watcher.expect_silence()


@tap.case
def echo_goes_on_without_the_server():
    with Bellring() as rig:
        device = rig.device()
        host = echo(rig, device.position(), 32)
        told_all(rig, device)
        exchange(device, host.id)
        rig.server.kill(signal.SIGKILL)
        host.expect('lost')
        exchange(device, host.id)
        host.expect_end()
        assert host.lines().count('lost') == 1, host.said()


@tap.case
def sleeping_program_uses_no_cpu():
    with Bellring() as rig:
        device = rig.device()
        host = echo(rig, device.position(), 16)
        told_all(rig, device)
        before = host.cpu_ns()
        assert before > 0, 'this clock does not run'
        time.sleep(1)   # the thing measured: a second of waiting
        used = host.cpu_ns() - before
        assert used <= SLEEP_CPU_NS, f'{used} ns of CPU in 1 s of sleep'
        exchange(device, host.id)
        host.expect_end()


tap.main()
