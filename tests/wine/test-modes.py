#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What bellring.exe says and does with each answer of the driver, old and new drivers.

The rows are those of guest-win/driver.h's errors; the stand-in gives them when told
to (tests/wine/standin.h).
"""
import contextlib
import itertools
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import windows                                # noqa: E402 (after the path)
from windows import listen, machine, run, start, zeroes  # noqa: E402
import tap                                    # noqa: E402 (windows.py knows where)
import wine                                   # noqa: E402
from children import until                    # noqa: E402
from rig import (VECTORS, ended, host, host_start, live, named, rig,  # noqa: E402
                 watcher_id)

PING = ('-t', '10', 'ping', '-c', '3', '-i', '0.05')


@contextlib.contextmanager
def mode(number=0, **values):
    """The stand-in's device so, while the block runs."""
    machine().set(number, **values)
    try:
        yield
    finally:
        machine().set(number, **dict.fromkeys(values))


def fails(number, *args, status=1, says=()):
    """The command ends with that status and says all of these words."""
    done = machine().run(windows.tool(), *windows.words(number, *args))
    assert done.status == status, (args, done.status, done.out, done.err)
    for word in says:
        assert word in done.err, f'{args}: no "{word}" in: {done.err}'


def info(number=0):
    return json.loads(run(number, '--json', 'info'))


# ---- not to be opened -------------------------------------------------------------------

@windows.case
def not_ready_is_told_after_the_timeout():
    with mode(NotReady=1000000):
        fails(0, '-t', '1', 'info', status=3, says=['the device is not ready', 'no server'])


@windows.case
def not_ready_yet_is_waited_for():
    with mode(NotReady=20):
        assert info()['port'] == 'driver'


@windows.case
def one_mapping_a_device_is_for_one_program():
    listen(0, 'recv')
    fails(0, 'info', says=['in use', 'another program has the memory', 'end that program'])


@windows.case
def a_mapping_that_fails():
    with mode(MapFails=1):
        fails(0, 'info', says=['could not map the memory', 'restart'])


@windows.case
def no_such_device_and_several():
    fails(0, '-a', 'pci:00:1e.0', 'info', says=['no such device', machine().address(0)])
    fails(0, '-a', 'pci:', 'info', says=['ambiguous', machine().address(1)])


# ---- vectors ---------------------------------------------------------------------------

def answers_and_asks(name):
    """A program of that name is pinged, and another Windows program pings it."""
    host(*PING, name)
    run(1, *PING, name)
    host('send', name, 'to it')


@windows.case
def without_vectors_it_polls():
    with mode(Granted=0):
        assert info()['vectors'] == 0
        child = listen(0, 'recv')
        answers_and_asks('win0')
        assert ended(child) == 'to it'
        with mode(1, Granted=0):
            child = listen(0, 'recv')
            answers_and_asks('win0')
            assert ended(child) == 'to it'


@windows.case
def fewer_vectors_than_wanted():
    with mode(Granted=2):
        assert info()['vectors'] == 2
        child = listen(0, 'recv')
        answers_and_asks('win0')
        assert ended(child) == 'to it'


@windows.case
def all_events_of_the_device_are_used_up():
    """32 of them: a vector of a watcher takes two, so does the bus of another."""
    with mode(PerHandle=1):
        listen(0, 'recv')
        fails(0, 'watch', says=['listening on vector', 'all 32 events', 'fewer vectors'])
        child = start(1, 'watch')
        watcher_id(child)    # of one program they are enough


# ---- a driver of 2024 or 2025 --------------------------------------------------------------

@windows.case
def two_programs_share_a_device_where_each_handle_has_a_mapping():
    with mode(PerHandle=1):
        one = listen(0, 'recv')
        device = named('win0')['id']
        two = start(0, '--name', 'second', 'recv')
        second = live('second')['id']
        assert device < 1 << 16 and second == device | 1 << 16, (device, second)
        run(1, *PING, f'{device}.1')
        host(*PING, 'second')
        host('send', 'win0', 'to the first')
        host('send', 'second', 'to the second')
        assert (ended(one), ended(two)) == ('to the first', 'to the second')


@windows.case
def the_first_of_two_programs_dies_and_its_number_is_taken_again():
    with mode(PerHandle=1):
        one = listen(0, 'recv')
        before = named('win0')
        two = start(0, '--name', 'second', 'recv')
        live('second')
        one.kill()
        run(0, 'info')    # tells of the death, and takes the free number
        until(lambda: not named('win0'), 'its death is known', 20, 0.05)
        assert two.alive() and live('second')['id'] == before['id'] | 1 << 16
        listen(0, 'recv')
        assert named('win0')['id'] == before['id']
        assert named('win0')['incarnation'] > before['incarnation']


# ---- removal ---------------------------------------------------------------------------

_further = itertools.count(windows.DEVICES)


def further():
    """Number of a further device, to be taken away."""
    machine().add(wine.Device(rig.server.path, VECTORS))
    return next(_further)


def further_that_stays():
    """As further(), but its memory is not taken along."""
    number = further()
    machine().set(number, Stays=1)
    return number


def told_of_the_removal(number, child):
    """The program that has the device open ends and says why; it cannot be opened."""
    machine().remove(number)
    assert child.wait(20) == 1, child.said()
    assert 'removed' in child.said(), child.said()
    fails(number, 'info', says=['no such device'])


def removed_while_it_sends(number):
    with host_start('--name', 'host', 'recv', '-o', os.devnull) as child, zeroes() as source:
        live('host')
        sender = start(number, 'send', 'host', '-f', '-', stdin=source)
        live(f'win{number}')
        told_of_the_removal(number, sender)
        assert child.wait(20) == 1 and 'broken off' in child.said(), child.said()
    assert not named(f'win{number}')


@windows.case
def a_device_that_is_removed_while_it_sends():
    """The receiver on the host is told, too, and others go on."""
    removed_while_it_sends(further())
    listen(0, 'recv')
    run(1, *PING, 'win0')


@windows.case
def a_device_that_is_removed_while_it_sends_and_whose_memory_stays():
    """The server takes it for dead: that is not what is told."""
    removed_while_it_sends(further_that_stays())


@windows.case
def a_device_that_is_removed_while_it_waits():
    """Wine tells nothing of a removal: it sees that when it looks."""
    number = further()
    told_of_the_removal(number, listen(number, '-t', '2', 'recv'))


@windows.case
def a_device_that_is_removed_while_it_waits_and_whose_memory_stays():
    number = further_that_stays()
    told_of_the_removal(number, listen(number, '-t', '2', 'recv'))


if __name__ == '__main__':
    tap.main()
