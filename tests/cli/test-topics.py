# SPDX-License-Identifier: BSD-2-Clause
"""pub, sub: who subscribed gets it, and the policy decides about the slow."""
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bellring import end, equal, matches, objects, place, read_so_far, stop, tap, until


def subscriber(at, name, *args, **more):
    """A started `sub`, and the proof that it is subscribed: it has printed "ready"."""
    path = at.path(name)
    with open(path, 'wb') as out:
        p = at.start('--name', name, 'sub', '--lines', *args, f'ready-{name}',
                     stdout=out, **more)

    def ready():
        if p.poll() is not None:
            raise AssertionError(end(p))
        return at.run('pub', f'ready-{name}', 'ready')[0] == 0

    until(ready, f'{name} subscribed')
    until(lambda: printed(at, name) == ['ready'], f'{name} printed')
    return p


def printed(at, name):
    with open(at.path(name), encoding='utf-8') as f:
        return f.read().splitlines()


@tap.case
@place()
def subscribers_get_it_and_others_do_not(at):
    both = subscriber(at, 'both', '-n', '4', 'news', 'weather')
    one = subscriber(at, 'one', '-n', '3', 'weather')
    at.ok('pub', 'news', 'first')
    at.ok('pub', 'weather', 'second')
    at.ok('pub', '--all', 'third')
    for p in (both, one):
        equal(end(p), (0, '', ''))
    equal(printed(at, 'both'), ['ready', 'first', 'second', 'third'])
    equal(printed(at, 'one'), ['ready', 'second', 'third'])


@tap.case
@place()
def what_was_sent_to_it_alone_is_dropped(at):
    p = subscriber(at, 's', '-n', '2', 'news')
    at.ok('send', 's', 'text')
    at.ok('send', 's', stdin=3000000 * b'x')
    at.ok('pub', 'news', 'published')
    equal(end(p), (0, '', ''))
    equal(printed(at, 's'), ['ready', 'published'])


LINES = [
    ('newline at the end', b'one\n\nthree\n', ['one', '', 'three']),
    ('none at the end', b'one\ntwo', ['one', 'two']),
    ('a long one', 20000 * b'x' + b'\n', [20000 * 'x']),
]


@tap.cases(LINES)
@place()
def a_message_a_line(at, _name, text, want):
    for source in ('stdin', 'file'):
        p = subscriber(at, source, '-n', str(1 + len(want)), 'news')
        if source == 'file':
            with open(at.path('lines'), 'wb') as f:
                f.write(text)
            at.ok('pub', 'news', '-f', at.path('lines'))
        else:
            at.ok('pub', 'news', stdin=text)
        equal(end(p), (0, '', ''))
        equal(printed(at, source), ['ready'] + want)


@tap.case
@place()
def json(at):
    p = at.start('--json', 'sub', '-n', '2', 'news')
    until(lambda: at.run('--name', 'p', '--json', 'pub', '--tag', '7', 'news', 'text')[0] == 0,
          'a subscriber')
    equal(objects(at.ok('--json', 'pub', '--all', 'text')),
          [{'published': 1, 'sent': 1, 'dropped': 0}])
    status, out, err = end(p)
    equal((status, err), (0, ''))
    first, second = objects(out)
    equal({k: first[k] for k in ('topic', 'tag', 'length', 'text')},
          {'topic': 'news', 'tag': 7, 'length': 4, 'text': 'text'})
    equal(type(first['from']), int)
    equal('topic' in second, False)


@tap.cases([('news', 'nobody is subscribed'), ('--all', 'nobody is there')])
@place()
def nobody(at, topic, said):
    status, out, err = at.run('pub', topic, 'text')
    equal((status, out), (3, ''))
    matches(err, f'^bellring: pub \\w+: {said}\n$')


