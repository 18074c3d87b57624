# SPDX-License-Identifier: BSD-2-Clause
"""send and recv of any size: whole, in order, with a checksum, or told as broken."""
import contextlib
import hashlib
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bellring import (BUILD, LONG, end, equal, matches, objects, place, read_so_far,
                      read_terminal, tap, until)

MIB = 1 << 20
WRONG_CHECK = os.path.join(BUILD, 'tests', 'cli', 'wrong-check')


def random_file(at, name, size):
    with open(at.path(name), 'wb') as f:
        f.write(os.urandom(size))
    return at.path(name)


def contents(path):
    with open(path, 'rb') as f:
        return f.read()


def xxh3(path):
    """What another program computes for this file."""
    tap.need('xxhsum')
    out = subprocess.run(['xxhsum', '-H3', path], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, check=True, text=True).stdout
    return re.search(r'\b[0-9a-f]{16}\b', out).group(0)


def report(did, size, check):
    return (rf'^bellring: {did} {size} bytes in \d+\.\d{{3}} s, [\d.]+ [KMGT]?i?B/s, '
            rf'XXH3 {check}\n$')


@tap.cases([(0,), (1,), (65536,), (20 * MIB + 7,)])
@place('-l', '1M')
def both_sides_name_the_checksum_of_xxhsum(at, size):
    path = random_file(at, 'in', size)
    check = xxh3(path)
    receiver = at.receiver('r', '-v', '-o', at.path('out'))
    status, out, err = at.run('-v', 'send', '-f', path, 'r')
    equal((status, out), (0, ''), err)
    matches(err, report('sent', size, check))
    status, out, err = end(receiver)
    equal((status, out), (0, ''), err)
    matches(err, report('received', size, check))
    equal(contents(at.path('out')) == contents(path), True)


@tap.case
@place('-l', '1M')
def json_has_the_check(at):
    path = random_file(at, 'in', 3 * MIB)
    check = xxh3(path)
    receiver = at.receiver('r', '--json', '-n', '2')
    at.ok('send', '-f', path, 'r')
    at.ok('send', 'r', 'text')
    status, out, err = end(receiver)
    equal((status, err), (0, ''))
    equal([(m['length'], m.get('check')) for m in objects(out)],
          [(3 * MIB, check), (4, None)])


def feed(pipe, digest, mib):
    block = bytearray(os.urandom(MIB))
    with pipe:
        for i in range(mib):
            block[:4] = i.to_bytes(4, 'little')
            digest.update(block)
            pipe.write(block)


def drain(pipe, digest):
    for block in iter(lambda: pipe.read(MIB), b''):
        digest.update(block)


@tap.case
@place('-l', '16M')
def much_more_than_the_memory_through_pipes(at):
    sent, got = hashlib.blake2b(), hashlib.blake2b()
    receiver = at.receiver('r')
    sender = at.popen(at.argv('send', 'r'), env=at.env(), stdin=subprocess.PIPE,
                      stderr=subprocess.PIPE)
    feeder = threading.Thread(target=feed, args=(sender.stdin, sent, 300))
    feeder.start()
    drain(receiver.stdout, got)
    feeder.join()
    sender.stdin = None
    equal(end(sender, 60), (0, '', ''))
    equal((receiver.wait(LONG), receiver.stderr.read()), (0, b''))
    equal(got.hexdigest(), sent.hexdigest())


@tap.case
@place('-l', '1M')
def senders_at_once_are_never_mixed(at):
    paths = [random_file(at, name, 8 * MIB) for name in 'abc']
    receiver = at.receiver('r', '-n', '3', '-o', at.path('out'))
    senders = [at.start('send', '-f', path, 'r') for path in paths]
    for sender in senders:
        equal(end(sender, 60), (0, '', ''))
    equal(end(receiver), (0, '', ''))
    out = contents(at.path('out'))
    got = sorted(out[i:i + 8 * MIB] for i in range(0, len(out), 8 * MIB))
    equal(got == sorted(contents(path) for path in paths), True)


@tap.case
@place('-l', '256K')
def a_text_larger_than_the_ring(at):
    text = ''.join(f'{i:07},' for i in range(15000))
    receiver = at.receiver('r', '-o', at.path('out'))
    at.ok('send', 'r', text)
    equal(end(receiver), (0, '', ''))
    equal(contents(at.path('out')) == text.encode(), True)


