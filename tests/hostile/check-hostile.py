# SPDX-License-Identifier: BSD-2-Clause
"""Somebody scribbles over the memory while all of Bellring uses it.

Started by `make check-hostile`. Rounds until HOSTILE_SECONDS (60) are over, or
HOSTILE_ROUNDS of them: in each a server, three workers that use the whole
library, the tool again and again, and a scribbler. Nobody may crash, hang,
return what its contract does not list, or make a sanitizer speak; and once
nobody scribbles any more a format makes everything work again.

A round follows from its seed: HOSTILE_SEED is the first one's. How processes
run beside each other is nobody's to repeat, so a failure may need some tries.
"""
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE)]

import tap  # noqa: E402

TOP = os.environ.get('top_srcdir', os.path.dirname(os.path.dirname(HERE)))
BUILD = os.environ.get('HOSTILE_BUILD',
                       os.path.join(os.environ.get('top_builddir', '.'), 'hostile'))
SECONDS = float(os.environ.get('HOSTILE_SECONDS', 60))
ROUNDS = int(os.environ.get('HOSTILE_ROUNDS', 0))
SEED = int(os.environ.get('HOSTILE_SEED', 1))
ROUND = float(os.environ.get('HOSTILE_ROUND', 8))   # seconds of scribbling
WORKERS = ('w0', 'w1', 'w2')
LONG = 120   # seconds that only a hang takes
FLAGS = '-g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined' \
    ' -fno-sanitize-recover=all'
PROGRAMS = ('bellring', 'bellring-server', 'tests/hostile/worker',
            'tests/hostile/scribbler')
OPTIONS = {'ASAN_OPTIONS': 'detect_leaks=1:detect_stack_use_after_return=1:exitcode=99'
                           ':handle_abort=1',
           'UBSAN_OPTIONS': 'print_stacktrace=1:halt_on_error=1:exitcode=99'}


def program(name):
    return os.path.join(BUILD, name)


def build():
    """The programs once more, with sanitizers."""
    if os.environ.get('HOSTILE_BUILD'):
        return
    os.makedirs(BUILD, exist_ok=True)
    env = {k: v for k, v in os.environ.items()
           if k not in ('MAKEFLAGS', 'MFLAGS', 'MAKEOVERRIDES', 'MAKELEVEL', 'TESTS',
                        'TEST_LOGS', 'CFLAGS', 'LDFLAGS')}
    if not os.path.exists(program('Makefile')):
        subprocess.run([os.path.join(os.path.abspath(TOP), 'configure'), '-q',
                        '--disable-shared', 'CC=gcc', 'CFLAGS=' + FLAGS],
                       cwd=BUILD, env=env, check=True)
    subprocess.run(['make', '-s', '-j2', *PROGRAMS], cwd=BUILD, env=env, check=True)


class Process:
    """A program of a round, and all that it says."""

    def __init__(self, place, name, argv, **more):
        self.name = name
        self.path = os.path.join(place.dir, name + '.err')
        with open(self.path, 'ab') as err:
            self.popen = subprocess.Popen(
                argv, stderr=err, env=dict(os.environ, **OPTIONS, LC_ALL='C',
                                           BELLRING_ADDRESS='unix:' + place.socket),
                **more)

    def said(self):
        with open(self.path, errors='replace') as f:
            return f.read()

    def check(self, status, allowed=(0,)):
        """Neither a signal nor a sanitizer ended it."""
        said = self.said()
        assert status in allowed and 'Sanitizer' not in said \
            and 'runtime error' not in said, \
            f'{self.name}: exit status {status}:\n{said[-8000:]}'

    def end(self, allowed=(0,), seconds=LONG):
        try:
            status = self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.popen.send_signal(signal.SIGABRT)   # the sanitizer shows where
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(10)
            raise AssertionError(f'{self.name}: hangs:\n{self.said()[-8000:]}') from None
        self.check(status, allowed)

    def kill(self):
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        for stream in (self.popen.stdin, self.popen.stdout):
            if stream:
                stream.close()


class Worker(Process):
    def __init__(self, place, name, seed):
        super().__init__(place, name, [program('tests/hostile/worker'), name, str(seed)],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, command, answer):
        self.popen.stdin.write(command + '\n')
        self.popen.stdin.flush()
        timer = threading.Timer(LONG, self.popen.send_signal, (signal.SIGABRT,))
        timer.start()
        got = self.popen.stdout.readline()
        timer.cancel()
        if got != answer + '\n':
            self.end()
        assert got == answer + '\n', f'{self.name}: {command}: {got!r}\n{self.said()}'

    def finish(self, report):
        report.append(self.popen.communicate(timeout=LONG)[0])
        self.check(self.popen.returncode)


class Place:
    """A server, and what runs beside it."""

    def __init__(self, options):
        # Not $TMPDIR: a socket's path has 107 bytes at most, unix(7).
        self.dir = tempfile.mkdtemp(prefix='bellring-', dir='/tmp')
        self.socket = os.path.join(self.dir, 'socket')
        self.all = []
        ready, give = os.pipe()
        self.server = self.add(Process(
            self, 'server', [program('bellring-server'), '-S', self.socket,
                             '--ready-fd', str(give), *options], pass_fds=[give]))
        os.close(give)
        with open(ready, 'rb') as r:
            assert r.read(1) == b'\n', self.server.said()

    def add(self, process):
        self.all.append(process)
        return process

    def close(self):
        for process in reversed(self.all):
            process.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


