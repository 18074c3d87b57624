# SPDX-License-Identifier: BSD-2-Clause
"""bellring-server's settings: options, the file, --check, the log, the units."""
import contextlib
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import tap
from served import BUILD, DEADLINE, SERVER, Client, Server, fails, run, until

SRC = os.environ.get('top_srcdir', '.')
SAMPLE = os.path.join(SRC, 'doc', 'bellring-server.conf.sample')
UNITS = os.path.join(BUILD, 'server-client/daemon/units')
ROOT = os.geteuid() == 0


class Place:
    """A folder of its own, with a configuration file in it."""

    def __init__(self, text=None):
        self.dir = tempfile.mkdtemp(prefix='bellring-')
        self.file = os.path.join(self.dir, 'conf')
        if text is not None:
            with open(self.file, 'wb') as f:
                f.write(text if isinstance(text, bytes) else text.encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)


def settings(text):
    """What `--check --verbose` prints: key and value of all that is set."""
    rows = [line.split(' = ', 1) for line in text.splitlines()
            if line and not line.startswith('#')]
    return dict(rows)


def checked(*options, text=None):
    """The settings that come of a file and options, which must be valid."""
    with Place(text) as place:
        file = ['-c', place.file] if text is not None else []
        done = run('--check', '-v', *file, *options)
        assert done.returncode == 0, done
        assert done.stderr == 'bellring-server: the settings are valid\n', done
        return settings(done.stdout)


def refused(*options):
    """The server's words, of which the last line is no news."""
    done = run('--check', *options)
    assert done.returncode == 2 and done.stdout == '', done
    return done.stderr.removesuffix("Try 'bellring-server --help'.\n")


# ---- every setting -------------------------------------------------------------

ME = str(os.geteuid())
VALUES = {
    'socket': '/tmp/x.sock', 'mode': '0600', 'owner': ME, 'group': ME,
    'allow-user': f'{ME},0', 'allow-group': ME, 'max-peers': '7',
    'max-peers-per-user': '3', 'vectors': '5', 'queue': '128K',
    'size': '128M', 'hugepages': '2M', 'memory-file': '/dev/shm/x',
    'memory-dir': '/tmp', 'memory-name': 'x',
    'raw': 'yes', 'bus': '32M', 'slots': '20', 'links': '30', 'ring-size': '64K',
    'user': ME, 'user-group': ME, 'sandbox': 'no', 'keep': 'yes',
    'pid-file': '/tmp/pid',
    'control': '/tmp/x.control', 'control-mode': '0660', 'no-control': 'yes',
    'metrics': '127.0.0.1:9469', 'verbose': 'yes', 'log-rate': '9', 'name': 'web',
}
NOT_IN_FILE = {'daemon': 'yes', 'foreground': 'yes', 'ready-fd': '3',
               'config': '/tmp/x', 'check': 'yes', 'help': 'yes', 'version': 'yes'}


def keys_of_help():
    return set(re.findall(r'^ .{5}--([a-z-]+)', run('--help').stdout, flags=re.M))


@tap.case
def every_option_is_a_key_or_is_refused_in_a_file():
    assert keys_of_help() == set(VALUES) | set(NOT_IN_FILE), \
        keys_of_help() ^ (set(VALUES) | set(NOT_IN_FILE))


@tap.cases(list(VALUES.items()))
def set_in_either_place(key, value):
    flag = value in ('yes', 'no') and key != 'sandbox'
    option = [f'--{key}={value}'] if flag else [f'--{key}', value]
    by_option = checked(*option)
    assert by_option[key] == value, by_option
    assert checked(text=f'{key} = {value}\n') == by_option


@tap.cases(list(NOT_IN_FILE.items()))
def not_in_a_file(key, value):
    with Place(f'{key} = {value}\n') as place:
        said = refused('-c', place.file)
    assert said.startswith(f'{place.file}:1: {key}: not in a file: '), said


