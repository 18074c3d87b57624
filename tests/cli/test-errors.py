# SPDX-License-Identifier: BSD-2-Clause
"""Wrong usage and everything that can fail: exit status and text of each."""
import os
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bellring import (end, equal, fake_server, greeting, matches, overwrite, place,
                      stop, tap, until)

COMMANDS = ['info', 'peers', 'ring', 'watch', 'send', 'recv', 'ping', 'bind', 'bench',
            'list', 'qemu', 'libvirt']

# Arguments, and what stderr has to say beside the usage. Nothing is opened.
WRONG = [
    ([], 'a command is missing'),
    (['frobnicate'], 'frobnicate: unknown command'),
    (['--frobnicate', 'info'], '--frobnicate: unknown option'),
    (['-x', 'info'], '-x: unknown option'),
    (['info', '--frobnicate'], 'info: --frobnicate: unknown option'),
    (['info', '-x'], 'info: -x: unknown option'),
    (['--json=1', 'info'], '--json=1: takes no value'),
    (['-a'], '-a: needs a value'),
    (['--address'], '--address: needs a value'),
    (['--wait', 'never', 'info'], '--wait never: not one of interrupt poll adaptive'),
    (['-t', 'soon', 'info'], '--timeout soon: not a number of seconds'),
    (['-t', '-1', 'info'], '--timeout -1: not a number of seconds'),
    (['-t', '1e99', 'info'], '--timeout 1e99: not a number of seconds'),
    (['info', 'more'], 'info: more: one argument too many'),
    (['ring', 'peer'], 'ring: an argument is missing'),
    (['ring', 'peer', '256'], 'vector out of range: not a number from 0 to 255'),
    (['ring', 'peer', 'x'], 'vector out of range: not a number from 0 to 255'),
    (['ring', 'peer', '1x'], 'vector out of range: not a number from 0 to 255'),
    (['send'], 'send: an argument is missing'),
    (['send', 'peer', 'text', 'more'], 'send: more: one argument too many'),
    (['send', '-f', 'file', 'peer', 'text'], 'send: both TEXT and -f FILE'),
    (['send', '--tag', '65536', 'peer', 'x'], '--tag 65536: not a number from 0 to 65535'),
    (['recv', '-n', '0'], '--count 0: not a number of 1 or more'),
    (['recv', '-n', 'many'], '--count many: not a number of 1 or more'),
    (['watch', '-c', '-5'], '--count -5: not a number of 1 or more'),
    (['ping'], 'ping: an argument is missing'),
    (['bench', '--once'], 'bench: --once without --serve'),
    (['bench', '--serve', 'peer'], 'bench: both --serve and a PEER'),
    (['bench', '--rounds', '1001'], '--rounds 1001: not a number from 1 to 1000'),
]


@tap.cases(WRONG, key=lambda row: ' '.join(row[0]) or 'nothing')
@place(server=False)
def wrong_usage(at, args, text):
    status, out, err = at.run(*args)
    equal((status, out), (2, ''), err)
    matches(err, r'(?m)^usage: bellring ')
    equal(text in err, True, err)


@tap.cases([(c,) for c in COMMANDS])
@place(server=False)
def help_of(at, command):
    status, out, err = at.run(command, '--help')
    equal((status, err), (0, ''))
    matches(out, rf'^usage: bellring {command}')
    equal(at.run('-h')[1].count(f'\n  {command} '), 1)


@tap.case
@place(server=False)
def version(at):
    matches(at.ok('--version'), r'^bellring \d+\.\d+\.\d+\n$')


ADDRESSES = [
    ('', 1, r'open no address: invalid argument: .*unix:'),
    ('nonsense', 1, r'open nonsense: invalid argument: .*unix:'),
    ('tcp:host', 1, r'open tcp:host: invalid argument: .*unix:'),
    ('unix:', 1, r'open unix:: invalid argument'),
    ('unix:/nonexistent/socket', 1,
     r'open unix:/nonexistent/socket: no such device or server: .*/nonexistent/socket'),
    ('unix:/' + 200 * 'x', 1, r'open unix:/x+: invalid argument'),
]


