# SPDX-License-Identifier: BSD-2-Clause
"""bellring-server as its administrator sees it: socket, files, signals, options."""
import os
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap
from served import DEADLINE, SERVER, Client, Server, fails, listens, run, scene, until


# ---- socket, files, signals ------------------------------------------------------

@tap.case
def a_live_socket_is_left_alone():
    with scene(1) as (server, a):
        with fails(1, 'a server listens there already', path=server.path):
            pass
        # Nobody else can have had an id, and a is told of no other join or leave.
        with Client(server) as b:
            assert b.id == a.id + 1 and b.knows(a.id)
            until(lambda: a.knows(b.id), 'the join')
            assert not a.left and server.log().count('joined') == 2, server.log()


@tap.cases([('hard link', os.link), ('relative', None)])
def a_live_socket_has_other_names(_, link):
    with scene(1) as (server, a):
        other = os.path.join(server.dir, 'other')
        if link:
            link(server.path, other)
        else:
            other = os.path.relpath(server.path)
        with fails(1, 'a server listens there already', path=other):
            pass
        with Client(server) as b:
            assert b.id == a.id + 1
            assert server.log().count('joined') == 2, server.log()


@tap.case
def a_live_socket_that_the_kernel_does_not_name():
    """As in another network namespace: its greeting is read before the close."""
    with tempfile.TemporaryDirectory() as place, socket.socket(socket.AF_UNIX) as other:
        before = os.getcwd()
        os.chdir(place)
        try:
            other.bind('s')
        finally:
            os.chdir(before)
        other.listen()
        other.settimeout(DEADLINE)
        path = os.path.join(place, 's')
        assert not listens(path)
        server = Server(path=path, wait=False)
        try:
            sock = other.accept()[0]
            with sock:
                sock.settimeout(DEADLINE)
                assert not select.select([sock], [], [], 0.2)[0], 'closed at once'
                with open('/dev/null') as null:
                    for _ in range(30):
                        socket.send_fds(sock, [bytes(8)], [null.fileno()])
                # ECONNRESET would tell that it had not read all of it.
                assert sock.recv(1) == b''
            assert server.process.wait(DEADLINE) == 1
            assert 'a server listens there already' in server.log(), server.log()
            assert os.path.exists(path)
        finally:
            server.kill()


@tap.case
def a_live_socket_of_another_type_is_left_alone():
    with tempfile.TemporaryDirectory() as place, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        path = os.path.join(place, 's')
        other.bind(path)
        with fails(1, 'listens there already', path=path):
            assert os.path.exists(path)


@tap.case
def a_stale_socket_is_replaced():
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, 's')
        server = Server(path=path)
        server.kill()  # SIGKILL: the socket stays
        assert stat.S_ISSOCK(os.stat(path).st_mode)
        with scene(1, path=path):
            pass
        assert not os.path.exists(path)


@tap.case
def what_is_no_socket_is_left_alone():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b'precious')
        file.flush()
        with fails(1, 'not a socket', path=file.name):
            with open(file.name, 'rb') as f:
                assert f.read() == b'precious'


@tap.case
def two_servers_at_once_on_a_stale_socket():
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, 's')
        for _ in range(5):
            Server(path=path).kill()
            both = [Server(path=path, wait=False) for _ in range(2)]
            try:
                until(lambda: any(s.process.poll() is not None for s in both),
                      'one to give up')
                loser = next(s for s in both if s.process.poll() is not None)
                winner = both[1 - both.index(loser)]
                assert loser.process.returncode == 1, loser.log()
                assert 'listens there already' in loser.log()
                with Client(winner):
                    pass
                assert winner.process.poll() is None
            finally:
                for s in both:
                    s.kill()


@tap.cases([(mode,) for mode in ('0660', '600', '0666', '0')])
def mode_of_the_socket(mode):
    with Server('--mode', mode) as server:
        assert stat.S_IMODE(os.stat(server.path).st_mode) == int(mode, 8)


@tap.cases([(n.name, n) for n in (signal.SIGTERM, signal.SIGINT)])
def clean_end(_, number):
    with tempfile.TemporaryDirectory() as place:
        pid = os.path.join(place, 'pid')
        server = Server('-p', pid)
        try:
            with open(pid) as f:
                assert f.read() == f'{server.process.pid}\n'
            with Client(server) as c:
                assert server.stop(number) == 0
                assert c.message() is None
            assert not os.path.exists(server.path)
            assert not os.path.exists(pid)
        finally:
            server.kill()


@tap.case
def files_of_others_stay():
    with tempfile.TemporaryDirectory() as place:
        pid = os.path.join(place, 'pid')
        server = Server('-p', pid)
        try:
            for path in server.path, pid:
                os.unlink(path)
                with open(path, 'w') as f:
                    f.write('somebody else')
            assert server.stop() == 0
            for path in server.path, pid:
                with open(path) as f:
                    assert f.read() == 'somebody else'
        finally:
            server.kill()


@tap.case
def daemon():
    with tempfile.TemporaryDirectory() as place:
        path, pid = os.path.join(place, 's'), os.path.join(place, 'pid')
        done = subprocess.run([SERVER, '-d', '-S', 's', '-p', 'pid'], cwd=place,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=DEADLINE)
        assert done.returncode == 0, done
        with open(pid) as f:
            number = int(f.read())
        try:
            assert os.getsid(number) == number
            assert os.readlink(f'/proc/{number}/cwd') == '/'
            with Client(type('', (), {'path': path})) as c:
                assert c.id == 0
            again = subprocess.run([SERVER, '-d', '-S', path],
                                   capture_output=True, timeout=DEADLINE, text=True)
            assert again.returncode == 1, again
            assert 'listens there already' in again.stderr
        finally:
            os.kill(number, signal.SIGTERM)
        until(lambda: not os.path.exists(path) and not os.path.exists(pid),
              'the end of the daemon')


