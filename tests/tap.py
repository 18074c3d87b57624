# SPDX-License-Identifier: BSD-2-Clause
"""Runs test functions and prints TAP.

    import tap
    @tap.case
    def greeting_order(): assert ...
    tap.main()

A case fails by an exception; raise tap.Skip("what is missing") to skip. A
missing tool is a skip on a developer's machine and a failure where CI is set.
Arguments on the command line narrow the run to cases whose name holds one.
"""
import os
import shutil
import sys
import time
import traceback

REASON = 160    # characters of it beside a case that failed

_cases = []


class Skip(Exception):
    pass


def case(fn):
    _cases.append((fn.__name__.replace('_', ' '), fn))
    return fn


def cases(table, key=lambda row: str(row[0])):
    """One case a row: @tap.cases([("name", 1), ...]) calls fn(*row)."""
    def wrap(fn):
        for row in table:
            _cases.append((f"{fn.__name__.replace('_', ' ')}: {key(row)}",
                           lambda row=row: fn(*row)))
        return fn
    return wrap


def need(*tools):
    """Skips (or, in CI, fails) unless these programs are on the PATH."""
    missing = [t for t in tools if not shutil.which(t)]
    if missing:
        missing_thing(', '.join(missing) + ' not found')


def missing_thing(what):
    if os.environ.get('CI'):
        raise AssertionError(what + ' (a failure because CI is set)')
    raise Skip(what)


def main():
    wanted = [a.lower() for a in sys.argv[1:]]
    chosen = [c for c in _cases if not wanted or any(w in c[0].lower() for w in wanted)]
    print(f'1..{len(chosen)}', flush=True)
    failed = 0
    for n, (name, fn) in enumerate(chosen, 1):
        begin = time.monotonic()
        try:
            fn()
            verdict = f'ok {n} - {name}'
        except Skip as e:
            verdict = f'ok {n} - {name} # SKIP {e}'
        except Exception:
            failed += 1
            said = traceback.format_exc().rstrip().splitlines()
            # The summary has this line only; in TAP a # begins a directive.
            verdict = f'not ok {n} - {name}: {said[-1][:REASON]}'.replace('#', '')
            for line in said:
                print('# ' + line)
        print(f'{verdict}\n# {time.monotonic() - begin:.2f} s', flush=True)
    sys.exit(1 if failed else 0)