@tap.case
def presets():
    set_ = checked('-S', '/tmp/s')
    assert set_ == {
        'socket': '/tmp/s', 'mode': '0660', 'vectors': '16', 'queue': '64K',
        'size': '64M', 'name': 's', 'sandbox': 'yes', 'control': '/tmp/s.control',
        'control-mode': '0600', 'verbose': 'yes', 'log-rate': '50'}, set_


@tap.case
def what_check_prints_is_a_file():
    with Place() as place:
        first = run('--check', '-v', '-S', '/tmp/a b', '--no-control', '-l', '1G',
                    '--allow-user', ME, '--allow-user', '0', '--keep')
        with open(place.file, 'w') as f:
            f.write(first.stdout)
        again = run('--check', '-v', '-c', place.file)
    assert again.returncode == 0 and again.stdout == first.stdout, again
    assert settings(again.stdout)['allow-user'] == f'{ME},0'
    assert 'control' not in settings(again.stdout)


# ---- the file's form -------------------------------------------------------------

@tap.cases([
    ('empty', ''), ('blank lines', '\n \n\t\n'), ('comments', '# size = 1\n  #\n'),
    ('no newline at the end', 'vectors = 3'), ('CRLF', '#\r\nvectors = 3\r\n\r\n'),
    ('byte order mark', '\ufeffvectors = 3\n'), ('no blanks', 'vectors=3\n'),
    ('many blanks', ' \tvectors\t =\t 3 \n'), ('value with =', 'pid-file = a=b\n'),
    ('value with #', 'pid-file = a#b\n'), ('value with blanks', 'pid-file = a  b\n'),
    ('longest line', 'pid-file = '.ljust(4095) + 'x\n'),
])
def form_that_is_accepted(_, text):
    set_ = checked(text=text)
    assert set_['vectors'] == ('3' if '3' in text else '16'), set_
    if 'pid-file' in text:
        assert set_['pid-file'] in ('a=b', 'a#b', 'a  b', 'x'), set_