@tap.case
def daemon_without_standard_streams():
    """What it opens must not become standard error, and be written to."""
    with tempfile.TemporaryDirectory() as place:
        path, pid = os.path.join(place, 's'), os.path.join(place, 'pid')
        done = subprocess.run(['sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh', SERVER, '-d',
                               '-S', path, '-p', pid], timeout=DEADLINE)
        assert done.returncode == 0
        with open(pid) as f:
            number = int(f.read())
        try:
            with Client(type('', (), {'path': path})) as c:
                assert c.id == 0
        finally:
            os.kill(number, signal.SIGTERM)
        until(lambda: not os.path.exists(pid), 'the end of the daemon')


@tap.case
def default_socket():
    """Of a plain user: root's would be in /run."""
    user = 65534 if os.getuid() == 0 else os.getuid()
    with tempfile.TemporaryDirectory() as place:
        os.chown(place, user, -1)
        path = os.path.join(place, 'bellring.sock')
        process = subprocess.Popen([SERVER], stderr=subprocess.DEVNULL, user=user,
                                   env={**os.environ, 'XDG_RUNTIME_DIR': place})
        try:
            until(lambda: os.path.exists(path), 'the socket')
        finally:
            process.terminate()
            assert process.wait(DEADLINE) == 0


@tap.case
def says_what_it_listens_on():
    with Server('-l', '2M', '-n', '3') as server:
        assert server.log() == f'bellring-server: listening on {server.path}, ' \
            'memory 2 MiB, 3 vectors\n'


@tap.case
def idle_costs_nothing():
    with scene(2) as (server, a, b):
        until(lambda: a.knows(b.id), 'the join')

        def ticks():
            with open(f'/proc/{server.process.pid}/stat') as f:
                fields = f.read().rsplit(')', 1)[1].split()
            with open(f'/proc/{server.process.pid}/status') as f:
                switches = [line for line in f if line.startswith('voluntary')]
            return fields[11:13], switches

        def unchanged(seconds):
            before = ticks()
            select.select([], [], [], seconds)  # the measured time itself
            return ticks() == before
        until(lambda: unchanged(0.1), 'it has done with the joins')
        assert unchanged(1)


# ---- command line -------------------------------------------------------------

@tap.cases([
    ('unknown option', ['--frobnicate'], "frobnicate"),
    ('argument', ['socket'], "'socket': not expected"),
    ('missing value', ['-S'], 'requires an argument'),
    ('size is no number', ['-l', 'big'], "'big': not a number"),
    ('size with a sign', ['-l', '-1'], "'-1': not a number"),
    ('size 0', ['-l', '0'], "'0': not in 1.."),
    ('size with two suffixes', ['-l', '1MB'], 'not a size'),
    ('size overflows', ['-l', '99999999999G'], 'not in 1..'),
    ('2 TiB', ['-l', '2048G'], 'not in 1..'),
    ('no vectors', ['-n', '0'], "'0': not in 1..256"),
    ('257 vectors', ['-n', '257'], 'not in 1..256'),
    ('vectors with a suffix', ['-n', '1K'], 'not a number'),
    ('mode is not octal', ['--mode', '0680'], 'not an octal number'),
    ('mode of five digits', ['--mode', '10000'], 'not in'),
    ('no clients', ['--max-peers', '0'], 'not in 1..65536'),
    ('queue of nothing', ['--queue', '4'], 'not in 8..'),
    ('slots', ['--slots', '1024'], 'not in 1..1023'),
    ('bus above the memory', ['-l', '1M', '--bus', '2M'], 'bus of 2097152'),
    ('rings do not fit', ['-l', '1M', '--ring-size', '2M'], ''),
    ('two memories', ['-M', 'x', '-m', '/tmp'], 'only one of them'),
    ('ready-fd', ['--ready-fd', 'x'], "'x': not a number"),
    ('path too long', ['-S', '/tmp/' + 'x' * 120], 'longer than 107 bytes'),
    ('empty path', ['-S', ''], 'empty'),
])
def wrong_usage(_, options, text):
    for extra in [], ['--check']:
        done = run(*extra, *options)
        assert done.returncode == 2, done
        assert text in done.stderr and done.stderr, done
        assert done.stdout == '', done


@tap.cases([
    ('no such directory', ['-S', '/nonexistent/dir/s'], '/nonexistent/dir: open'),
    ('pid file', ['-p', '/nonexistent/pid', '-S', 'SOCKET'], '/nonexistent/pid: open'),
    ('name', ['-M', 'a/b', '-S', 'SOCKET'], 'no name of a shared memory object'),
    ('directory', ['-m', '/nonexistent', '-S', 'SOCKET'], '/nonexistent: statvfs'),
])
def cannot_start(_, options, text):
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, 's')
        done = run(*[path if o == 'SOCKET' else o for o in options])
        assert done.returncode == 1, done
        assert text in done.stderr, done
        assert os.listdir(place) == []


@tap.case
def help_and_version():
    for option in '-h', '--help':
        done = run(option)
        assert done.returncode == 0 and done.stderr == ''
        for text in 'usage: bellring-server', '-S, --socket PATH', '--raw':
            assert text in done.stdout
    for option in '-V', '--version':
        done = run(option)
        assert done.returncode == 0 and done.stdout.startswith('bellring-server ')


@tap.case
def check_only_looks():
    with tempfile.TemporaryDirectory() as place:
        done = run('--check', '-S', os.path.join(place, 's'), '-l', '1G', '-F', '-v')
        assert done.returncode == 0, done
        assert 'size = 1G' in done.stdout and 'valid' in done.stderr
        assert os.listdir(place) == []


tap.main()
