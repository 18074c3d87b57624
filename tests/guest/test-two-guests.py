# SPDX-License-Identifier: BSD-2-Clause
"""Two real guests, alpha and beta, and the host: `make check-guest`.

They talk to each other, through a third, and while one of them dies. G1 to G6
are the rows of doc/deaths.md. Each case finds both machines up and idle
(pair.py), so any of them runs alone.
"""
import contextlib
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rig import (VECTORS, ended, fails, host, host_start, live, named,  # noqa: E402
                 rig)
from blocks import BLOCK, BLOCK_SIZE         # noqa: E402
from pair import (header, in_use, listener, pair,  # noqa: E402
                  prepare, receiver, receiving, sender, subscribed, told, tool)
import ivshmem                                # noqa: E402 (rig.py knows where)
import tap                                    # noqa: E402
from children import until                    # noqa: E402

FILE_SIZE = 64 << 20
PIPE_SIZE = 4 << 20
PAUSE_SECONDS = 5
SLOW = 120     # deadline, seconds, of 64 MiB between two emulated machines
PATIENCE = 90  # a timeout, seconds, that no death below may need
NO_PEER = 'peer not present'
ANEW = 'shared memory was formatted anew'


def raw():
    """A peer on the host that only looks at the memory."""
    return ivshmem.Client(rig.server.path, VECTORS)


def says_hello(source, target):
    """A text from one guest to the other."""
    job = listener(target, 'recv')
    source.check(tool(source, 'send', target.name, 'hello'))
    assert job.wait() == (0, 'hello')


def md5(machine, path, size):
    """Of that file, which must have that size."""
    assert machine.check(f'stat -c %s {path}').split() == [str(size)], path
    return machine.check(f'md5sum <{path}', SLOW)


# ---- talking ------------------------------------------------------------------------

@tap.case
def a_message_from_guest_to_guest_both_ways():
    alpha, beta = pair.both()
    says_hello(alpha, beta)
    says_hello(beta, alpha)


@tap.case
def guests_ping_each_other():
    alpha, beta = pair.both()
    for one, other in ((alpha, beta), (beta, alpha)):
        job = receiver(other)
        one.check(tool(one, '-t 10 ping -c 3 -i 0.1', other.name), 60)
        job.kill('TERM')
        job.wait()


@tap.case
def a_file_of_64_mib_from_guest_to_guest_both_ways():
    """By its name, so with a size; read back by another program's checksum."""
    alpha, beta = pair.both()
    for one, other in ((alpha, beta), (beta, alpha)):
        one.check(f'cat {BLOCK} {BLOCK} >/tmp/out')
        job = receiver(other)
        text = one.check(tool(one, '-v send -f /tmp/out', other.name), SLOW)
        status, got = job.wait(SLOW)
        assert status == 0, got
        assert told(text) == told(got) and told(got)[0][0] == FILE_SIZE, (text, got)
        assert md5(one, '/tmp/out', FILE_SIZE) == md5(other, '/tmp/in', FILE_SIZE)
        one.check('rm /tmp/out')
        other.check('rm /tmp/in')


@tap.case
def a_pipe_between_guests_carries_both_ways():
    """Other bytes each way, and each end of file."""
    alpha, beta = pair.both()
    for machine, number in ((alpha, 1), (beta, 2)):
        machine.check(f'dd if={BLOCK} of=/tmp/out bs={PIPE_SIZE} count=1 skip={number}'
                      ' 2>/dev/null')
    job = listener(beta, 'pipe --listen </tmp/out >/tmp/in')
    alpha.check(tool(alpha, '-t 60 pipe -w 30 beta </tmp/out >/tmp/in'), SLOW)
    status, text = job.wait(60)
    assert status == 0, text
    for one, other in ((alpha, beta), (beta, alpha)):
        assert md5(one, '/tmp/out', PIPE_SIZE) == md5(other, '/tmp/in', PIPE_SIZE)
    for machine in (alpha, beta):
        machine.check('rm /tmp/out /tmp/in')


@tap.case
def bench_between_guests():
    """Each load is measured, or it is said why one CPU or another machine has none."""
    alpha, beta = pair.both()
    job = listener(beta, 'bench --serve')
    loads = {'trip', 'stream', 'burst', 'idle'}
    text = alpha.check(tool(
        alpha, '--json -t 60 bench beta --modes interrupt,adaptive --rounds 1 --count 200 '
        '--idle 1 --sizes 64'), SLOW)
    found = [json.loads(line) for line in text.splitlines() if line.startswith('{')]
    assert {o['load'] for o in found if 'load' in o} == loads, text
    notes = [o['text'] for o in found if o['type'] == 'note']
    for load in ('paced', 'senders'):
        assert any(note.startswith(load + ': left out: ') for note in notes), notes
    trips = [o for o in found if o['type'] == 'latency' and o['load'] == 'trip']
    assert [o['samples'] for o in trips] == [200, 200], trips
    job.kill('TERM')
    assert job.wait()[0] == 0