WRONG_LINES = [
    ('unknown key', 'sise = 3', 'sise: no such setting; bellring-server.conf(5) lists them'),
    ('option', '--size = 3', '--size: no such setting'),
    ('no value', 'size =', 'size: value is missing'),
    ('no equals', 'verbose', "verbose: no '='; write: key = value"),
    ('section', '[server]', "[server]: no '='"),
    ('no key', ' = 3', "no key before the '='"),
    ('size', 'size = 3x', "size '3x': not a size; write bytes, or a number with K, M, G or T"),
    ('two suffixes', 'size = 1MB', "size '1MB': not a size"),
    ('no size', 'size = big', "size 'big': not a number"),
    ('sign', 'size = -1', "size '-1': not a number"),
    ('no suffix here', 'vectors = 1K', "vectors '1K': not a number"),
    ('size 0', 'size = 0', "size '0': not in 1..1099511627776"),
    ('overflow', 'size = 99999999999T', 'not in 1..'),
    ('overflow to 1 TiB', 'size = 16777217T', 'not in 1..'),
    ('2 TiB', 'size = 2T', "size '2T': not in 1.."),
    ('vectors', 'vectors = 257', "vectors '257': not in 1..256"),
    ('max-peers', 'max-peers = 65537', 'not in 1..65536'),
    ('per user', 'max-peers-per-user = 0', 'not in 1..65536'),
    ('slots', 'slots = 1024', 'not in 1..1023'),
    ('links', 'links = 65536', 'not in 1..65535'),
    ('ring-size', 'ring-size = 1K', "ring-size '1K': not in 4096.."),
    ('bus', 'bus = 0', "bus '0': not in 1.."),
    ('queue', 'queue = 4', "queue '4': not in 8.."),
    ('name', 'name = a b', "name 'a b': byte 2 is not a printable ASCII character"),
    ('long name', 'name = ' + 32 * 'x', '32 bytes: 1 to 31 are possible'),
    ('octal', 'mode = 0680', "mode '0680': not an octal number"),
    ('mode', 'control-mode = 1777', "control-mode '1777': not in 0..0777"),
    ('flag', 'keep = maybe', "keep 'maybe': neither yes nor no"),
    ('capital flag', 'raw = Yes', "raw 'Yes': neither yes nor no"),
    ('page size', 'hugepages = 3M', "hugepages '3M': not a power of two"),
    ('small page', 'hugepages = 4K', "hugepages '4K': not in 65536.."),
    ('user', 'owner = no-such-user', "owner 'no-such-user': user 'no-such-user': does not exist"),
    ('group', 'group = no-such-group', "group 'no-such-group': does not exist"),
    ('user to become', 'user = no-such-user', "user 'no-such-user': does not exist"),
    ('group to become', 'user-group = no-such', "group 'no-such': does not exist"),
    ('list of users', 'allow-user = root,no-such', "user 'no-such': does not exist"),
    ('list of groups', 'allow-group = root,', "does not exist"),
    ('no one', 'owner = 4294967295', 'does not exist'),
    ('socket', 'socket = /' + 'x' * 107, 'path is longer than 107 bytes'),
    ('control', 'control = /' + 'x' * 107, 'path is longer than 107 bytes'),
    ('metrics', 'metrics = 9469', '9469: not an address'),
    ('metrics for all', 'metrics = 0.0.0.0:9469', 'can be reached from other machines'),
    ('metrics for all 6', 'metrics = [::]:9469', 'can be reached from other machines'),
    ('metrics by name', 'metrics = localhost:80', 'not an address'),
    ('metrics nowhere', 'metrics = unix:', 'the path is empty'),
    ('log-rate', 'log-rate = 1000001', 'not in 0..1000000'),
    ('comment behind', 'size = 64M # memory', 'size: a comment needs a line of its own'),
    ('quotes', 'socket = "/tmp/x"', 'socket: a value has no quotes'),
    ('control character', 'socket = /tmp/\x1b[31m', 'socket: control character in the value'),
    ('CR within', 'size = 64\rM', 'size: control character in the value'),
    ('NUL', 'size = 64\0M', 'NUL byte: this is no text'),
    ('long line', '# ' + 'x' * 4095, 'line is longer than 4096 bytes'),
    ('twice', 'slots = 3\nslots = 3', "slots '3': line 2 says it already"),
    ('two memories', 'memory-dir = /tmp\nmemory-name = x',
     "memory-name 'x': memory-dir is set, too: only one of them"),
    ('control or not', 'no-control = yes\ncontrol = x',
     "control 'x': no-control is set, too: only one of them"),
]


@tap.cases(WRONG_LINES)
def wrong_line(_, line, text):
    with Place(f'# one\n{line}\n') as place:
        said = refused('-c', place.file)
    assert said.count('\n') == 1 and text in said, said
    assert said.startswith(f'{place.file}:{2 + line.count(chr(10))}: '), said


@tap.case
def all_errors_are_told_with_their_lines():
    with Place(''.join(f'{line}\n' for _, line, _ in WRONG_LINES)) as place:
        said = refused('-c', place.file).splitlines()
    # Once more each: what an earlier line set is set.
    assert len(said) >= len(WRONG_LINES), said
    for _, line, text in WRONG_LINES:
        if '\n' not in line:
            assert any(text in s for s in said), text
    numbers = [int(s.removeprefix(place.file).split(':')[1]) for s in said]
    assert numbers == sorted(set(numbers)), numbers


@tap.case
def names_of_others_do_not_write_to_the_terminal():
    with Place(b'\x1b[31m\xff\xc2\x9b\xc3\xa4 = 3\n') as place:
        said = refused('-c', place.file)
    assert '\\x1b[31m\\xff\\xc2\\x9bä: no such setting' in said, said


@tap.cases([
    ('missing', None, 'No such file or directory'),
    ('folder', '/', 'Is a directory'),
    ('too large', '#' * 100 + '\n', 'larger than 65536 bytes'),
])
def file_that_cannot_be_read(_, what, text):
    with Place(what * 700 if what and what != '/' else None) as place:
        said = refused('-c', '/' if what == '/' else place.file)
    assert text in said and said.startswith('bellring-server: /'), said