def server_options(dice):
    """Small rings cross their ends often; few links run out."""
    options = ['-l', dice.choice(['256K', '1M', '4M', '16M']), '-n', '4']
    if dice.random() < .5:
        options += ['--slots', str(dice.choice([6, 16, 64]))]
    if dice.random() < .5:
        options += ['--links', str(dice.choice([4, 12, 24]))]
    return options


def tool_arguments(place, dice):
    file = os.path.join(place.dir, 'file')
    if not os.path.exists(file):
        with open(file, 'wb') as f:
            f.write(bytes(range(256)) * 1024)
    peer = dice.choice(['w0', 'w1', 'w2', '1', '7'])
    return ['-t', dice.choice(['0.05', '0.3']), *dice.choice([
        ['peers'], ['--json', 'peers'], ['info'], ['--json', 'info'],
        ['ping', '-c', '3', '-i', '0.01', peer], ['send', peer, 'text'],
        ['send', '-f', file, peer], ['recv', '-n', '20', '-o', '/dev/null'],
        ['recv', '-n', '3'], ['--json', 'recv', '-n', '5']])]


def tools(place, dice, until, wrong, count):
    """The tool again and again: it may fail, and says so itself."""
    try:
        while time.monotonic() < until:
            argv = [program('bellring'), *tool_arguments(place, dice)]
            p = Process(place, 'tool', argv, stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL)
            try:
                p.end(allowed=(0, 1, 3), seconds=LONG)
            except AssertionError as e:
                raise AssertionError(f'{argv[1:]}: {e}') from None
            finally:
                p.kill()
            os.truncate(p.path, 0)
            count.append(1)
    except AssertionError as e:
        wrong.append(e)


def afterwards(place, workers):
    """Nobody scribbles any more: a format makes everything work again."""
    first, *others = workers
    for w in workers:
        w.tell('stop', 'stopped')
    first.tell('format', 'formatted')
    for w in others:
        w.tell('serve', 'serving')
    for argv in (['peers'], ['info'], ['-t', '20', 'ping', '-c', '1', 'w1']):
        p = place.add(Process(place, 'tool-afterwards', [program('bellring'), *argv],
                              stdout=subprocess.DEVNULL))
        p.end()
    first.tell('verify ' + ' '.join(w.name for w in others), 'verified')
    report = []
    first.finish(report)
    for w in others:
        w.popen.stdin.write('quit\n')
        w.finish(report)
    assert place.server.popen.poll() is None, place.server.said()
    place.server.popen.send_signal(signal.SIGTERM)
    place.server.end()
    return report


def hostile_round(seed, seconds):
    dice = random.Random(seed)
    place = Place(server_options(dice))
    wrong, count = [], []
    try:
        workers = [place.add(Worker(place, n, dice.getrandbits(60))) for n in WORKERS]
        scribbler = place.add(Process(
            place, 'scribbler', [program('tests/hostile/scribbler'),
                                 str(dice.getrandbits(60)), str(seconds)],
            stdout=subprocess.PIPE))
        tool = threading.Thread(target=tools, args=(
            place, dice, time.monotonic() + seconds, wrong, count))
        tool.start()
        scribbles, _ = scribbler.popen.communicate(timeout=LONG)
        scribbler.check(scribbler.popen.returncode)
        tool.join()
        if wrong:
            raise wrong[0]
        for p in (*workers, place.server):
            if p.popen.poll() is not None:
                p.check(p.popen.returncode, allowed=())
        report = afterwards(place, workers)
        print(f'# seed {seed}: {int(scribbles)} scribbles, {len(count)} runs of the tool')
        if os.environ.get('HOSTILE_REPORT'):
            print('\n'.join('# ' + line for r in report for line in r.splitlines()))
    finally:
        place.close()


def main():
    begin, n, failed = time.monotonic(), 0, 0
    tap.need('gcc', 'make')
    build()
    begin = time.monotonic()
    while n < ROUNDS if ROUNDS else n == 0 or time.monotonic() - begin < SECONDS:
        seed, verdict = SEED + n, 'ok'
        n += 1
        try:
            hostile_round(seed, ROUND)
        except (AssertionError, OSError, subprocess.SubprocessError) as e:
            failed += 1
            verdict = 'not ok'
            for line in f'{type(e).__name__}: {e}'.splitlines():
                print('# ' + line)
            print(f'# again: HOSTILE_SEED={seed} HOSTILE_ROUNDS=1 make check-hostile')
        print(f'{verdict} {n} - hostile round with seed {seed}', flush=True)
    print(f'# {time.monotonic() - begin:.0f} s, {n} rounds')
    print(f'1..{n}')
    sys.exit(1 if failed else 0)


try:
    main()
except tap.Skip as e:
    print(f'1..0 # SKIP {e}')