SLOW = [
    ('block', ['-t', '0.2'], 3, 'missed it, 0 got it'),
    ('drop-newest', [], 0, 'were dropped for slow subscribers'),
    ('drop-oldest', ['--depth', '2', '-t', '0.2'], 3,
     '2 messages that were kept for slow subscribers are lost'),
]


@tap.cases(SLOW)
@place('-l', '256K')
def stopped_subscriber(at, policy, options, want, said):
    p = subscriber(at, 's', '-n', '2', 'news')
    p.send_signal(signal.SIGSTOP)
    lines = b''.join(b'%099d\n' % i for i in range(5000))
    status, out, err = at.run('pub', '--policy', policy, *options, 'news', stdin=lines)
    equal((status, out), (want, ''), err)
    matches(err, said)
    p.send_signal(signal.SIGCONT)
    equal(end(p), (0, '', ''))
    equal(printed(at, 's'), ['ready', 99 * '0'])


@tap.case
@place('-l', '256K')
def newest_lines_reach_a_slow_subscriber_in_the_end(at):
    p = subscriber(at, 's', 'news')
    p.send_signal(signal.SIGSTOP)
    with open(at.path('lines'), 'wb') as f:
        f.writelines(b'%099d\n' % i for i in range(5000))
    publisher = at.start('--name', 'p', 'pub', '--policy', 'drop-oldest', '--depth', '3',
                         'news', '-f', at.path('lines'))
    # It has read all of the file and waits.
    size = os.path.getsize(at.path('lines'))
    until(lambda: read_so_far(publisher, at.path('lines')) == size and sleeps(publisher),
          'p asleep')
    equal(publisher.poll(), None)
    p.send_signal(signal.SIGCONT)
    status, _, err = end(publisher)
    equal(status, 0, err)
    matches(err, 'were dropped for slow subscribers')
    until(lambda: printed(at, 's')[-1:] == ['%099d' % 4999], 'the last line')
    equal(printed(at, 's')[-3:], ['%099d' % i for i in (4997, 4998, 4999)])
    equal(stop(p), (0, '', ''))


def sleeps(p):
    with open(f'/proc/{p.pid}/stat') as f:
        return f.read().rsplit(')', 1)[1].split()[0] == 'S'


@tap.case
@place()
def sub_times_out(at):
    status, out, err = at.run('-t', '0.2', 'sub', 'news')
    equal((status, out), (3, ''))
    matches(err, r'^bellring: sub: nothing came in time\n$')


@tap.cases([([], 0), (['-n', '9'], 1)])
@place()
def a_signal_ends_sub(at, options, want):
    p = subscriber(at, 's', *options, 'news')
    equal(stop(p, signal.SIGTERM)[0], want)


WRONG = [
    (['pub'], 'neither TOPIC nor --all'),
    (['pub', '--all', 'a', 'b'], 'one argument too many'),
    (['pub', 'news', 'text', '-f', 'x'], 'both TEXT and -f FILE'),
    (['pub', '--depth', '3', 'news', 'x'], '--depth is for --policy drop-oldest'),
    (['pub', '--policy', 'none', 'news', 'x'], 'none'),
    (['sub'], 'an argument is missing'),
]


@tap.cases(WRONG)
@place(server=False)
def wrong_usage(at, args, said):
    status, out, err = at.run(*args)
    equal((status, out), (2, ''))
    matches(err, said)


@tap.cases([(['pub', 'two words', 'x'],), (['sub', 'two words'],)])
@place()
def wrong_topic(at, args):
    status, out, err = at.run(*args)
    equal((status, out), (1, ''))
    matches(err, r'^bellring: (pub|sub) two words: .*topic: byte 4')


@tap.case
@place()
def a_line_that_is_too_long(at):
    p = subscriber(at, 's', 'news')
    status, out, err = at.run('pub', 'news', stdin=5000000 * b'x')
    equal((status, out), (1, ''))
    matches(err, 'line is longer|larger')
    equal(stop(p)[0], 0)
    equal(printed(at, 's'), ['ready'])


tap.main()