@tap.case
def file_that_need_not_be_there():
    with Place() as place:
        assert run('--check', '-c', '-' + place.file).returncode == 0
        with open(place.file, 'w') as f:
            f.write('size = 3x\n')
        assert f'{place.file}:1: size' in refused('-c', '-' + place.file)


# ---- who wins ------------------------------------------------------------------

@tap.case
def command_line_wins_whatever_the_order():
    text = 'vectors = 3\nsize = 1M\nkeep = yes\nallow-user = 0\n'
    with Place(text) as place:
        file = ['-c', place.file]
        mine = ['-n', '4', '--keep=no', '--allow-user', '1']
        for options in [*file, *mine], [*mine, *file]:
            done = settings(run('--check', '-v', *options).stdout)
            assert (done['vectors'], done['size'], done['keep'], done['allow-user']) \
                == ('4', '1M', 'no', '1'), done


@tap.cases([
    ('memory', 'memory-name = x', ['-m', '/tmp'], 'memory-dir', 'memory-name'),
    ('no control', 'control = /tmp/c', ['--no-control'], 'no-control', 'control'),
    ('control', 'no-control = yes', ['--control', '/tmp/c'], 'control', 'no-control'),
])
def command_line_wins_over_what_it_excludes(_, text, options, there, gone):
    set_ = checked(*options, text=text)
    assert there in set_ and gone not in set_, set_


@tap.case
def what_is_overridden_must_be_valid_nevertheless():
    with Place('size = 3x\nvectors = 3\nvectors = 4\n') as place:
        said = refused('-c', place.file, '-l', '1M', '-n', '2')
    assert f"{place.file}:1: size '3x': not a size" in said
    assert f"{place.file}:3: vectors '4': line 2 says it already" in said


@tap.case
def the_last_of_several_options_counts():
    set_ = checked('-n', '3', '-n', '4', '-v', '--verbose=no', '-v')
    assert set_['vectors'] == '4'
    assert run('--check', '-d', '-F').returncode == 0


# ---- the command line ------------------------------------------------------------

@tap.cases([
    ('size', ['-l', '3x'], "--size '3x': not a size"),
    ('long', ['--ring-size', '1'], "--ring-size '1': not in 4096.."),
    ('flag', ['--keep=maybe'], "--keep 'maybe': neither yes nor no"),
    ('empty path', ['-S', ''], "--socket '': empty"),
    ('empty name', ['-M', ''], "--memory-name '': empty"),
    ('two memories', ['-M', 'x', '-m', '/tmp'],
     "--memory-dir '/tmp': memory-name is set, too: only one of them"),
    ('sandbox', ['--sandbox', 'maybe'], "--sandbox 'maybe': neither yes nor no"),
    ('the same socket', ['-S', '/tmp/s', '--control', '/tmp/s'],
     "--control '/tmp/s': that is the peers' socket"),
    ('no room for the control socket', ['-S', '/' + 'x' * 100],
     'the default, '),
    ('ready-fd', ['--ready-fd', '-1'], "--ready-fd '-1': not a number"),
    ('bus above the memory', ['-l', '1M', '--bus', '2M'], 'bus of 2097152'),
])
def wrong_option(_, options, text):
    assert refused(*options).startswith(f'bellring-server: {text}') or \
        text in refused(*options), refused(*options)


@tap.case
def check_starts_nothing():
    with Place() as place:
        path = os.path.join(place.dir, 's')
        done = run('--check', '-S', path, '-p', os.path.join(place.dir, 'pid'),
                   '--memory-file', os.path.join(place.dir, 'm'), '--keep', '-d')
        assert done.returncode == 0 and done.stdout == '', done
        assert os.listdir(place.dir) == []


