# SPDX-License-Identifier: BSD-2-Clause
"""32-bit x86: builds it with all warnings fatal, and runs its tests here."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cross                                  # noqa: E402 (after the path)
import tap                                    # noqa: E402

ATOMICS = re.compile(r' U __(atomic|sync)_', re.MULTILINE)
SUMMARY = re.compile(r'^# (PASS|SKIP|XFAIL|FAIL|XPASS|ERROR): +(\d+)', re.MULTILINE)


def make(*targets):
    try:
        return cross.make('i386', *targets)
    except cross.Missing as e:
        return tap.missing_thing(str(e))


def built(name):
    return os.path.join(cross.folder('i386'), name)


@tap.case
def everything_builds():
    make('all')
    with open(built('.libs/libbellring.so'), 'rb') as f:
        assert f.read(5) == b'\x7fELF\x01', 'not a 32-bit library'


@tap.case
def shared_words_need_no_lock():
    """No call of libatomic, whose 64-bit operations might take a lock."""
    make('all')
    symbols = subprocess.run(['nm', built('.libs/libcore.a')], text=True, check=True,
                             stdout=subprocess.PIPE).stdout
    assert ' T ring_' in symbols or ' T bell_' in symbols, 'nm says nothing'
    assert not ATOMICS.search(symbols), 'a shared word is not lock free'


@tap.case
def its_tests_pass():
    counts = dict(SUMMARY.findall(make('check-portable')))
    print('# ' + ', '.join(f'{v} {k}' for k, v in counts.items()))
    assert int(counts['PASS']) > 500, counts


if __name__ == '__main__':
    tap.main()