@tap.cases(ADDRESSES, key=lambda row: row[0][:30] or 'none')
@place(server=False)
def bad_address(at, address, want, pattern):
    status, out, err = at.run('info', env={'BELLRING_ADDRESS': address})
    equal((status, out), (want, ''), err)
    matches(err, '^bellring: ' + pattern)


@tap.case
@place(server=False)
def nobody_listens(at):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(at.socket)  # as a server leaves it that crashed
    status, out, err = at.run('info')
    equal((status, out), (1, ''))
    matches(err, r'no such device or server: .*socket')


# What a server says before it hangs up, or (hold) falls silent.
GREETINGS = [
    ('another version', greeting(7), False, 1, 'unsupported version'),
    ('nothing', b'', False, 1, 'server broke the protocol'),
    ('half a number', b'\0\0\0', False, 1, 'server broke the protocol'),
    ('no id', greeting(0), False, 1, 'server broke the protocol'),
    ('no memory', greeting(0, 3), False, 1, 'server broke the protocol'),
    ('memory without a descriptor', greeting(0, 3, -1), False, 1,
     'server broke the protocol'),
    ('an id out of range', greeting(0, 70000), False, 1, 'server broke the protocol'),
    ('silence', greeting(0, 3), True, 3, 'nothing came in time'),
]


@tap.cases(GREETINGS)
@place(server=False)
def bad_greeting(at, _name, data, hold, want, text):
    with fake_server(at.socket, data, hold):
        status, out, err = at.run('-t', '0.3', 'info')
    equal((status, out), (want, ''), err)
    matches(err, f'^bellring: open unix:.*: {text}')


JOINERS = [['recv'], ['send', '0', 'text'], ['ping', '0'], ['bench', '--quick']]


@tap.cases(JOINERS, key=lambda row: row[0])
@place('-l', '1M', '--raw')
def memory_of_another_layout(at, *args):
    overwrite(at.socket, 0, b'no bus in here. ' * 256)
    status, out, err = at.run('-t', '5', *args)
    equal((status, out), (1, ''), err)
    matches(err, r'shared memory has another layout: ')


@tap.case
@place('-l', '1M')
def memory_of_another_version(at):
    overwrite(at.socket, 8, b'\x63\x00')  # layout_header.major, doc/layout.md
    status, out, err = at.run('-t', '5', 'recv')
    equal((status, out), (1, ''), err)
    matches(err, r'unsupported version: ')


@tap.case
@place('-l', '1M', '--raw')
def info_of_memory_without_a_bus(at):
    out = at.ok('info')
    matches(out, r'(?m)^bus +not formatted$')
    matches(out, r'(?m)^raw +1048576 bytes$')


ABSENT = [['ring', 'nobody', '0'], ['send', 'nobody', 'text'], ['ping', 'nobody'],
          ['bench', 'nobody'], ['ring', '999', '0'], ['send', '999', 'text'],
          ['send', '-w', '0.2', 'nobody', 'text']]


@tap.cases(ABSENT, key=lambda row: ' '.join(row))
@place('-l', '1M')
def absent_peer(at, *args):
    status, out, err = at.run(*args)
    equal((status, out), (3, ''), err)
    matches(err, f'^bellring: {args[0]} .*: peer not present: ')


@tap.case
@place('-l', '1M', '-n', '4')
def vector_that_the_peer_lacks(at):
    at.receiver('four')
    status, out, err = at.run('ring', 'four', '4')
    equal((status, out), (1, ''))
    matches(err, r'^bellring: ring four 4: vector out of range: '
                 r'four \(id \d+\) has 0 to 3\n$')


@tap.case
@place('-l', '1M')
def name_in_use(at):
    at.receiver('twin')
    status, out, err = at.run('--name', 'twin', 'recv')
    equal((status, out), (1, ''))
    matches(err, r'^bellring: join unix:.*: already exists: .*twin')


@tap.cases([('too long', 64 * 'x'), ('empty', ''), ('control character', 'a\tb')])
@place('-l', '1M')
def bad_name(at, _what, name):
    status, out, err = at.run('--name', name, 'recv')
    equal((status, out), (1, ''))
    matches(err, r'^bellring: join unix:.*: invalid argument: ')


