# SPDX-License-Identifier: BSD-2-Clause
"""call and serve: requests answered by commands, their failures and their ends."""
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bellring import LONG, cpu_ns, end, equal, matches, objects, place, tap, until


def serve(at, *args, name='s'):
    p = at.start('--name', name, 'serve', *args)
    until(lambda: at.live(name) or p.poll() is not None, f'{name} on the bus')
    if p.poll() is not None:
        raise AssertionError(end(p))
    # On the bus a moment before it serves: -BELL_ENOSERVICE says so.
    until(lambda: at.run('-t', '5', 'call', name, args_method(args), '')[0] != 3, 'it serves')
    return p


def args_method(args):
    """The method among serve's arguments: behind its options."""
    args = list(args)
    while args[0].startswith('-'):
        args = args[2:]
    return '1' if args[0] == 'any' else args[0]


@tap.case
@place()
def a_reply(at):
    serve(at, '7', 'tr', 'a-z', 'A-Z')
    equal(at.ok('call', 's', '7', 'hello'), 'HELLO')
    equal(at.ok('call', 's', '7', stdin=b'from stdin\n'), 'FROM STDIN\n')
    equal(at.ok('call', 's', '7', ''), '')
    got = objects(at.ok('--json', 'call', 's', '7', 'x'))
    equal([(m['method'], m['length'], m['text']) for m in got], [(7, 1, 'X')])
    status, out, err = at.run('call', 's', '8', 'x')
    equal((status, out), (3, ''))
    matches(err, '^bellring: call s: nobody serves that')


@tap.case
@place()
def bytes_of_any_kind(at):
    serve(at, '7', 'cat')
    data = os.urandom(100000)
    p = at.popen(at.argv('call', 's', '7'), env=at.env(), stdin=subprocess.PIPE,
                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = p.communicate(data, timeout=LONG)
    equal((p.returncode, out == data, err), (0, True, b''))


@tap.case
@place()
def what_the_command_is_told(at):
    serve(at, 'any', 'sh', '-c', 'echo $BELLRING_METHOD $BELLRING_CALLER "$1"', 'sh', '-x')
    matches(at.ok('call', 's', '4711', ''), r'^4711 \d+ -x\n$')


FAILURES = [
    ('its own words', ['sh', '-c', 'echo no luck >&2; exit 3'], 'no luck'),
    ('none', ['sh', '-c', 'exit 3'], 'exit status 3'),
    ('a signal', ['sh', '-c', 'kill -9 $$'], 'killed by signal 9'),
    ('no such command', ['/nonexistent'], '/nonexistent: No such file or directory'),
    ('an endless reply', ['yes'], r'its reply has more than \d+ bytes'),
]


@tap.cases(FAILURES)
@place()
def a_command_that_fails(at, _name, command, want):
    s = serve(at, '7', *command)
    status, out, err = at.run('call', 's', '7', 'x')
    equal((status, out), (1, ''))
    matches(err, f'^bellring: call s: the other side reported a failure: .*{want}')
    s.terminate()
    status, _, err = end(s)
    equal(status, 0)
    matches(err, f'bellring: serve: request from .*: {want}\n')


def gone(path):
    """The command noted its pid there, and is no more."""
    def check():
        with open(path) as f:
            pid = int(f.read())
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False
    return check


SLEEPS = 'read -r path; [ -n "$path" ] || exit 0; echo $$ >"$path.new"; ' \
         'mv "$path.new" "$path"; exec sleep 1000'


@tap.cases([('is late', None, 3), ('is interrupted', signal.SIGINT, 1),
            ('is killed', signal.SIGKILL, -9)])
@place()
def a_caller_that(at, _name, signo, want):
    s = serve(at, '7', 'sh', '-c', SLEEPS)
    path = at.path('pid')
    p = at.start(*(() if signo else ('-t', '3')), 'call', 's', '7', path + '\n')
    until(lambda: os.path.exists(path), 'the command runs')
    if signo:
        p.send_signal(signo)
    status, out, _ = end(p)
    equal((status, out), (want, ''))
    until(gone(path), 'the command is killed')
    equal(at.ok('call', 's', '7', '\n'), '')
    equal(s.poll(), None)


@tap.case
@place()
def a_server_that_ends(at):
    s = serve(at, '7', 'sh', '-c', SLEEPS)
    path = at.path('pid')
    p = at.start('call', 's', '7', path + '\n')
    until(lambda: os.path.exists(path), 'the command runs')
    s.terminate()
    equal(end(s)[0], 0)
    until(gone(path), 'the command is killed')
    status, out, err = end(p)
    equal((status in (1, 3), out), (True, ''))
    matches(err, '^bellring: call s: ')


@tap.case
@place()
def many_at_once(at):
    s = serve(at, '-j', '3', '7', 'sh', '-c', 'read -r x; echo "got $x"')
    calls = [at.start('call', 's', '7', f'{i}\n') for i in range(30)]
    equal([end(p) for p in calls], [(0, f'got {i}\n', '') for i in range(30)])
    until(lambda: used_in_a_moment(s) == 0, 'it sleeps again')


def used_in_a_moment(p):
    before = cpu_ns(p.pid)
    time.sleep(0.2)
    return cpu_ns(p.pid) - before


@tap.case
@place()
def nobody_there(at):
    status, _, err = at.run('call', 'nobody', '7', 'x')
    equal(status, 3)
    matches(err, '^bellring: call nobody: peer not present')
    at.receiver('r')
    equal(at.run('call', 'r', '7', 'x')[0], 3)
    for args in (['call', 'r', 'x', ''], ['call', 'r', '65536', ''], ['serve', 'x', 'cat'],
                 ['serve', '7']):
        equal(at.run(*args)[0], 2, args)


tap.main()