@tap.case
def by_the_name_of_the_server_of_qemu():
    """Then it goes to the background, as that one does, and has its defaults."""
    with Place() as place:
        program = os.path.join(place.dir, 'ivshmem-server')
        at = {name: os.path.join(place.dir, name) for name in ('socket', 'pid')}
        os.symlink(SERVER, program)
        done = subprocess.run([program, '-S', at['socket'], '-p', at['pid']],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=DEADLINE)
        assert done.returncode == 0, done
        with open(at['pid']) as f:
            pid = int(f.read())
        try:
            assert os.getsid(pid) == pid
            with Client(type('', (), {'path': at['socket']}), greet=False) as c:
                assert [c.message()[0] for _ in range(4)] == [0, 0, -1, 0]
        finally:
            os.kill(pid, signal.SIGTERM)
        until(lambda: not os.path.exists(at['pid']), 'its end')
        done = subprocess.run([program, '--check', '-v'], capture_output=True, text=True,
                              timeout=DEADLINE)
        for line in ('socket = /tmp/ivshmem_socket', 'size = 4M', 'vectors = 1'):
            assert line in done.stdout, done.stdout


@tap.case
def options_of_the_server_of_qemu():
    """As a script would start it, and what comes of each."""
    with Place() as place:
        at = {name: os.path.join(place.dir, name) for name in ('socket', 'pid')}
        name = os.path.basename(place.dir)
        line = f'-F -v -S {at["socket"]} -p {at["pid"]} -M {name} -l 1M -n 4'
        with open(os.path.join(place.dir, 'log'), 'w') as log:
            process = subprocess.Popen([SERVER, *line.split()], stderr=log)
        try:
            until(lambda: os.path.exists(at['pid']) and
                  os.path.getsize(at['pid']) > 0, 'the pid file')
            with open(at['pid']) as f:
                assert int(f.read()) == process.pid
            assert os.path.getsize(f'/dev/shm/{name}') == 1 << 20
            with Client(type('', (), {'path': at['socket']}), greet=False) as c:
                assert [c.message()[0] for _ in range(3)] == [0, 0, -1]
                assert [c.message()[0] for _ in range(4)] == [0] * 4
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(DEADLINE)
            if os.path.exists(f'/dev/shm/{name}'):
                os.unlink(f'/dev/shm/{name}')
        assert code == 0
        assert sorted(os.listdir(place.dir)) == ['log']
    assert run('-h').stdout == run('--help').stdout
    with Server('-m', '/tmp', '-l', '2M', '-n', '16') as server, Client(server) as c:
        assert os.fstat(c.memory).st_size == 2 << 20


# ---- where it listens ------------------------------------------------------------

def without_root(*options, **env):
    """Runs the server as a user who may do nothing in particular."""
    clean = {k: v for k, v in os.environ.items() if k != 'XDG_RUNTIME_DIR'}
    prefix = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] \
        if ROOT else []
    if prefix:
        tap.need('setpriv')
    return subprocess.run([*prefix, SERVER, *options], env={**clean, **env}, text=True,
                          capture_output=True, timeout=DEADLINE, check=False)


@tap.case
def default_socket_of_root():
    if not ROOT:
        raise tap.Skip('needs root')
    env = {**os.environ, 'XDG_RUNTIME_DIR': '/elsewhere'}
    done = subprocess.run([SERVER, '--check', '-v'], env=env, capture_output=True,
                          text=True, timeout=DEADLINE, check=False)
    assert settings(done.stdout)['socket'] == '/run/bellring.sock', done
    assert settings(done.stdout)['control'] == '/run/bellring.sock.control', done


@tap.case
def default_socket_of_others():
    done = without_root('--check', '-v', XDG_RUNTIME_DIR='/run/user/7')
    assert settings(done.stdout)['socket'] == '/run/user/7/bellring.sock', done
    for env in {}, {'XDG_RUNTIME_DIR': ''}:
        done = without_root('--check', **env)
        assert done.returncode == 2, done
        assert 'XDG_RUNTIME_DIR is not set; name a path with -S' in done.stderr, done
    assert without_root('--check', '-S', '/tmp/s').returncode == 0


# ---- the settings of a file at work --------------------------------------------------

