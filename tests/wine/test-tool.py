#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The tool on Windows: its arguments, its three standard streams, its ends.

bellring.exe under Wine, beside Linux's own tool on the host. What it does when peers,
servers or drivers fail is in test-two.py and test-modes.py.
"""
import contextlib
import json
import os
import random
import re
import select
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import windows                                # noqa: E402 (after the path)
from windows import listen, machine, run, start  # noqa: E402
import connections                            # noqa: E402 (windows.py knows where)
import tap                                    # noqa: E402
import vm                                     # noqa: E402
import wine                                   # noqa: E402
from children import Child, until             # noqa: E402
from rig import (TOOL, VECTORS, ended, host, host_start, live, named,  # noqa: E402
                 objects, rig, watcher_id)

TEXT = 'Grüße, 你好 ✓ 𝄞'
NAME = 'größe-✓'
MIB = 1 << 20
BOTH = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE}
SECONDS = 20         # deadline of what takes less than one
SOON = 3             # seconds until Ctrl-C has ended a program
IDLE_SECONDS = 0.5   # of a measurement
IDLE_SHARE = 0.0005  # of a core at most: less than 60 looks a second need


def address(number):
    return f'pci:{machine().address(number)}'


def tool(*args, **how):
    """A wine.Run of the tool with these arguments and no others."""
    return machine().run(windows.tool(), *args, **how)


def place(name):
    return os.path.join(os.path.dirname(rig.server.path), name)


def host_child(*args, **pipes):
    return Child([TOOL, '-a', rig.server.address, *args], **pipes)


def host_gets(deed, *options):
    """What a receiver on the host writes, who runs while the deed is done."""
    with host_start('--name', 'host', 'recv', *options) as child:
        live('host')
        deed()
        return ended(child)


def says(child, word):
    """Waits until it says that."""
    until(lambda: word in child.said() or child.check(), word, SECONDS, 0.02)


def output(child, given=None):
    """Bytes of its standard output, a pipe; it is given those, and must end well."""
    data, _ = child.process.communicate(given, timeout=SECONDS)
    ended(child)
    return data


def cases(table):
    """@windows.case for each row: the first word of it is for the case's name."""
    def wrap(fn):
        for name, *row in table:
            def one(row=row):
                fn(*row)
            one.__name__ = f'{fn.__name__}: {name}'
            windows.case(one)
        return fn
    return wrap


# ---- what is said, and where --------------------------------------------------------

@windows.case
def version_and_help_are_data():
    done = tool('--version')
    assert (done.status, done.err) == (0, ''), done.err
    assert re.fullmatch(r'bellring \d+\.\d+\.\d+.*\n', done.out), done.out
    done = tool('--help')
    assert (done.status, done.err) == (0, ''), done.err
    for command in ('bench', 'call', 'doctor', 'forward', 'info', 'list', 'peers', 'ping',
                    'pipe', 'pub', 'recv', 'ring', 'send', 'serve', 'sub', 'watch'):
        assert re.search(rf'^ +{command} ', done.out, re.M), f'no {command}: {done.out}'
    done = tool('recv', '--help')
    assert (done.status, done.err) == (0, '') and '--follow' in done.out, done.out


# Arguments, the exit status, a word of what is said.
ENDS = [
    ('all well', ['info'], 0, ''),
    ('no file to send', ['send', 'host', '-f', 'Z:\\no\\größe'], 1, 'no\\größe'),
    ('no folder to write to', ['recv', '-o', 'Z:\\no\\größe'], 1, 'no\\größe'),
    ('unknown option', ['--nothing'], 2, '--nothing'),
    ('unknown command', ['nothing'], 2, 'nothing: unknown command'),
    ('too few operands', ['send'], 2, 'usage: bellring send'),
    ('nobody there', ['send', 'nobody', TEXT], 3, 'peer not present'),
    ('too late', ['-t', '0.1', 'recv'], 3, 'bellring: '),
]


@cases(ENDS)
def exit_statuses(args, status, word):
    done = tool('-a', address(0), *args)
    assert done.status == status, (done.status, done.out, done.err)
    assert bool(done.out) == (status == 0), f'on standard output: {done.out}'
    assert bool(done.err) == (status != 0) and word in done.err.lower(), done.err


@cases([(name, name, where) for name, where in (
    ('server', 'on the host'), ('qemu', 'on the host'), ('libvirt', 'on the host'),
    ('bind', 'Linux guests'))])
def what_runs_elsewhere_says_where(command, where):
    done = tool(command)
    assert done.status == 2 and where in done.err and not done.out, (done.out, done.err)


@windows.case
def a_newline_is_one_byte_in_a_pipe():
    for args in (['--help'], ['--json', 'list'], ['-a', address(0), 'info'], ['nothing']):
        done = tool(*args, binary=True)
        assert b'\n' in done.out + done.err and b'\r' not in done.out + done.err, done.out