@tap.case
def what_a_guest_publishes_comes_to_guest_and_host():
    alpha, beta = pair.both()
    want = ''.join(f'{i}\n' for i in range(1, 201))
    job = beta.spawn(tool(beta, 'sub -n 200 --lines news'))
    with host_start('--name', 'host', 'sub', '-n', '200', '--lines', 'news') as child:
        with raw() as look:
            until(lambda: subscribed(look.map) == 2, 'both have subscribed', 30, 0.05)
        text = alpha.check(f'seq 200 | {tool(alpha, "--json -t 60 pub news")}', SLOW)
        assert '"published":200' in text and '"sent":400' in text, text
        assert ended(child, 60) == want
    status, got = job.wait(60)
    assert (status, got) == (0, want)


def says(output, word):
    """Waits until a program, whose output that is, has said the word."""
    until(lambda: word in output(), f'"{word}" is said', 30, 0.05)


@tap.case
def connections_from_guest_to_guest_through_the_host():
    """alpha's TCP port -> host's UNIX socket -> beta's TCP port, an echo there."""
    alpha, beta = pair.both()
    middle = 'unix:' + os.path.join(os.path.dirname(rig.server.path), 'middle')
    beta.spawn('nc -ll -p 7000 -e cat')
    far = beta.spawn(tool(beta, 'forward --serve --allow tcp:7000'))
    says(far.output, 'serving as')
    with contextlib.ExitStack() as stack:
        second = stack.enter_context(host_start(
            '--name', 'second', 'forward', middle, 'beta:tcp:7000'))
        says(second.said, 'listening on')
        first = stack.enter_context(host_start(
            '--name', 'first', 'forward', '--serve', '--allow', middle))
        says(first.said, 'serving as')
        near = alpha.spawn(tool(alpha, 'forward tcp:6000 first:' + middle))
        says(near.output, 'listening on')
        alpha.check(f'dd if={BLOCK} of=/tmp/out bs=1M count=2 2>/dev/null')
        for _ in range(2):
            alpha.check('nc 127.0.0.1 6000 </tmp/out >/tmp/in && cmp /tmp/out /tmp/in',
                        SLOW)
        for child in (first, second):
            assert child.kill(signal.SIGTERM) == 0, child.said()
    alpha.check('rm /tmp/out /tmp/in')


# ---- a process in a guest dies ----------------------------------------------------------

def gone(job, words=NO_PEER, status=3):
    """That sender ends so, and long before its own timeout."""
    begin = time.monotonic()
    got, text = job.wait(PATIENCE)
    assert got == status and words in text, (got, text)
    assert time.monotonic() - begin < PATIENCE / 2, text


@tap.case
def g4_a_receiving_process_is_killed_and_the_sender_runs_into_its_timeout():
    alpha, beta = pair.both()
    first = receiver(beta)
    job = sender(alpha, 'beta', '-t 3')
    receiving(beta)
    first.kill()
    status, text = job.wait(60)
    assert status == 3 and 'in time' in text, (status, text)
    says_hello(alpha, beta)


def goes_on_with_another(alpha, beta, before, after, job, second):
    """Beta came again: what was under way to it has failed, and it is sent to anew."""
    assert after['id'] == before['id'], (before, after)
    assert after['incarnation'] > before['incarnation'], (before, after)
    gone(job)
    alpha.check(tool(alpha, 'send beta "to the next one"'))
    status, text = second.wait()
    assert status == 0 and beta.check('cat /tmp/in') == 'to the next one', text


@tap.case
def g4_a_receiving_process_is_killed_and_the_next_one_takes_over():
    """Another message goes on; the half one ends its sender at once."""
    alpha, beta = pair.both()
    first = receiver(beta)
    before = named('beta')
    job = sender(alpha, 'beta', f'-t {PATIENCE}')
    receiving(beta)
    first.kill()
    second = receiver(beta)
    after = named('beta')
    goes_on_with_another(alpha, beta, before, after, job, second)


@tap.case
def g4_a_sending_process_is_killed_and_the_half_message_is_broken_off():
    alpha, beta = pair.both()
    job = receiver(alpha)
    sender(beta, 'alpha')
    receiving(alpha)
    beta.check('killall -9 bellring')
    # the next to open the device tells, even without joining
    until(lambda: beta.run('bellring -a pci: info')[0] == 0, 'the device is free', 20, 0.1)
    status, text = job.wait(60)
    assert status == 1 and 'broken off after' in text, (status, text)
    says_hello(beta, alpha)


# ---- a machine dies -------------------------------------------------------------------

def links_come_back(look, before):
    until(lambda: in_use(look.map)[1] <= before[1],
          f'{before[1]} links are in use again', 30, 0.05)