@tap.case
def a_file_sets_up_a_server():
    with Place() as place:
        at = {n: os.path.join(place.dir, n) for n in ('pid', 'control', 'mem')}
        with open(place.file, 'w') as f:
            f.write(f'mode = 0604\nsize = 1M\nvectors = 16\nraw = yes\n'
                    f'pid-file = {at["pid"]}\ncontrol = {at["control"]}\n'
                    f'control-mode = 0640\nmemory-file = {at["mem"]}\n'
                    f'sandbox = no\nverbose = yes\n')
        with Server('-c', place.file) as server, Client(server) as c:
            assert stat.S_IMODE(os.stat(server.path).st_mode) == 0o604
            assert stat.S_IMODE(os.stat(at['control']).st_mode) == 0o640
            assert os.fstat(c.memory).st_size == 1 << 20 == os.path.getsize(at['mem'])
            assert os.pread(c.memory, 64, 0) == bytes(64)
            assert os.path.exists(at['pid'])


# ---- log -------------------------------------------------------------------------

JOINED = re.compile(r'^bellring-server: (\.\.\. (\d+) more like this: )?'
                    r'(?:client|peer) \d+ .*joined')


def visit(server):
    """A peer that joins, and is dropped."""
    with Client(server, greet=False) as c:
        assert c.message() == (0, None)
        c.sock.send(b'x')
        with contextlib.suppress(ConnectionResetError):
            while c.message():
                pass


def joins_told(server):
    """(lines about one, lines about more, all of them)"""
    found = [m.group(2) for m in map(JOINED.match, server.log().splitlines()) if m]
    more = [int(n) for n in found if n]
    return len(found) - len(more), len(more), len(found) - len(more) + sum(more)


@tap.case
def a_flood_is_counted():
    server = Server('--log-rate', '3', '-n', '2')
    try:
        for _ in range(60):
            visit(server)
        assert server.stop() == 0
        one, more, total = joins_told(server)
        assert total == 60, server.log()
        assert 3 <= one < 60 and more >= 1, server.log()
        # Another kind, in the midst of it.
        assert re.search(r'^bellring-server: (?:client|peer) \d+ .*dropped', server.log(),
                         flags=re.M), server.log()
        assert 'listening on' in server.log() and 'stopping' in server.log()
    finally:
        server.kill()


@tap.case
def what_is_held_back_is_told_without_further_messages():
    server = Server('--log-rate', '1', '-n', '2')
    try:
        for _ in range(20):
            visit(server)
        until(lambda: joins_told(server)[2] == 20, 'the rest of the joins')
        assert server.stop() == 0
    finally:
        server.kill()


@tap.case
def no_limit_tells_all():
    server = Server('--log-rate', '0', '-n', '2')
    try:
        for _ in range(80):
            visit(server)
        assert server.stop() == 0
        assert joins_told(server) == (80, 0, 80), server.log()
    finally:
        server.kill()


def said_to(file, stream, *options):
    """What the server says to that file as stderr, with that JOURNAL_STREAM."""
    with open(file, 'w') as err:
        st = os.fstat(err.fileno())
        env = {**os.environ, 'JOURNAL_STREAM': stream.format(st.st_dev, st.st_ino)}
        subprocess.run([SERVER, *options], stderr=err, env=env, timeout=DEADLINE,
                       check=False)
    with open(file) as f:
        return f.read()


@tap.case
def lines_for_the_journal():
    with Place('size = 3x\n') as place:
        log = os.path.join(place.dir, 'log')
        assert said_to(log, '{}:{}', '--check') == '<6>the settings are valid\n'
        assert said_to(log, '{}:{}', '-S', '/nonexistent/x').startswith('<3>/nonexistent')
        said = said_to(log, '{}:{}', '-c', place.file)
        assert said.startswith(f"<3>{place.file}:1: size '3x': "), said
        for other in '{}:1', '1:{}', 'nonsense', '':
            assert said_to(log, other, '--check') == \
                'bellring-server: the settings are valid\n'


