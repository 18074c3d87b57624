# SPDX-License-Identifier: BSD-2-Clause
"""send, recv, ping: bytes arrive as they were, whatever their size and kind."""
import contextlib
import hashlib
import os
import pty
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bellring import (cpu_ns, end, equal, matches, objects, place, read_so_far,
                      read_terminal, stop, tap, until)

MIB = 1 << 20
# `make check` is to stay short; BELLRING_IDLE_SECONDS=10 is the promise's length.
IDLE_SECONDS = float(os.environ.get('BELLRING_IDLE_SECONDS', '3'))


def sha256(path):
    with open(path, 'rb') as f:
        return hashlib.sha256(f.read()).hexdigest()


def random_file(at, name, size):
    path = at.path(name)
    with open(path, 'wb') as f:
        f.write(os.urandom(size))
    return path


TEXTS = [
    ('one word', 'hello'),
    ('UTF-8', 'gr\u00fc\u00dfe \u9418 \U0001f514'),
    ('empty', ''),
    ('newlines', 'a\n\nb\n'),
    ('larger than the first buffer', 100000 * 'x'),
]


@tap.cases(TEXTS)
@place()
def text(at, _name, message):
    receiver = at.receiver('r')
    at.ok('send', 'r', message)
    equal(end(receiver), (0, message, ''))


@tap.cases([('interrupt',), ('poll',), ('adaptive',)])
@place()
def text_in_each_way_of_waiting(at, mode):
    receiver = at.receiver('r', '--wait', mode, '-n', '2')
    at.ok('--wait', mode, 'send', 'r', 'one')
    at.ok('--wait', mode, 'send', 'r', 'two')
    equal(end(receiver), (0, 'onetwo', ''))


@tap.case
@place()
def by_id(at):
    receiver = at.receiver('r')
    at.ok('send', at.live('r')['id'], 'text')
    equal(end(receiver), (0, 'text', ''))


@tap.case
@place()
def lines_and_count(at):
    receiver = at.receiver('r', '-n', '3', '--lines')
    for message in ('one', '', 'three'):
        at.ok('send', 'r', message)
    equal(end(receiver), (0, 'one\n\nthree\n', ''))


@tap.case
@place()
def newline_on_a_terminal(at):
    master, slave = pty.openpty()
    receiver = at.receiver('r', stdout=slave)
    os.close(slave)
    at.ok('send', 'r', 'text')
    equal(end(receiver), (0, '', ''))
    equal(os.read(master, 100), b'text\r\n')
    os.close(master)


SIZES = [(0,), (1,), (65535,), (65536,), (65537,), (131072,), (5 * MIB + 3,)]


@tap.cases(SIZES)
@place()
def file_of_bytes(at, size):
    path, out = random_file(at, 'in', size), at.path('out')
    receiver = at.receiver('r', '-o', out)
    at.ok('send', '-f', path, 'r')
    equal(end(receiver), (0, '', ''))
    equal(sha256(out), sha256(path))


@tap.cases(SIZES)
@place('-l', '256K')
def stdin_through_small_rings(at, size):
    path, out = random_file(at, 'in', size), at.path('out')
    with open(out, 'wb') as f:
        receiver = at.receiver('r', stdout=f)
    with open(path, 'rb') as f:
        at.ok('send', 'r', stdin=f.read())
    equal(end(receiver)[0], 0)
    equal(sha256(out), sha256(path))


@tap.case
@place()
def json_of_messages(at):
    receiver = at.receiver('r', '--json', '-n', '4', '-o', at.path('out'))
    at.ok('--name', 's', 'send', '--tag', '7', 'r', 'say "\u00fc"\n\x01')
    at.ok('--name', 's', 'send', 'r', '')
    at.ok('--name', 's', 'send', 'r', stdin=b'\xff\xfe')
    path = random_file(at, 'in', 2 * MIB)
    at.ok('send', '-f', path, 'r')
    status, out, err = end(receiver)
    equal((status, err), (0, ''))
    got = objects(out)
    equal([m['length'] for m in got], [10, 0, 2, 2 * MIB])
    equal([m['tag'] for m in got], [7, 0, 0, 0])
    equal([m.get('text') for m in got], ['say "\u00fc"\n\x01', '', None, None])
    equal([type(m['from']) for m in got], 4 * [int])
    with open(at.path('out'), 'rb') as f, open(path, 'rb') as sent:
        equal(f.read(), 'say "\u00fc"\n\x01'.encode() + b'\xff\xfe' + sent.read())


