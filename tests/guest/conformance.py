# SPDX-License-Identifier: BSD-2-Clause
"""The conformance suite in a real guest, on one of its ports: `make check-guest`.

conformance-guest.c runs it there, on the devices of one server. Each of its cases
is a case here. GUEST_CASES narrows a run to cases whose name holds one of these
words, as arguments do; "conformance" is all, and so is the port's name.
"""
import os
import re
import shlex
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import vm                                     # noqa: E402 (after the path)

PROGRAM = os.path.join(vm.BUILD, 'tests', 'guest', 'conformance-guest')
PEERS = 12     # a case opens up to 12 at once
VECTORS = 16
SIZE = '1M'    # the suite knows it
SECONDS = 1200 # deadline of all cases
SLOT = 8       # of the first device; those below are q35's own
# check's own line: "ok 1 - conformance-raw.c:raw:bad_ring: Passed", and a failed
# one's message instead.
LINE = re.compile(r'(not )?ok \d+ - [^:]*:(.*)')


def devices(path, count):
    words = []
    for i in range(count):
        words += ['-chardev', f'socket,path={path},id=iv{i}', '-device',
                  f'ivshmem-doorbell,chardev=iv{i},vectors={VECTORS},addr={SLOT + i:x}.0']
    return words


class Report:
    """Prints TAP, numbered anew: the guest's cases and those left out there."""

    def __init__(self, port):
        self.port = port
        self.count = 0

    def say(self, good, name, more=''):
        self.count += 1
        print(f'{"" if good else "not "}ok {self.count} - {self.port}: {name}{more}',
              flush=True)

    def line(self, text):
        """One line of the program in the guest."""
        found = LINE.match(text)
        if found:
            case, _, message = found[2].partition(': ')
            self.say(not found[1], case.replace('_', ' '))
            if found[1]:
                print('# ' + message, flush=True)
        elif text.startswith('skip '):
            name, _, reason = text[len('skip '):].partition(': ')
            self.say(True, name.replace('_', ' '), f' # SKIP {reason}')
        elif text:
            print('# ' + text, flush=True)


def run(machine, report, words, addresses):
    """Shows each case as it ends; returns the program's status."""
    everything = {'conformance', report.port} & set(words)
    cases = '' if everything else ' '.join(words)
    job = machine.spawn(f'env CASES={shlex.quote(cases)} CK_TIMEOUT_MULTIPLIER=5 '
                        f'conformance-guest {report.port} ' + ' '.join(addresses))
    shown, end = 0, time.monotonic() + SECONDS
    while True:
        over = job.ended()
        lines = job.output(shown + 1).split('\n')[:-1]
        for text in lines:
            report.line(text)
        shown += len(lines)
        if over:
            return job.wait()[0]
        assert time.monotonic() < end, f'not within {SECONDS} s: the suite ends'
        time.sleep(1)    # between two looks


def skip(why):
    """A missing tool is a failure where CI is set."""
    if os.environ.get('CI'):
        print(f'1..1\nnot ok 1 - {why} (a failure because CI is set)')
        return 1
    print(f'1..0 # SKIP {why}')
    return 0


def own_programs():
    if not os.path.exists(PROGRAM):
        raise vm.Missing('conformance-guest is not built: no static libcheck '
                         '(Debian: check, libsubunit-dev)')
    return {'bellring': os.path.join(vm.BUILD, 'bellring-static'),
            'conformance-guest': PROGRAM}


def boot_and_run(report, words, prepare, shared, boot, options):
    count = PEERS // 2 if shared else PEERS
    names = [f'pci:00:{SLOT + i:02x}.0' for i in range(count)]
    with vm.Server(size=SIZE, vectors=VECTORS) as server, boot(
            'conformance', qemu_options=devices(server.path, count),
            **options) as machine:
        prepare(machine, names)
        return run(machine, report, words,
                   [name for name in names for _ in range(PEERS // count)])


def main(port, prepare, shared=False, boot=vm.Guest, programs=own_programs, **options):
    """Runs the suite on that port; returns the exit status.

    prepare(machine, addresses) makes it the one that serves them; shared: two
    peers a device, as processes can share it; boot: the Guest's class; programs():
    what it gets; options: its own.
    """
    words = [re.sub(r'\W+', '_', word.lower())
             for word in sys.argv[1:] + os.environ.get('GUEST_CASES', '').split()]
    report = Report(port)
    try:
        status = boot_and_run(report, words, prepare, shared, boot,
                              dict(options, programs=programs()))
    except vm.Missing as e:
        return skip(str(e))
    except AssertionError as e:
        print('\n'.join('# ' + text for text in str(e).splitlines()))
        report.say(False, 'runs to its end')
        status = 1
    if status not in (0, 1):
        report.say(False, f'ends with status {status}')
    if not report.count and not status:
        print(f'1..0 # SKIP no case is called {" or ".join(words)}')
        return 0
    print(f'1..{report.count}', flush=True)
    return status and 1
