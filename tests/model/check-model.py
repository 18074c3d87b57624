# SPDX-License-Identifier: BSD-2-Clause
"""Explores the models of doc/model.md with spin; started by `make check-model`.

A model has to hold in each of its settings: no error, and all states seen. Each
break of the protocol has to make spin find the error of the expected name. A
limit is an error that is known, and described in doc/model.md. Build trees stay
in model/ of the build tree; to see a counterexample there:
    cd model/NAME && spin OPTIONS -k MODEL.pml.trail -p -g MODEL.pml
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..'))
# pylint: disable=wrong-import-position
import tap

SRC = os.environ.get('top_srcdir', os.path.join(HERE, '..', '..'))
OUT = os.path.join(os.environ.get('top_builddir', '.'), 'model')
TIMEOUT_S = 900  # a machine may be busy
MEMORY_MB = 900  # each of two at a time

# No deaths, and a death of the sender or of the one receiver.
DATA = 'SENDERS=2 RECORDS=2 CELLS=3'
SPACE = 'SENDERS=1 RECORDS=4 CELLS=3'
ALL_LIVE = ' DEATHS=0 MORTAL=0'
LEAVING = 'SENDERS=2 RECORDS=1 CELLS=3 LEAVE' + ALL_LIVE
SENDER_LIVES = 'ENDS=2 SENDS=1 ONE_RECEIVER_LIFE'
RECEIVER_LIVES = 'ENDS=2 SENDS=2 ONE_SENDER_LIFE'
TOGETHER = 'SLOTS=1 TOGETHER DEATHS=0 FIELDS_ANYHOW'

# What has to hold: model, name, settings.
HOLDS = [
    ('wake', 'two senders, one may die', DATA + ' MORTAL=3 DEATHS=1 WEAK'),
    ('wake', 'full ring, either may die', SPACE + ' MORTAL=3 DEATHS=1 WEAK'),
    ('wake', 'two senders, full rings', 'SENDERS=2 RECORDS=2 CELLS=2' + ALL_LIVE),
    ('wake', 'a receiver that begins to poll for good', DATA + ALL_LIVE + ' FOR_GOOD WEAK'),
    ('wake', 'one that polls for good, full ring, either may die',
     SPACE + ' MORTAL=3 DEATHS=1 FOR_GOOD WEAK'),
    ('wake', 'one that polls for good, and a sender that leaves', LEAVING + ' FOR_GOOD'),
    ('wake', 'leaving, and a steward that dies',
     'SENDERS=1 RECORDS=2 CELLS=3 MORTAL=3 DEATHS=2 LEAVE RESTART WEAK'),
    ('link', 'a sender and its next incarnation', SENDER_LIVES),
    ('link', 'a receiver and its next incarnation', RECEIVER_LIVES),
    ('link', 'three ends', 'ENDS=3 SENDS=1 ONE_SENDER_LIFE'),
    ('link', 'a steward that sweeps, senders', SENDER_LIVES + ' SWEEP'),
    ('link', 'a steward that sweeps, receivers', 'ENDS=2 SENDS=1 ONE_SENDER_LIFE SWEEP'),
    ('slot', 'one slot, two deaths', 'SLOTS=1 DEATHS=2'),
    ('slot', 'two slots', 'SLOTS=2 DEATHS=1'),
    ('slot', 'two joiners of one id at once', TOGETHER),
    ('slot', 'marked dead while it runs', 'SLOTS=2 EVICT DEATHS=0 FIELDS_ANYHOW'),
]
# Every run ends: no cycle is reachable.
ENDS = [
    ('wake', 'two senders', DATA + ALL_LIVE),
    ('wake', 'polling for good, and a sender that leaves', LEAVING + ' FOR_GOOD'),
    ('wake', 'full ring, either may die', SPACE.replace('4', '3') + ' MORTAL=3 DEATHS=1'),
]
# What has to fail, by x86's store buffers unless WEAK: model, break, settings, error.
BROKEN = [
    ('wake', 'NO_F1', DATA + ALL_LIVE, 'data_lost'),
    ('wake', 'NO_F2', DATA + ALL_LIVE, 'data_lost'),
    ('wake', 'NO_F3', SPACE + ALL_LIVE, 'space_lost'),
    ('wake', 'NO_F4', SPACE + ALL_LIVE, 'space_lost'),
    ('wake', 'WAY_BACK', DATA + ALL_LIVE + ' FOR_GOOD', 'data_lost'),
    ('wake', 'NO_HOT', LEAVING + ' FOR_GOOD', 'data_lost'),
    ('wake', 'NO_DATA_LOOK', DATA + ALL_LIVE, 'data_lost'),
    ('wake', 'NO_SPACE_LOOK', SPACE + ALL_LIVE, 'space_lost'),
    ('wake', 'NO_OLD_VALUE', DATA + ALL_LIVE, 'data_lost'),
    ('wake', 'PLAIN_ASLEEP', DATA + ALL_LIVE, 'data_lost'),
    ('wake', 'PLAIN_EXCHANGE', DATA + ALL_LIVE, 'data_lost'),
    ('wake', 'SENDER_CLEARS', DATA + ' MORTAL=3 DEATHS=1', 'data_lost'),
    ('wake', 'NO_ZERO', SPACE + ALL_LIVE, 'bad_record'),
    ('wake', 'NO_RELEASE', DATA + ALL_LIVE + ' WEAK', 'bad_record'),
    ('wake', 'NO_TELL', DATA + ' MORTAL=3 DEATHS=1', 'link_leaked'),
    ('wake', 'NO_REVIEW', DATA + ' MORTAL=3 DEATHS=1', 'link_leaked'),
    ('link', 'PLAIN_CAS', SENDER_LIVES, 'two_owners'),
    ('link', 'NO_RECEIVER_CHECK', SENDER_LIVES, 'reader_disturbed'),
    ('link', 'NO_INCARNATION', SENDER_LIVES, 'link_leaked'),
    ('link', 'NO_REVIEW', SENDER_LIVES, 'link_leaked'),
    ('link', 'BROKEN_STAYS', RECEIVER_LIVES, 'link_leaked'),
    ('link', 'CLAIMED_STAYS', SENDER_LIVES, 'link_leaked'),
    ('link', 'NO_TELL', RECEIVER_LIVES, 'held_in_vain'),
    ('link', 'SWEEP_UNREAD', SENDER_LIVES + ' SWEEP', 'reader_disturbed'),
    ('link', 'PLAIN_SWEEP', SENDER_LIVES + ' SWEEP', 'two_owners'),
    ('slot', 'PLAIN_CAS', 'SLOTS=1 DEATHS=1', 'incarnation_stands'),
    ('slot', 'PLAIN_CAS', TOGETHER, 'incarnation_stands'),
    ('slot', 'SAME_INCARNATION', TOGETHER, 'two_owners'),
    ('slot', 'NO_STEWARD', 'SLOTS=1 DEATHS=1', 'slot_leaked'),
    ('slot', 'CLEAR_AT_JOIN', TOGETHER, 'wake_up_lost'),
    ('slot', 'CLEAR_AT_JOIN', 'SLOTS=1 EVICT DEATHS=0 FIELDS_ANYHOW', 'wake_up_lost'),
]
# What does not hold, and is said so: model, settings, error.
LIMITS = [
    ('slot', 'SLOTS=1 TOGETHER DEATHS=0', 'foreign_fields'),
    ('slot', 'SLOTS=1 EVICT DEATHS=0', 'foreign_fields'),
    ('slot', 'SLOTS=1 EVICT DEATHS=1 FIELDS_ANYHOW', 'wake_up_lost'),
    ('slot', 'SLOTS=2 TOGETHER DEATHS=0 FIELDS_ANYHOW', 'two_slots_of_one_id'),
    ('link', SENDER_LIVES + ' EVICT', '(two_owners|foreign_record)'),
]


def run(folder, *argv):
    done = subprocess.run(argv, cwd=folder, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False)
    return done.returncode, done.stdout


def explore(job):
    """Builds and runs one verifier; gives what it said."""
    model, settings, cycles = job
    folder = os.path.join(OUT, re.sub(r'\W+', '-', f'{model} {settings}' +
                                      (' ends' if cycles else '')))
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    shutil.copy(os.path.join(HERE, model + '.pml'), folder)
    spin = ['spin', *('-D' + s for s in settings.split()), '-a', model + '.pml']
    flags = ['-DNP'] if cycles else ['-DSAFETY']
    # Unoptimized for what is searched no longer than it is compiled.
    level = '-O2' if cycles or (model, settings) in LONG else '-O0'
    gcc = ['gcc', level, '-w', '-DCOLLAPSE', f'-DMEMLIM={MEMORY_MB}', *flags, '-o', 'pan', 'pan.c']
    for argv in (spin, gcc):
        rc, said = run(folder, *argv)
        if rc != 0 or 'rror:' in said:
            return f'{" ".join(argv)}: {rc}\n{said}'
    # -E: the models say themselves which end is right.
    return run(folder, './pan', '-E', '-m1000000', *(['-l'] if cycles else []))[1]


LONG = {(model, settings) for model, _, settings in HOLDS}
JOBS = ([(model, settings, False) for model, _, settings in HOLDS] +
        [(model, settings, True) for model, _, settings in ENDS] +
        [(model, f'{settings} {broken}', False) for model, broken, settings, _ in BROKEN] +
        [(model, settings, False) for model, settings, _ in LIMITS])
results = {}


def result(model, settings, cycles=False):
    tap.need('spin', 'gcc')
    if not results:
        # All at the first case: two at a time.
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            results.update(zip(JOBS, pool.map(explore, JOBS)))
    said = results[model, settings, cycles]
    states = re.search(r'^ *(\S+) states, stored', said, re.M)
    depth = re.search(r'depth reached (\d+)', said)
    assert states and depth, said[-3000:]
    print(f'# {states[1]} states, {depth[1]} steps at most')
    return said


def holds(said):
    assert 'errors: 0' in said, said[-3000:]
    for incomplete in ('max search depth too small', 'MEMLIM', 'out of memory'):
        assert incomplete not in said, f'not all states were seen: {said[-3000:]}'


def fails(said, error):
    found = re.search(r'assertion violated.*\b(\w+)\W*\(at depth', said)
    assert found, 'spin finds no error:\n' + said[-3000:]
    print(f'# {found[1]}')
    assert re.fullmatch(error, found[1]), f'expected {error}:\n{said[-3000:]}'


@tap.cases(HOLDS, key=lambda row: f'{row[0]}: {row[1]}')
def model_holds(model, _, settings):
    holds(result(model, settings))


@tap.cases(ENDS, key=lambda row: f'{row[0]}: {row[1]}')
def every_run_ends(model, _, settings):
    said = result(model, settings, True)
    assert 'non-progress cycles \t+' in said, said
    holds(said)


@tap.cases(BROKEN, key=lambda row: f'{row[0]}: {row[1]} ({row[2]})')
def broken_model_fails(model, broken, settings, error):
    fails(result(model, f'{settings} {broken}'), error)


@tap.cases(LIMITS, key=lambda row: f'{row[0]}: {row[2]} ({row[1]})')
def limit_is_as_described(model, settings, error):
    fails(result(model, settings), error)


@tap.case
def directory_enter_leaves_the_wake_word_alone():
    """As the model has it; CLEAR_AT_JOIN shows what comes of clearing it."""
    with open(os.path.join(SRC, 'src', 'directory.c'), encoding='utf-8') as f:
        body = re.search(r'^int directory_enter\(.*?^}', f.read(), re.M | re.S)
    assert body, 'src/directory.c: no directory_enter()'
    found = re.search(r'.*->wake.*', body[0])
    assert not found, f'src/directory.c: directory_enter(): {found[0].strip()}'


tap.main()