@tap.case
@place()
def two_files_at_once_are_never_mixed(at):
    paths = [random_file(at, name, 3 * MIB) for name in ('a', 'b')]
    receiver = at.receiver('r', '-n', '2', '-o', at.path('out'))
    senders = [at.start('send', '-f', path, 'r') for path in paths]
    for sender in senders:
        equal(end(sender), (0, '', ''))
    equal(end(receiver), (0, '', ''))
    with open(at.path('out'), 'rb') as f:
        got = [f.read(3 * MIB), f.read()]
    sent = [open(path, 'rb').read() for path in paths]
    equal(got in (sent, sent[::-1]), True)


LONG_TEXT = 200000 * b'a'  # more than three pieces: at least one is on its way


@contextlib.contextmanager
def unfinished(at):
    """A receiver of two messages and a sender in the middle of the first one.

    Yields both, and the pipe whose end is the message's end. The receiver writes
    to the file "out".
    """
    with open(at.path('out'), 'wb') as out:
        receiver = at.receiver('r', '-n', '2', stdout=out)
    r, w = os.pipe()
    with open(w, 'wb', buffering=0) as pipe:
        with open(r, 'rb') as stdin:
            sender = at.popen(at.argv('--name', 's', 'send', 'r'), stdin=stdin,
                              env=at.env(), stderr=subprocess.PIPE)
        feeder = threading.Thread(target=pipe.write, args=(LONG_TEXT,))
        feeder.start()
        until(lambda: os.path.getsize(at.path('out')) > 0, 'a part of the message')
        feeder.join()
        yield receiver, sender, pipe


@tap.case
@place()
def a_text_waits_for_the_file_under_way(at):
    with unfinished(at) as (receiver, sender, pipe):
        at.ok('send', 'r', 'text')
        pipe.close()
        equal(end(sender), (0, '', ''))
    equal(end(receiver), (0, '', ''))
    with open(at.path('out'), 'rb') as f:
        equal(f.read() == LONG_TEXT + b'text', True)


@tap.case
@place()
def a_sender_that_dies_midway_is_reported(at):
    with unfinished(at) as (receiver, sender, _):
        sender.kill()
        sender.wait()
    matches(receiver.stderr.readline().decode(),
            r'^bellring: recv: message from .* broken off after \d+ bytes: '
            r'the sender died or gave up\n$')
    at.ok('send', 'r', 'text')  # the next message is not touched by it
    equal(end(receiver)[0], 1)
    with open(at.path('out'), 'r') as f:
        matches(f.read(), '^a+text$')


@tap.case
@place()
def send_waits_for_the_peer(at):
    sender = at.start('--name', 's', 'send', '-w', '20', 'late', 'text')
    until(lambda: at.live('s'), 's on the bus')
    receiver = at.start('--name', 'late', 'recv')
    equal(end(receiver), (0, 'text', ''))
    equal(end(sender), (0, '', ''))


@tap.case
@place('-l', '256K')
def send_without_space_times_out(at):
    receiver = at.receiver('r')
    receiver.send_signal(signal.SIGSTOP)
    status, out, err = at.run('-t', '0.2', 'send', 'r', stdin=MIB * b'x')
    equal((status, out), (3, ''))
    matches(err, r'^bellring: send r: nothing came in time: .*full')


@tap.case
@place()
def recv_times_out(at):
    status, out, err = at.run('-t', '0.2', 'recv')
    equal((status, out), (3, ''))
    matches(err, r'^bellring: recv: nothing came in time\n$')