# ---- addresses ----------------------------------------------------------------------

def opened(*args, **how):
    return json.loads(tool(*args, '--json', 'info', **how).check())


@windows.case
def the_environment_has_the_address():
    env = {'BELLRING_ADDRESS': address(1)}
    theirs, own = opened(env=env), opened('-a', address(0), env=env)
    assert address(1)[4:] in theirs['address'] and address(0)[4:] in own['address']
    assert theirs['id'] != own['id']


@windows.case
def a_device_by_the_name_of_its_memory():
    with vm.Server('--name', 'second', size='2M') as server:
        machine().add(wine.Device(server.path, 2))
        try:
            found = opened('-a', 'pci:second')
        finally:
            machine().remove(2)
    assert (found['name'], found['memory'], found['vectors']) == ('second', 2 * MIB, 2), found
    done = tool('-a', 'pci:third', 'info')
    assert done.status == 1 and 'third' in done.err, (done.status, done.err)


@windows.case
def devices_and_peers_as_json():
    listen(1, 'recv')
    found = {d['address']: d for d in objects(tool('--json', 'list').check())}
    assert len(found) == windows.DEVICES, found
    for number in range(windows.DEVICES):
        device = found[f'pci:0000:{machine().address(number)}']
        assert (device['memory'], device['doorbell']) == (64 * MIB, True), device
        assert device['driver'].lower() == 'ivshmem' and device['port'] == 'driver', device
    mine = json.loads(run(0, '--json', 'info'))
    assert (mine['memory'], mine['vectors']) == (64 * MIB, VECTORS), mine
    found = objects(run(0, '--json', 'peers'))
    theirs = [(p['kind'], p['vectors'], p['state']) for p in found if p['name'] == 'win1']
    assert theirs == [('windows', VECTORS, 'live')], found


# ---- UTF-8 --------------------------------------------------------------------------

@windows.case
def texts_in_utf_8_both_ways():
    got = json.loads(host_gets(lambda: run(0, 'send', 'host', TEXT), '--json', '-n', '1'))
    assert got['text'] == TEXT, got
    child = listen(0, 'recv', stdout=subprocess.PIPE)
    host('send', 'win0', TEXT)
    assert output(child) == TEXT.encode()
    child = listen(0, '--json', 'recv', '-n', '1', stdout=subprocess.PIPE)
    run(1, 'send', 'win0', TEXT)
    assert json.loads(output(child))['text'] == TEXT


@windows.case
def names_are_ascii_and_others_are_told_of_as_given():
    """As on Linux; of UTF-8, where a code page would have other bytes."""
    done = tool(*windows.words(0, 'send', NAME, 'x'))
    assert done.status == 3 and f'nobody on the bus is called {NAME}' in done.err, done.err
    done = tool(*windows.words(0, '--name', NAME, 'recv'))
    assert done.status == 1 and 'name: byte 3 is not a printable ASCII' in done.err, done.err


@windows.case
def a_file_whose_path_is_long_and_not_ascii():
    """More than 260 characters, Windows' MAX_PATH, and not of its code page."""
    folder = os.path.join(rig.server.path + '.d', *['ÿ✓' * 25] * 6)
    os.makedirs(folder)
    data = random.randbytes(3 * MIB + 1)
    source, target = (os.path.join(folder, name) for name in ('von ✓', 'nach ✓'))
    assert len(machine().path(target)) > 300
    with open(source, 'wb') as f:
        f.write(data)
    child = listen(0, 'recv', '-o', machine().path(target))
    run(1, 'send', 'win0', '-f', machine().path(source))
    ended(child)
    with open(target, 'rb') as f:
        assert f.read() == data


# ---- standard input -----------------------------------------------------------------

def host_receives(deed):
    """Bytes of one message."""
    path = place('received')
    with host_start('--name', 'host', 'recv', '-o', path) as child:
        live('host')
        deed()
        ended(child)
    with open(path, 'rb') as f:
        return f.read()


LINES = 'eins\r\nzwei\n\x1a drei ✓'.encode()    # 0x1a ends a text for Microsoft's library


@windows.case
def standard_input_is_nul():
    assert host_receives(lambda: ended(start(0, 'send', 'host'))) == b''


@windows.case
def standard_input_is_a_file():
    data = LINES + random.randbytes(2 * MIB)
    words = windows.words(0, 'send', 'host')
    assert host_receives(lambda: tool(*words, stdin=data).check()) == data


@windows.case
def standard_input_is_a_pipe():
    data = LINES + random.randbytes(2 * MIB)

    def send():
        child = start(0, 'send', 'host', stdin=subprocess.PIPE)
        child.process.communicate(data, timeout=SECONDS)
        ended(child)
    assert host_receives(send) == data


# ---- messages -----------------------------------------------------------------------