class Unfinished:
    """A sender in the middle of a message, of which `recv -o out` has the begin."""

    def __init__(self, at, name, begin):
        self.sender = at.popen(at.argv('--name', name, 'send', 'r'), env=at.env(),
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self.sender.stdin.write(begin)
        self.sender.stdin.flush()
        until(lambda: os.path.exists(at.path('out')) and
              os.path.getsize(at.path('out')) == len(begin), 'its begin')


def temporary_files(p):
    """Open files that have no name any more: proc(5)."""
    fds, n = f'/proc/{p.pid}/fd', 0
    for fd in os.listdir(fds):
        with contextlib.suppress(FileNotFoundError):    # it closes some meanwhile
            name = os.readlink(f'{fds}/{fd}')
            n += name.startswith('/tmp/') and name.endswith(' (deleted)')
    return n


@tap.case
@place('-l', '1M')
def many_messages_wait_in_one_file(at):
    receiver = at.receiver('r', '-n', '301', '-o', at.path('out'))
    first = Unfinished(at, 'first', b'begin ').sender
    equal(temporary_files(receiver), 0)
    held = at.popen(at.argv('--name', 'second', 'send', 'r'), env=at.env(),
                    stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    held.stdin.write(b'0,')
    equal(end(held), (0, '', ''))
    script = 'for i in $(seq 299); do "$0" send r "$i," || exit; done'
    others = at.popen(['sh', '-c', script, at.argv()[0]], env=at.env(),
                      stderr=subprocess.PIPE)
    equal(end(others, 120), (0, '', ''))
    until(lambda: temporary_files(receiver) == 1, 'one temporary file')
    first.stdin.write(b'end ')
    equal(end(first), (0, '', ''))
    equal(end(receiver), (0, '', ''))
    want = 'begin end ' + ''.join(f'{i},' for i in range(300))
    equal(contents(at.path('out')).decode(), want)


@tap.case
@place()
def a_wrong_checksum_is_an_error(at):
    receiver = at.receiver('r', '-n', '2', '-o', at.path('out'))
    wrong = at.popen([WRONG_CHECK, 'r'], env=at.env(), stderr=subprocess.PIPE)
    equal(end(wrong), (0, '', ''))
    at.ok('send', 'r', 'text')    # the next message is not touched by it
    status, out, err = end(receiver)
    equal((status, out), (1, ''))
    matches(err, r'^bellring: recv: message of 23 bytes from .*: checksum is [0-9a-f]{16} '
                 r'and not the sender\'s 00000000000004d2: what was written is damaged\n$')
    equal(contents(at.path('out')), b'not what was summed up\0text')


@tap.cases([('interrupted', signal.SIGINT, 1), ('killed', signal.SIGKILL, -9)])
@place('-l', '1M')
def a_message_that_ends_midway_is_reported(at, _how, signo, want):
    receiver = at.receiver('r', '-n', '2', '-o', at.path('out'))
    begin = 300000 * b'a'
    sender = Unfinished(at, 's', begin).sender
    sender.send_signal(signo)
    equal(sender.wait(LONG), want)
    at.ok('send', 'r', 'text')    # the next message is not touched by it
    status, out, err = end(receiver)
    equal((status, out), (1, ''))
    matches(err, r'^bellring: recv: message from .* broken off after 300000 bytes: '
                 r'the sender died or gave up\n$')
    equal(contents(at.path('out')) == begin + b'text', True)


@tap.case
@place('-l', '1M')
def a_file_that_is_cut_off_meanwhile(at):
    path = random_file(at, 'in', 64 * MIB)
    receiver = at.receiver('r', '-o', at.path('out'))
    receiver.send_signal(signal.SIGSTOP)
    sender = at.start('--name', 's', 'send', '-f', path, 'r')
    # The ring is far smaller than the file: so it is stuck.
    until(lambda: read_so_far(sender, path), 'the file is begun')
    os.truncate(path, 0)
    receiver.send_signal(signal.SIGCONT)
    status, _, err = end(sender)
    equal(status, 1, err)
    matches(err, r'^bellring: send r: .*/in ended after \d+ of 67108864 bytes: '
                 r'it was cut off meanwhile\n$')
    equal(end(receiver)[0], 1)


@tap.case
@place('-l', '1M')
def a_receiver_shows_how_long_it_takes(at):
    path, out = random_file(at, 'in', 8 * MIB), at.path('out')
    os.mkfifo(out)
    master, slave = pty.openpty()
    with open(os.open(out, os.O_RDONLY | os.O_NONBLOCK), 'rb', buffering=0) as fifo:
        receiver = at.receiver('r', '-o', out, stderr=slave)
        os.close(slave)
        sender = at.start('send', '-f', path, 'r')
        got = until(lambda: fifo.read(4096), 'a part of it')
        time.sleep(0.3)  # the thing tested: more than between two lines of progress
        os.set_blocking(fifo.fileno(), True)
        got += b''.join(iter(lambda: fifo.read(MIB), b''))
    equal(end(sender), (0, '', ''))
    equal(receiver.wait(LONG), 0)
    equal(got == contents(path), True)
    shown = read_terminal(master)
    matches(shown, r'\r.*of 8\.0 MiB \(\d+ %\), [\d.]+ [KMG]?i?B/s, \d+:\d\d left')
    matches(shown, r'bellring: received 8388608 bytes in .* XXH3 [0-9a-f]{16}\r\n$')


tap.main()