@tap.case
def control_characters_of_a_path_are_shown():
    with fails(1, '/nonexistent/\\x1b[31m\\x0a: ', path='/nonexistent/\x1b[31m\n/s'):
        pass


# ---- sample ------------------------------------------------------------------------

def sample_keys():
    with open(SAMPLE, encoding='utf-8') as f:
        return re.findall(r'^#([a-z-]+) = (.+)$', f.read(), flags=re.M)


@tap.case
def sample_has_every_key_once():
    keys = [k for k, _ in sample_keys()]
    assert sorted(keys) == sorted(VALUES), set(keys) ^ set(VALUES)
    with open(SAMPLE, encoding='utf-8') as f:
        assert checked(text=f.read())['size'] == '64M'


@tap.case
def sample_is_valid_with_all_keys():
    rows = dict(sample_keys())
    memories = ['hugepages', 'memory-file', 'memory-dir', 'memory-name']
    for key in 'owner', 'group', 'allow-user', 'allow-group', 'user', 'user-group':
        rows[key] = ME  # not everybody's system has those
    for memory in memories:
        text = ''.join(f'{k} = {v}\n' for k, v in rows.items()
                       if k not in memories or k == memory)
        assert checked(text=text)[memory] == rows[memory]


@tap.case
def sample_shows_the_presets():
    set_, rows = checked('-S', '/run/bellring.sock'), dict(sample_keys())
    for key, value in set_.items():
        if key not in ('verbose', 'socket'):
            assert rows[key] == value, key


# ---- systemd -----------------------------------------------------------------------

def unit_files(folder):
    """The built units, with a program that exists; one instance as a file of its own."""
    for name in os.listdir(UNITS):
        with open(os.path.join(UNITS, name), encoding='utf-8') as f:
            text = f.read()
        assert '@sbindir@' not in text and '@sysconfdir@' not in text, name
        text = re.sub(r'^ExecStart=\S+', f'ExecStart={SERVER}', text, flags=re.M)
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as f:
            f.write(text)
    return [os.path.join(folder, f'bellring-server{i}.{kind}')
            for i in ('', '@web') for kind in ('service', 'socket')]


def analyze(*arguments):
    tap.need('systemd-analyze')
    return subprocess.run(['systemd-analyze', *arguments], capture_output=True,
                          text=True, timeout=DEADLINE, check=False)


@tap.case
def units_are_valid():
    tap.need('systemd-analyze')
    with Place() as place:
        done = analyze('verify', '--man=no', *unit_files(place.dir))
    assert done.returncode == 0 and not done.stderr.strip(), done


@tap.case
def units_give_little_away():
    with Place() as place:
        files = unit_files(place.dir)
        for service in files[0], files[2].replace('@web', '@'):
            done = analyze('security', '--offline=yes', '--threshold=15', service)
            if 'nrecognized option' in done.stderr:
                tap.missing_thing('systemd-analyze security --offline')
            assert done.returncode == 0, done.stdout[-300:] + done.stderr


@tap.case
def commands_of_the_units_are_valid():
    with Place() as place:
        for file in unit_files(place.dir)[::2]:
            with open(file.replace('@web', '@')) as f:
                command = re.search(r'^ExecStart=(.+)$', f.read(), flags=re.M).group(1)
            done = run(*command.replace('%i', 'web').split()[1:], '--check', '-v')
            assert done.returncode == 0, done
            at = settings(done.stdout)
            assert at['control'] == at['socket'] + '.control', at


@tap.case
def user_and_folder_of_the_units_are_made():
    at = os.path.join(SRC, 'server-client/daemon/units')
    tap.need('systemd-sysusers')
    done = subprocess.run(['systemd-sysusers', '--dry-run',
                           os.path.join(at, 'sysusers.d/bellring.conf')],
                          capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done
    with open(os.path.join(at, 'tmpfiles.d/bellring.conf'), encoding='utf-8') as f:
        rows = [line.split() for line in f if not line.startswith('#')]
    assert rows == [['d', '/run/bellring', '0755', 'bellring', 'bellring']], rows


tap.main()