@windows.case
def a_ring_is_watched():
    watch = start(1, '--json', 'watch', '-c', '1', stdout=subprocess.PIPE)
    run(0, 'ring', watcher_id(watch), 3)
    assert [m['vector'] for m in objects(output(watch).decode())] == [3]


@windows.case
def a_ping_gives_times():
    listen(1, 'recv')
    *got, last = objects(run(0, '--json', 'ping', '-c', '3', '-i', '0.05', 'win1'))
    assert [m['seq'] for m in got] == [1, 2, 3] and all(m['time_us'] > 0 for m in got), got
    assert (last['sent'], last['answered']) == (3, 3), last
    done = tool(*windows.words(0, '-t', '0.2', 'ping', '-c', '1', 'nobody'))
    assert done.status == 3, (done.status, done.err)


def published(publish):
    """Publishes until somebody has subscribed: exit status 3 until then."""
    until(lambda: publish() == 0, 'somebody gets it', SECONDS,
          0.05)


@windows.case
def topics_both_ways():
    child = start(0, '--json', 'sub', '-n', '1', 'news', stdout=subprocess.PIPE)
    published(lambda: tool(*windows.words(1, 'pub', 'news', TEXT)).status)
    got = json.loads(output(child))
    assert (got['topic'], got['text']) == ('news', TEXT), got
    with host_start('--json', 'sub', '-n', '1', 'news') as child:
        published(lambda: tool(*windows.words(1, 'pub', 'news', TEXT)).status)
        assert json.loads(ended(child))['text'] == TEXT
    child = start(0, 'sub', '-n', '1', 'news', stdout=subprocess.PIPE)
    published(lambda: subprocess.run([TOOL, '-a', rig.server.address, 'pub', 'news', TEXT],
                                     check=False, capture_output=True).returncode)
    assert output(child).decode().rstrip('\n').endswith(TEXT)


# ---- streams ------------------------------------------------------------------------

@windows.case
def a_pipe_both_ways_at_once():
    there, back = random.randbytes(8 * MIB + 1), random.randbytes(8 * MIB - 1)
    with host_child('--name', 'host', 'pipe', '--listen', **BOTH) as far:
        near, got = start(0, 'pipe', '-w', '20', 'host', **BOTH), []
        thread = threading.Thread(target=lambda: got.append(output(far, back)))
        thread.start()
        assert output(near, there) == back
        thread.join()
    assert got == [there], [len(data) for data in got]


@windows.case
def a_pipe_whose_reader_leaves():
    with host_child('--name', 'host', 'pipe', '--listen', **BOTH) as far:
        near = start(0, 'pipe', '-w', '20', 'host', **BOTH)
        far.process.stdin.write(b'x')
        far.process.stdin.flush()
        assert select.select([near.process.stdout], [], [], SECONDS)[0], near.said()
        assert near.process.stdout.read(1) == b'x'
        near.process.stdout.close()
        far.process.communicate(bytes(64 * MIB), timeout=SECONDS)
        assert far.wait() == 1 and 'bellring: ' in far.said(), far.said()
        assert near.wait(SECONDS) == 1 and 'bellring: ' in near.said(), near.said()


# ---- connections --------------------------------------------------------------------

@windows.case
def connections_from_windows_to_the_host():
    with connections.EchoServer() as echo, \
            host_start('-v', '--name', 'host', 'forward', '--serve', '--allow',
                       echo.target) as far:
        says(far, 'serving as host')
        connections.pass_through(start(0, '-v', 'forward', 'tcp:127.0.0.1:0',
                                       f'host:{echo.target}'))


@windows.case
def connections_from_the_host_to_windows():
    with connections.EchoServer() as echo:
        says(start(0, '-v', 'forward', '--serve', '--allow', echo.target), 'serving as win0')
        with host_start('-v', 'forward', 'tcp:127.0.0.1:0', f'win0:{echo.target}') as near:
            connections.pass_through(near)


# ---- commands -----------------------------------------------------------------------

def served(*command):
    """Device 1 serves any method by it; returns the Child."""
    child = start(1, '-v', 'serve', 'any', *command)
    says(child, 'serving as win1')
    return child


def inner(*args):
    """The tool itself, at device 0, as what is served."""
    return machine().path(windows.tool()), *windows.words(0, *args)


@windows.case
def bytes_to_a_command_and_back():
    """Windows' own command asks the host, so that they go through all its streams."""
    data = LINES + random.randbytes(100000)
    with host_start('-v', '--name', 'host', 'serve', '9', 'cat') as far:
        says(far, 'serving as host')
        served(*inner('call', 'host', '9'))
        with host_child('call', 'win1', '1', **BOTH) as call:
            assert output(call, data) == data


