# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the doctor share: asking it, and typing what it says."""
import contextlib
import os
import resource
import signal
import subprocess

from bellring import SERVER, TOOL, equal, matches, objects
from children import Child

RESULTS = ('ok', 'warning', 'failure', 'skipped')
NOBODY = 65534


def doctor(at, *args, address=None, under=(), **more):
    """(exit status, {check: [line, ...]}) of the doctor, by its JSON."""
    p = at.popen([*under, *at.argv('--json', 'doctor', *args)],
                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                 stderr=subprocess.PIPE,
                 env=dict(at.env(), BELLRING_ADDRESS=address or at.address), **more)
    out, err = p.communicate(timeout=60)
    equal(err, b'')
    lines = {}
    for line in objects(out.decode()):
        equal(list(line), ['check', 'result', 'what', 'remedy'])
        assert line['result'] in RESULTS, line
        lines.setdefault(line['check'], []).append(line)
    assert lines, 'it says nothing'
    failures = [o for rows in lines.values() for o in rows if o['result'] == 'failure']
    equal(p.returncode, 1 if failures else 0, failures)
    return p.returncode, lines


def told(lines, check, result, what, remedy=''):
    """The one line of that check with that result, whose texts have to fit."""
    found = [o for o in lines.get(check, []) if o['result'] == result]
    equal(len(found), 1, check, lines.get(check))
    matches(found[0]['what'], what)
    matches(found[0]['remedy'], remedy)
    # Without running it: a shell would take it.
    equal(subprocess.run(['/bin/sh', '-nc', found[0]['remedy']], check=False).returncode, 0,
          found[0]['remedy'])
    assert bool(found[0]['remedy']) == (result in ('warning', 'failure')) or \
        result == 'skipped', found
    return found[0]


def only_failure(lines, check):
    failures = {c for c, rows in lines.items() for o in rows if o['result'] == 'failure'}
    equal(failures, {check})


def content(at, **how):
    status, lines = doctor(at, **how)
    equal(status, 0, lines)
    return lines


@contextlib.contextmanager
def typed(at, command):
    """Runs a remedy as it stands, our programs being those of the build."""
    folder = at.path('bin')
    os.makedirs(folder, exist_ok=True)
    for name, program in (('bellring', TOOL), ('bellring-server', SERVER)):
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as f:
            f.write(f'#!/bin/sh\nexec {os.path.abspath(program)} "$@"\n')
        os.chmod(f.name, 0o755)
    env = dict(at.env(), PATH=folder + ':' + os.environ['PATH'])
    with Child(['/bin/sh', '-c', 'exec ' + command], env=env) as child:
        yield child


def serves(at):
    """Whether the tool is served, which it has to be soon."""
    return at.run('info')[0] == 0


def kill_server(at, number=signal.SIGKILL):
    server = at.started[0]
    server.send_signal(number)
    server.wait()


def limited(files, hard=None):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard or files))


def crowd(at, count):
    """That many peers more."""
    for _ in range(count):
        at.start('watch').stderr.readline()
