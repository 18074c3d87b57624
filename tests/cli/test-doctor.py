# SPDX-License-Identifier: BSD-2-Clause
"""The doctor on a host: real servers, and each thing broken once.

Where the remedy is a command that can be typed here, the case types it, and the
doctor has to be content then. QEMU's faults are in tests/device.
"""
import contextlib
import os
import re
import shutil
import socket
import subprocess

from bellring import BUILD, TOOL, equal, matches, objects, place, until
from doctoring import (NOBODY, content, crowd, doctor, kill_server, limited, only_failure,
                       serves, told, typed)
import tap
import ivshmem

# ---- nothing wrong -----------------------------------------------------------------

@tap.case
@place('-l', '4M')
def nothing_is_wrong(at):
    lines = content(at)
    for check in ('socket', 'rights', 'open', 'vectors', 'doorbell', 'memory', 'speed',
                  'bus', 'peers', 'pages', 'descriptors'):
        told(lines, check, 'ok', '')
    told(lines, 'doorbell', 'ok', 'all 16 vectors')
    told(lines, 'memory', 'ok', '^4096 KiB')
    matches(lines['server'][1]['what'], 'memfd, sealed')
    equal(at.run('peers')[0], 0)    # it left nothing behind


@tap.case
@place('-l', '4M')
def text_for_people(at):
    out = at.ok('doctor', at.address)
    lines = out.splitlines()
    assert all(re.match(r'(ok|warning|failure|skipped) +[a-z]+ +\S| +try: +\S', s)
               for s in lines[:-1]), out
    matches(lines[-1], r'^\d+ ok, \d+ warnings?, 0 failures, \d+ skipped \(unix:\S+\)$')
    equal(out.count('\nok '), int(re.search(r'(\d+) ok', lines[-1]).group(1)) - 1)


@tap.case
@place(server=False)
def remedies_stand_below(at):
    status, out, _ = at.run('doctor', at.address)
    equal(status, 1)
    matches(out, rf'failure +socket +\S+: No such file.*\n +try: +bellring-server -S '
                 rf'{at.socket}\n')


@tap.cases([('an address of no kind', ['doctor', 'tcp:1']),
            ('two addresses', ['doctor', 'pci:', 'pci:']),
            ('an unknown option', ['doctor', '--cure'])])
@place(server=False)
def wrong_usage(at, _name, args):
    status, out, err = at.run(*args)
    equal((status, out), (2, ''))
    matches(err, 'usage: bellring doctor')


# ---- the socket ---------------------------------------------------------------------

@tap.case
@place(server=False)
def no_socket(at):
    _, lines = doctor(at)
    remedy = told(lines, 'socket', 'failure', 'no server listens', 'bellring-server -S')
    told(lines, 'open', 'skipped', 'the failure above')
    with typed(at, remedy['remedy']):
        until(lambda: serves(at), 'the remedy serves')
        content(at)


@tap.case
@place(server=False)
def a_path_that_a_shell_would_split(at):
    path = at.path("it's a socket; ok")
    _, lines = doctor(at, address='unix:' + path)
    remedy = told(lines, 'socket', 'failure', 'no server listens', 'bellring-server -S')
    with typed(at, remedy['remedy']):
        until(lambda: os.path.exists(path), 'the remedy makes that socket')


@tap.case
@place('-l', '1M')
def stale_socket(at):
    kill_server(at)
    _, lines = doctor(at)
    only_failure(lines, 'open')
    told(lines, 'listeners', 'ok', 'nobody listens')
    remedy = told(lines, 'open', 'failure', 'refused: .*left over from a server',
                  '^bellring-server -S ')
    with typed(at, remedy['remedy']):
        until(lambda: serves(at), 'the remedy serves')
        content(at)


@tap.case
@place(server=False)
def a_file_is_no_socket(at):
    with open(at.socket, 'w', encoding='utf-8'):
        pass
    _, lines = doctor(at)
    told(lines, 'socket', 'failure', 'is a file, not a socket', 'ls -ld .*bellring-server')


@tap.case
@place(server=False)
def a_path_that_is_too_long(at):
    _, lines = doctor(at, address='unix:' + at.path('x' * 120))
    told(lines, 'path', 'failure', '107 at most', 'bellring-server -S /run/')


@tap.case
@place('-l', '1M')
def two_servers(at):
    os.unlink(at.socket)
    at.server('-l', '1M', '--no-control')
    _, lines = doctor(at)
    only_failure(lines, 'listeners')
    remedy = told(lines, 'listeners', 'failure', '2 servers listen', '^ss -xlp')
    if shutil.which('ss'):
        out = subprocess.run(remedy['remedy'], shell=True, capture_output=True, text=True,
                             check=True).stdout
        assert out.count(at.socket) == 2, out