@cases([('blanks', ' a  b '), ('quotes', 'say "a b" now"'), ('UTF-8', TEXT),
        ('backslashes', 'C:\\a b\\\\"c\\\\\\" \\'), ('what cmd.exe reads', '%PATH% ^& |')])
def arguments_of_a_command(text):
    served(*inner('send', 'host', text))
    assert host_gets(lambda: host('call', 'win1', '1', '')) == text


@windows.case
def a_command_is_told_who_asks_and_what():
    served('cmd.exe', '/c', 'echo %BELLRING_CALLER% %BELLRING_METHOD%')
    caller, method = run(0, 'call', 'win1', '4711', '').split()
    assert method == '4711' and caller == str(json.loads(run(0, '--json', 'info'))['id'])


@cases([('its words', ['cmd.exe', '/c', 'echo no luck 1>&2 & exit 5'], 'no luck'),
        ('its status', ['cmd.exe', '/c', 'exit 5'], 'exit status 5'),
        ('there is none', ['no-such-program'], 'no-such-program')])
def a_command_that_fails(command, want):
    served(*command)
    done = tool(*windows.words(0, 'call', 'win1', '1', 'x'))
    assert (done.status, done.out) == (1, ''), (done.status, done.out)
    assert want in done.err, done.err


def runs_on(deed):
    """The deed ends a command of a command: one that would hold device 0 for ever."""
    server = served('cmd.exe', '/c', *inner('recv', '--follow'))
    with host_child('call', 'win1', '1', '') as call:
        live('win0')
        assert tool(*windows.words(0, 'info')).status == 1, 'device 0 is held'
        deed(call, server)
        try:
            until(lambda: tool(*windows.words(0, 'info')).status == 0, 'it was killed', 5,
                  0.05)
        except AssertionError:
            windows.close()    # or it had the device for all other cases
            raise


@windows.case
def a_command_ends_when_its_caller_does():
    def interrupt(call, server):
        call.kill(signal.SIGINT)
        server.check()
    runs_on(interrupt)


@windows.case
def a_command_ends_when_serve_is_killed():
    runs_on(lambda _call, server: server.kill())


# ---- ends and idleness --------------------------------------------------------------

def used_ns(child):
    """CPU time of all its threads: Documentation/scheduler/sched-stats.rst."""
    folder, total = f'/proc/{child.pid}/task', 0
    for thread in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):    # it ended
            with open(f'{folder}/{thread}/schedstat', encoding='ascii') as f:
                total += int(f.read().split()[0])
    return total


def share(child):
    """Of a core, which it uses for a while."""
    before, begin = used_ns(child), time.monotonic()
    time.sleep(IDLE_SECONDS)
    return (used_ns(child) - before) / 1e9 / (time.monotonic() - begin)


def sleeps(child):
    """It may have something to end at first."""
    until(lambda: share(child) < IDLE_SHARE, 'it sleeps', 10)


@windows.case
def who_waits_uses_no_cpu():
    sleeps(listen(0, 'recv', '--follow'))
    polls = listen(1, '--wait', 'poll', 'recv', '--follow')
    assert share(polls) > 0.02, 'the measure sees no polling'


@cases([('recv', ['recv', '--follow'], 0), ('polling', ['--wait', 'poll', 'recv', '-F'], 0),
        ('pipe', ['pipe', '--listen'], 1), ('serve', ['serve', '1', 'cmd.exe'], 0),
        ('forward', ['forward', '--serve', '--allow', 'tcp:1'], 0)])
def ctrl_c_ends_it_soon(args, status):
    child = listen(0, *args, stdin=subprocess.PIPE)
    begin = time.monotonic()
    child.process.send_signal(signal.SIGINT)
    assert child.wait(SECONDS) == status, child.said()
    assert time.monotonic() - begin < SOON
    assert not named('win0'), 'it took leave'


# ---- looking at itself --------------------------------------------------------------

@windows.case
def the_doctor_finds_a_healthy_device():
    done = tool('--json', 'doctor', address(0))
    checks = objects(done.check())
    assert {'device', 'driver', 'msi-x'} <= {c['check'] for c in checks}, checks
    ill = [c for c in checks if c['result'] not in ('ok', 'skipped')]
    assert not ill, ill


@windows.case
def bench_measures_another_peer():
    listen(1, 'bench', '--serve', '--once')
    lines = objects(run(0, '--json', 'bench', '--quick', '--load', 'trip,stream,idle',
                        '--sizes', '8', '--idle', '0.2', 'win1'))
    kinds = {line['type'] for line in lines}
    assert {'latency', 'throughput', 'idle', 'ratio'} <= kinds, lines
    for line in lines:
        if line['type'] == 'latency':
            assert 0 < line['p50_us'] <= line['p99_us'] <= line['max_us'], line
        if line['type'] == 'throughput':
            assert line['messages_per_s'] > 0, line


if __name__ == '__main__':
    tap.main()