SIGNALS = [
    ('recv', ['recv'], signal.SIGINT, 1),
    ('recv', ['recv'], signal.SIGTERM, 1),
    ('recv --follow', ['recv', '--follow'], signal.SIGINT, 0),
    ('recv --follow', ['recv', '--follow'], signal.SIGTERM, 0),
    ('recv, polling', ['--wait', 'poll', 'recv'], signal.SIGINT, 1),
    ('recv, adaptive', ['--wait', 'adaptive', 'recv'], signal.SIGINT, 1),
    ('send -w', ['send', '-w', '30', 'nobody', 'x'], signal.SIGINT, 1),
    ('bench --serve', ['bench', '--serve'], signal.SIGTERM, 0),
]


@tap.cases(SIGNALS, key=lambda row: f'{row[0]}, {row[2].name}')
@place()
def a_signal_leaves_the_bus(at, _name, args, signo, want):
    p = at.start('--name', 'me', *args)
    until(lambda: at.live('me'), 'me on the bus')
    status, out, err = stop(p, signo)
    equal((status, out), (want, ''), err)
    matches(err, '^bellring: .*interrupted\n$' if want else '^$')
    equal([q for q in at.peers() if q['name'] == 'me'], [])


@tap.case
@place()
def asleep_means_asleep(at):
    receiver = at.receiver('r')
    before = cpu_ns(receiver.pid)
    equal(before > 0, True)  # or nothing is counted here
    time.sleep(IDLE_SECONDS)  # what is tested is how it spends this time
    equal(receiver.poll(), None)
    used_ms = (cpu_ns(receiver.pid) - before) / 1e6
    print(f'# {used_ms:.3f} ms of CPU in {IDLE_SECONDS:g} s')
    equal(used_ms < 10, True, f'{used_ms} ms')
    at.ok('send', 'r', 'awake')
    equal(end(receiver), (0, 'awake', ''))


@tap.case
@place()
def ping(at):
    at.receiver('r')
    out = at.ok('ping', '-c', '3', '-i', '0.05', 'r')
    matches(out, r'^(answer from r \(id \d+\): seq=\d time=[\d.]+ us\n){3}'
                 r'--- r ---\n3 sent, 3 answered\nmin/avg/max = [\d.]+/[\d.]+/[\d.]+ us\n$')
    got = objects(at.ok('--json', 'ping', '-c', '2', '-i', '0', 'r'))
    equal([m.get('seq') for m in got], [1, 2, None])
    equal((got[2]['sent'], got[2]['answered']), (2, 2))
    equal(got[2]['min_us'] <= got[2]['avg_us'] <= got[2]['max_us'], True, got)


@tap.case
@place()
def ping_does_not_take_messages(at):
    receiver = at.receiver('r')
    receiver.send_signal(signal.SIGSTOP)
    at.ok('send', 'r', 'text')
    status, out, _ = at.run('ping', '-c', '2', '-i', '0', '-t', '1', 'r')
    equal((status, '2 sent, 0 answered' in out), (3, True), out)
    receiver.send_signal(signal.SIGCONT)
    equal(end(receiver), (0, 'text', ''))


@tap.case
@place('-l', '1M')
def progress_on_a_terminal(at):
    """A receiver that stands still for a while makes even 5 MiB take long."""
    path = random_file(at, 'in', 5 * MIB)
    receiver = at.receiver('r', '-o', at.path('out'))
    receiver.send_signal(signal.SIGSTOP)
    master, slave = pty.openpty()
    sender = at.start('send', '-f', path, 'r', stderr=slave)
    os.close(slave)
    until(lambda: read_so_far(sender, path), 'the file is begun')
    time.sleep(0.3)  # the thing tested: more than between two lines of progress
    equal(sender.poll(), None)
    receiver.send_signal(signal.SIGCONT)
    equal(sender.wait(30), 0)
    shown = read_terminal(master)
    matches(shown, r'\r.*of 5\.0 MiB \(\d+ %\), [\d.]+ [KMG]?i?B/s')
    equal(end(receiver), (0, '', ''))
    equal(sha256(at.path('out')), sha256(path))


tap.main()