def need_root():
    if os.geteuid() != 0:
        raise tap.Skip('only root can become another user')
    tap.need('setpriv')


def as_nobody(at):
    """The words that run the tool as a user who owns nothing."""
    need_root()
    os.chmod(at.dir, 0o755)
    if subprocess.run(['setpriv', '--reuid', str(NOBODY), 'test', '-x', TOOL],
                      check=False).returncode:
        raise tap.Skip(f'another user cannot reach {BUILD}')
    return ['setpriv', '--reuid', str(NOBODY), '--regid', str(NOBODY), '--clear-groups']


@tap.case
@place('-l', '1M', '--mode', '0600')
def a_socket_of_another_user(at):
    _, lines = doctor(at, under=as_nobody(at))
    only_failure(lines, 'rights')
    told(lines, 'rights', 'failure', 'user nobody may not connect: mode 0600, owner root',
         r'--mode 0660 --group root')
    told(lines, 'open', 'skipped', 'above')


@tap.case
@place('-l', '1M', '--mode', '0660')
def a_socket_of_a_group(at):
    _, lines = doctor(at, under=as_nobody(at))
    told(lines, 'rights', 'failure', 'mode 0660, owner root, group root',
         'usermod -aG root nobody # then log in again')


@tap.case
@place('-l', '1M', '--mode', '0666')
def a_closed_directory(at):
    under = as_nobody(at)
    os.chmod(at.dir, 0o700)
    _, lines = doctor(at, under=under)
    remedy = told(lines, 'socket', 'failure', f'the directory {at.dir} is closed',
                  '^chmod o\\+x')
    subprocess.run(remedy['remedy'], shell=True, check=True)
    content(at, under=under)


@tap.case
@place('-l', '1M', '--mode', '0666', '--allow-user', 'root')
def a_server_that_refuses_this_user(at):
    _, lines = doctor(at, under=as_nobody(at))
    told(lines, 'open', 'failure', 'unix:.*', '--allow-user')


@tap.case
@place(server=False)
def without_a_place_for_sockets(at):
    """Who is not root, without XDG_RUNTIME_DIR."""
    under = as_nobody(at)
    if os.path.lexists('/run/bellring.sock'):
        raise tap.Skip('a server listens here by default')
    env = {k: v for k, v in os.environ.items()
           if k not in ('XDG_RUNTIME_DIR', 'BELLRING_ADDRESS')}
    done = subprocess.run([*under, *at.argv('doctor')], env=env, capture_output=True,
                          text=True, timeout=60, check=False)
    equal(done.returncode, 1, done)
    matches(done.stdout, rf'failure +address +XDG_RUNTIME_DIR.*\n +try: +export '
                         rf'XDG_RUNTIME_DIR=/run/user/{NOBODY}\n')


# ---- what the server says --------------------------------------------------------------

@tap.case
@place('-l', '1M', '-n', '1')
def one_vector(at):
    told(content(at), 'vectors', 'warning', 'only 1', 'bellring-server -n 16')


@tap.case
@place('-l', '1M', '--max-peers', '1')
def a_server_that_is_full(at):
    watch = at.start('watch')
    watch.stderr.readline()
    _, lines = doctor(at)
    told(lines, 'open', 'failure', 'unix:', f'bellring server -S {at.socket} peers')


@tap.case
@place('-l', '1M', '--max-peers', '1')
def a_server_that_is_almost_full(at):
    lines = content(at)
    told(lines, 'server', 'warning', '1 of 1 peers', f'--max-peers 2 -S {at.socket}')


@tap.case
@place('-l', '1M')
def a_server_that_drains(at):
    watch = at.start('watch')
    watch.stderr.readline()
    at.ok('server', 'drain')
    _, lines = doctor(at)
    remedy = told(lines, 'open', 'failure', 'unix:', 'drain --cancel')
    with typed(at, remedy['remedy']) as child:
        equal(child.wait(), 0)
    content(at)


@tap.case
@place(server=False)
def memory_that_can_be_cut_short(at):
    at.server('--memory-file', at.path('memory'), '-l', '1M')
    lines = content(at)
    told(lines, 'server', 'warning', 'not sealed', '--memory-file')