@tap.case
def g1_a_receiving_machine_is_killed():
    """The sender is told at once, host and guest go on, nothing leaks."""
    alpha, _ = pair.both()
    with raw() as look, host_start('--name', 'host', 'recv', '--lines', '-n', '2') as child:
        live('host')
        host('send', 'host', 'before')
        before = in_use(look.map)
        _, beta = pair.both()
        receiver(beta)
        job = sender(alpha, 'beta', f'-t {PATIENCE}')
        receiving(beta)
        pair.kill_beta()
        gone(job)
        until(lambda: not named('beta'), 'beta is no longer live', 20, 0.05)
        links_come_back(look, before)
        slots, _ = in_use(look.map)
        assert slots <= before[0] + 1, (slots, before)    # beta's own: dead
        alpha.check(tool(alpha, 'send host after'))
        assert ended(child) == 'before\nafter\n'
    says_hello(*pair.both())


@tap.case
def g1_a_sending_machine_is_killed():
    alpha, beta = pair.both()
    with raw() as look:
        before = in_use(look.map)
        job = receiver(alpha)
        sender(beta, 'alpha')
        receiving(alpha)
        pair.kill_beta()
        status, text = job.wait(60)
        assert status == 1 and 'broken off after' in text, (status, text)
        links_come_back(look, before)
    says_hello(*reversed(pair.both()))


@tap.case
def g2_g3_a_machine_resets_in_the_midst_of_a_transfer():
    """G3: nobody knows until it opens its device again. G2: then all do."""
    alpha, beta = pair.both()
    receiver(beta)
    before = named('beta')
    with raw() as look:
        links = in_use(look.map)[1]    # none of alpha's yet
        job = sender(alpha, 'beta', f'-t {PATIENCE}')
        receiving(beta)
        beta.reset()
        assert not job.ended(), job.output()
        assert named('beta') == before
        host('-t', '1', 'ping', '-c', '1', 'beta', status=3)
        prepare(beta)
        second = receiver(beta)
        after = named('beta')
        goes_on_with_another(alpha, beta, before, after, job, second)
        until(lambda: in_use(look.map)[1] <= links, 'its links came back', 30, 0.05)


@tap.case
def g3_a_machine_that_resets_and_stays_away():
    """Sends fill its ring, then time out; nobody waits longer."""
    alpha, beta = pair.both()
    receiver(beta)
    beta.reset()
    begin = time.monotonic()
    fails(alpha, tool(alpha, f'-t 2 send beta -f {BLOCK}'), 'in time', status=3)
    assert time.monotonic() - begin < PATIENCE / 2
    assert named('beta'), 'it is still listed'
    alpha.check(tool(alpha, 'send beta "there is room for this one"'))


# ---- a pause --------------------------------------------------------------------------

@contextlib.contextmanager
def stopped(machine):
    """QEMU, and with it the machine, stands still while the block runs."""
    os.kill(machine.qemu.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(machine.qemu.pid, signal.SIGCONT)


@tap.case
def g5_a_machine_pauses_in_the_midst_of_a_transfer_and_nothing_is_lost():
    alpha, beta = pair.both()
    to_beta = receiver(beta)
    job = sender(alpha, 'beta', blocks=FILE_SIZE // BLOCK_SIZE)
    receiving(beta)
    with stopped(beta):
        end = time.monotonic() + PAUSE_SECONDS
        while time.monotonic() < end:
            host('-t', '1', 'ping', '-c', '1', 'beta', status=3)
        assert named('beta'), 'it is not taken for dead'
        assert not job.ended(), job.output()
    status, text = job.wait(SLOW)
    assert status == 0, text
    status, got = to_beta.wait(SLOW)
    assert status == 0, got
    assert told(text) == told(got) and told(got)[0][0] == FILE_SIZE, (text, got)


@tap.case
def g5_a_machine_pauses_and_gets_all_that_was_sent_meanwhile():
    """By peers that left long before it goes on."""
    alpha, beta = pair.both()
    job = listener(beta, 'recv --lines -n 20')
    with stopped(beta):
        for i in range(20):
            host('send', 'beta', f'{i:02}')
    status, text = job.wait(60)
    assert status == 0, text
    assert sorted(text.split()) == [f'{i:02}' for i in range(20)], text
    says_hello(alpha, beta)


# ---- the memory -----------------------------------------------------------------------

@tap.case
def g6_the_memory_is_wiped_while_two_guests_talk():
    """By a raw peer, as firmware would: all of the bus becomes zero."""
    alpha, beta = pair.both()
    to_beta = receiver(beta)
    me = named('beta')['id']
    job = sender(alpha, 'beta', f'-t {PATIENCE}')
    receiving(beta)
    with raw() as wiper:
        bus_size = header(wiper.map)[0]
        # From its start on, which one copy of that size does not promise.
        for at in range(0, bus_size, 64):
            wiper.map[at:at + 64] = bytes(64)
        gone(job, ANEW, status=1)
        # A wiping wakes nobody; any doorbell lets a sleeper find out.
        wiper.ring(me, 0)
        status, text = to_beta.wait(60)
        assert status == 1 and ANEW in text, (status, text)
    says_hello(alpha, beta)
    says_hello(beta, alpha)


if __name__ == '__main__':
    sys.argv += os.environ.get('GUEST_CASES', '').split()
    tap.main()