@tap.case
@place('-l', '1M')
def unreadable_file(at):
    status, out, err = at.run('send', '-f', at.path('absent'), 'nobody')
    equal((status, out), (1, ''))
    matches(err, r'^bellring: send nobody: opening .*absent: No such file')


@tap.case
@place('-l', '1M')
def reading_fails_midway(at):
    receiver = at.receiver('r', '-o', at.path('out'))
    status, out, err = at.run('send', '-f', at.dir, 'r')  # a directory: EISDIR
    equal((status, out), (1, ''))
    matches(err, r'^bellring: send r: reading .*: Is a directory')
    equal(receiver.poll(), None)  # nothing was sent


@tap.case
@place('-l', '1M')
def unwritable_file(at):
    status, out, err = at.run('recv', '-o', '/nonexistent/file')
    equal((status, out), (1, ''))
    matches(err, r'^bellring: recv: opening /nonexistent/file: No such file')


NOT_JOINED = [('no server', ['-a', 'unix:/nonexistent/socket'], 1),
              ('name in use', ['--name', 'r'], 1)]


@tap.cases(NOT_JOINED)
@place('-l', '1M')
def output_file_survives_a_receiver_that_does_not_join(at, _name, options, want):
    at.receiver('r')
    path = at.path('kept')
    with open(path, 'w') as f:
        f.write('precious')
    status, out, err = at.run(*options, 'recv', '-o', path)
    equal((status, out), (want, ''), err)
    with open(path) as f:
        equal(f.read(), 'precious')
    status, _, err = at.run('-t', '0.1', 'recv', '-o', path)  # it joins
    equal((status, os.path.getsize(path)), (3, 0), err)


@tap.cases([('info',), ('peers',), ('recv',)])
@place('-l', '1M')
def full_disk(at, command):
    with open('/dev/full', 'wb') as full:
        p = at.start('--name', 'full', command, stdout=full)
        if command == 'recv':
            until(lambda: at.live('full'), 'full on the bus')
            at.ok('send', 'full', 'text')
        status, _, err = end(p)
    equal(status, 1)
    matches(err, r'(?i)^bellring: .*standard output: no space left')
    equal(err.count('\n'), 1)


def server_gone(command):
    return (f'bellring: {command}: server is gone: known peers still reach each other, '
            'nobody new does\n')


def stop_server(at):
    server = at.started[0]
    server.send_signal(signal.SIGTERM)
    equal(server.wait(), 0)


@tap.case
@place('-l', '1M')
def server_goes_away_under_a_receiver(at):
    receiver = at.receiver('r')
    r, w = os.pipe()
    with open(r, 'rb') as stdin:
        sender = at.popen(at.argv('--name', 's', 'send', 'r'), stdin=stdin, env=at.env(),
                          stderr=subprocess.PIPE)
    with open(w, 'wb') as pipe:
        until(lambda: at.live('s'), 's on the bus')
        stop_server(at)
        equal(receiver.stderr.readline().decode(), server_gone('recv'))
        # Known peers still ring each other: QEMU, docs/specs/ivshmem-spec.rst.
        pipe.write(b'text')
    equal(end(sender)[0], 0)
    equal(end(receiver), (0, 'text', ''))


@tap.cases([('recv', ['recv'], 1, 'bellring: recv: interrupted\n'),
            ('recv --follow', ['recv', '--follow'], 0, ''),
            ('watch', ['watch'], 0, ''),
            ('bench --serve', ['bench', '--serve'], 0, '')])
@place('-l', '1M')
def server_goes_away_and_a_signal_ends(at, _name, args, want, text):
    p = at.start('--name', 'me', *args)
    if args == ['watch']:
        matches(p.stderr.readline().decode(), 'watching as id')
    else:
        until(lambda: at.live('me'), 'me on the bus')
    stop_server(at)
    equal(p.stderr.readline().decode(), server_gone(args[0]))
    status, out, err = stop(p)
    equal((status, err), (want, text), out)
    equal('server-lost' in out, args == ['watch'], out)


@tap.case
@place(server=False)
def bind_outside_a_guest(at):
    status, out, err = at.run('bind', 'pci:ffff:1f:1f.7')
    equal((status, out), (1, ''))
    matches(err, r'^bellring: bind pci:ffff:1f:1f\.7: ')


tap.main()