@contextlib.contextmanager
def scripted(at, script):
    """A server that plays this to the doctor, once."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(at.socket)
    listener.listen()
    p = at.popen([*at.argv('--json', '-t', '2', 'doctor', at.address)],
                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with listener:
        with ivshmem.Wire(listener.accept()[0]) as wire:
            script(wire)
            out, err = p.communicate(timeout=60)
    lines = {}
    for line in objects(out.decode()):
        lines.setdefault(line['check'], []).append(line)
    yield p.returncode, lines, err


def greeting(size, vectors=1, contents=b''):
    """That of QEMU's example server."""
    def play(wire):
        memory = ivshmem.memory(size)
        os.pwrite(memory, contents, 0)
        fds = ivshmem.eventfds(vectors)
        for value, fd in [(0, None), (0, None), (-1, memory), *[(0, fd) for fd in fds]]:
            wire.send(value, fd)
        ivshmem.close_all([memory, *fds])
    return play


@tap.case
@place(server=False)
def a_server_of_qemus_kind(at):
    with scripted(at, greeting(1 << 20)) as (status, lines, _):
        equal(status, 0, lines)
        told(lines, 'vectors', 'warning', 'only 1')
        told(lines, 'doorbell', 'ok', 'all 1 vectors')
        told(lines, 'bus', 'ok', 'the first that joins')
        told(lines, 'server', 'skipped', 'another server than ours')


@tap.case
@place(server=False)
def memory_of_an_odd_size(at):
    with scripted(at, greeting(3 << 20)) as (status, lines, _):
        equal(status, 1)
        only_failure(lines, 'memory')
        told(lines, 'memory', 'failure', 'no power of two', '^bellring-server -l 4096K -S')


@tap.case
@place(server=False)
def memory_of_somebody_else(at):
    with scripted(at, greeting(1 << 20, contents=b'[[LGMP')) as (status, lines, _):
        equal(status, 0)
        told(lines, 'bus', 'warning', 'something else')


@tap.case
@place(server=False)
def memory_of_another_version(at):
    with scripted(at, greeting(1 << 20, contents=b'BELRING\0\xff\0\0\0')) as got:
        equal(got[0], 1)
        told(got[1], 'bus', 'failure', 'version 255', 'bellring --version')


@tap.case
@place(server=False)
def another_protocol(at):
    with scripted(at, lambda wire: wire.send(7)) as (status, lines, _):
        equal(status, 1)
        told(lines, 'open', 'failure', 'version', '--version')


@tap.case
@place(server=False)
def a_greeting_cut_short(at):
    def play(wire):
        wire.send(0)
        wire.sock.shutdown(socket.SHUT_RDWR)
    with scripted(at, play) as (status, lines, _):
        equal(status, 1)
        told(lines, 'open', 'failure', 'closed the connection', 'bellring-server -v')


@tap.case
@place(server=False)
def a_server_that_says_nothing(at):
    with scripted(at, lambda wire: None) as (status, lines, _):
        equal(status, 1)
        told(lines, 'open', 'failure', 'not complete in time', 'bellring-server')


# ---- descriptors ------------------------------------------------------------------------

@tap.case
@place('-l', '1M')
def few_descriptors(at):
    crowd(at, 5)
    _, lines = doctor(at, preexec_fn=limited(125))
    told(lines, 'descriptors', 'warning', '96 of 125 .* 6 peers', 'prlimit .*--nofile')


@tap.case
@place('-l', '1M')
def no_descriptors(at):
    crowd(at, 5)
    _, lines = doctor(at, preexec_fn=limited(40))
    told(lines, 'open', 'failure', 'descriptor', 'ulimit -n')


# ---- memory of ivshmem-plain ------------------------------------------------------------

@tap.case
@place(server=False)
def a_file_for_ivshmem_plain(at):
    path = at.path('memory')
    _, lines = doctor(at, address='file:' + path)
    remedy = told(lines, 'file', 'failure', 'No such file', 'truncate -s 64M')
    subprocess.run(remedy['remedy'], shell=True, check=True)
    lines = content(at, address='file:' + path)
    told(lines, 'size', 'ok', '65536 KiB')
    told(lines, 'open', 'ok', 'port file')


@tap.case
@place(server=False)
def a_file_of_an_odd_size(at):
    path = at.path('memory')
    with open(path, 'wb') as f:
        f.truncate(100_000)
    _, lines = doctor(at, address='file:' + path)
    remedy = told(lines, 'size', 'failure', 'no power of two', 'truncate -s 131072')
    subprocess.run(remedy['remedy'], shell=True, check=True)
    content(at, address='file:' + path)


tap.main()
