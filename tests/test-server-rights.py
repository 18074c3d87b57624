# SPDX-License-Identifier: BSD-2-Clause
"""bellring-server's rights: whom it lets in, what it gives up, whose memory it is.

What needs other users needs root, and skips elsewhere.
"""
import contextlib
import fcntl
import mmap
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap
from served import BUILD, DEADLINE, Client, Server, fails, run, scene, until

USER, GROUP, OTHER = 54321, 54322, 54323  # that nobody has
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
MIB = 1 << 20


def need_root():
    if os.geteuid() != 0:
        raise tap.Skip('needs root')


def need_sandbox():
    with open(os.path.join(BUILD, 'config.h')) as f:
        if '#define HAVE_SANDBOX 1' not in f.read():
            raise tap.Skip('built without libcap-ng and libseccomp')


def become(uid, gid, groups=()):
    """For a process of its own: before its program, or in a fork."""
    def change():
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    return change


@contextlib.contextmanager
def open_place(uid=-1):
    """A directory that all users reach."""
    place = tempfile.mkdtemp(prefix='bellring-rights-')
    os.chmod(place, 0o755)
    os.chown(place, uid, -1)
    try:
        yield place
    finally:
        shutil.rmtree(place)


def status(pid, name):
    with open(f'/proc/{pid}/status') as f:
        return re.search(rf'^{name}:\s*(.*)$', f.read(), re.M).group(1)


@contextlib.contextmanager
def in_other_process(change, fn):
    """fn() in a fork after change(); it ends with the body. True: fn returned."""
    said, say = os.pipe()
    over, end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(end)
        try:
            change()
            fn()
            os.write(say, b'y')
            os.read(over, 1)
        finally:
            os._exit(0)
    os.close(say)
    try:
        yield os.read(said, 1) == b'y'
    finally:
        os.close(end)
        os.close(over)
        os.close(said)
        os.waitpid(child, 0)


def joins_as(server, *who):
    """Whether such a user can be a peer."""
    with in_other_process(become(*who), lambda: keep.append(Client(server))) as yes:
        return yes


keep = []  # what a forked process must not let go of


def refused(server, text):
    """A client that is refused gets no id and no memory."""
    seen = server.log().count(text)
    with Client(server, greet=False) as c:
        with contextlib.suppress(ConnectionError):
            while c.message():
                pass
        assert not c.fds
    until(lambda: server.log().count(text) > seen, f'"{text}":\n{server.log()}')


# ---- the socket -----------------------------------------------------------------

@tap.case
def owner_and_group_of_the_socket():
    need_root()
    with Server('--owner', str(USER), '--group', str(GROUP), '--mode', '0620') as s:
        st = os.stat(s.path)
        assert (st.st_uid, st.st_gid) == (USER, GROUP)
        assert stat.S_IMODE(st.st_mode) == 0o620


@tap.case
def own_group_needs_no_root():
    with Server('--group', str(os.getegid())) as s:
        assert os.stat(s.path).st_gid == os.getegid()


@tap.case
def owner_that_only_root_can_give():
    need_root()
    with open_place(USER) as place:
        path = os.path.join(place, 's')
        s = Server('--owner', '0', path=path, wait=False,
                   limit=become(USER, GROUP))
        try:
            assert s.process.wait(DEADLINE) == 1
            assert 'giving it to user 0' in s.log(), s.log()
            assert not os.path.exists(path)
        finally:
            s.kill()


@tap.case
def a_directory_of_everybody_is_told():
    with open_place() as place:
        os.chmod(place, 0o777)
        with Server(path=os.path.join(place, 's')) as s:
            assert 'everybody may write to this directory' in s.log(), s.log()
        os.chmod(place, 0o1777)
        with Server(path=os.path.join(place, 's')) as s:
            assert 'everybody may write' not in s.log(), s.log()


# ---- who may be a peer ------------------------------------------------------------

@tap.cases([('user', '--allow-user', os.geteuid()),
            ('group', '--allow-group', os.getegid())])
def allowed(_, option, number):
    with scene(2, option, f'{OTHER},{number}') as (_, a, b):
        until(lambda: a.knows(b.id), 'the join')


@tap.case
def not_allowed():
    """Nor is root, if it is not listed; who was in stays."""
    with scene(0, '--allow-user', str(OTHER), '--allow-group', str(OTHER)) as (s,):
        for _ in range(3):
            refused(s, f'user {os.geteuid()}, group {os.getegid()}: neither')
        assert 'joined' not in s.log(), s.log()


@tap.case
def by_users_and_groups_of_others():
    need_root()
    many = list(range(60000, 60100))
    with open_place() as place:
        with Server('--allow-user', str(USER), '--allow-group', f'{GROUP},60099',
                    '--mode', '0666', path=os.path.join(place, 's')) as s:
            assert joins_as(s, USER, OTHER)
            assert joins_as(s, OTHER, GROUP)
            assert joins_as(s, OTHER, OTHER, [GROUP])
            assert joins_as(s, OTHER, OTHER, many)
            assert not joins_as(s, OTHER, OTHER, many[:-1])
            assert not joins_as(s, OTHER, OTHER)
            assert not joins_as(s, GROUP, USER)
            assert not joins_as(s, 0, 0)
            until(lambda: s.log().count(': neither that user') == 4, s.log())
            assert s.log().count('joined') == 4, s.log()


@tap.case
def peers_of_one_user():
    with scene(2, '--max-peers-per-user', '2') as (s, a, b):
        refused(s, f'uid {os.geteuid()} has 2 peers')
        b.close()
        until(lambda: a.knows(), 'the leave')
        with Client(s) as c:
            until(lambda: a.knows(c.id), 'the join')


@tap.case
def peers_of_another_user():
    need_root()
    with open_place() as place:
        with scene(1, '--max-peers-per-user', '1', '--mode', '0666',
                   path=os.path.join(place, 's')) as (s, a):
            refused(s, 'uid 0 has 1 peers')
            assert joins_as(s, USER, USER)
            until(lambda: a.knows(), 'the leave')


@tap.cases([('user', '--allow-user'), ('group', '--allow-group'),
            ('owner', '--owner'), ('process', '--user')])
def nobody_of_that_name(_, option):
    with fails(2, 'no-such-name', option, 'no-such-name'):
        pass


# ---- what it gives up ---------------------------------------------------------------

def assert_locked(server, user=None):
    pid = server.process.pid
    assert status(pid, 'NoNewPrivs') == '1'
    assert status(pid, 'Seccomp') == '2'
    for name in 'CapInh', 'CapPrm', 'CapEff', 'CapAmb':
        assert int(status(pid, name), 16) == 0, name
    if user is not None:
        assert status(pid, 'Uid').split() == [str(user)] * 4
        assert status(pid, 'Gid').split() == [str(user)] * 4
        assert int(status(pid, 'CapBnd'), 16) == 0


@tap.case
def locked_while_it_serves():
    need_sandbox()
    with scene(2) as (s, a, b):
        assert_locked(s)
        until(lambda: a.knows(b.id), 'the join')
        with Client(s) as c:
            until(lambda: a.knows(b.id, c.id), 'the join')
        until(lambda: a.knows(b.id), 'the leave')


@tap.case
def locked_without_the_filter():
    with scene(1, '--sandbox', 'no') as (s, _):
        assert status(s.process.pid, 'NoNewPrivs') == '1'
        # A container has some for all that is in it.
        assert status(s.process.pid, 'Seccomp_filters') == \
            status('self', 'Seccomp_filters')


@tap.case
def as_another_user():
    need_sandbox()
    need_root()
    with open_place(65534) as place:
        path = os.path.join(place, 's')
        with scene(2, '--user', '65534', '--user-group', '65534', path=path) as \
                (s, a, b):
            assert_locked(s, 65534)
            until(lambda: a.knows(b.id), 'the join')
            with Client(s) as c:
                until(lambda: a.knows(b.id, c.id), 'the join')
            until(lambda: a.knows(b.id), 'the leave')
        assert not os.path.exists(path)


@tap.case
def as_a_plain_user():
    need_sandbox()
    need_root()
    with open_place(USER) as place:
        path = os.path.join(place, 's')
        with scene(1, path=path, limit=become(USER, USER)) as (s, _):
            assert_locked(s)
            assert status(s.process.pid, 'Uid').split()[0] == str(USER)


@tap.case
def only_root_becomes_another():
    need_root()
    with open_place(USER) as place:
        s = Server('--user', '0', path=os.path.join(place, 's'), wait=False,
                   limit=become(USER, GROUP))
        try:
            assert s.process.wait(DEADLINE) == 1
            assert 'start as root' in s.log(), s.log()
        finally:
            s.kill()


@tap.cases([('user', True), ('none', False)], key=lambda row: row[0])
def many_upgrades(_, user):
    """Each runs in the sandbox of the one before; none adds a filter."""
    need_sandbox()
    options = []
    if user:
        need_root()
        options = ['--user', '65534', '--user-group', '65534']
    with open_place(65534 if user else -1) as place:
        with scene(2, *options, path=os.path.join(place, 's')) as (s, a, b):
            filters = status(s.process.pid, 'Seccomp_filters')
            for n in range(10):
                os.kill(s.process.pid, signal.SIGHUP)
                with Client(s) as c:
                    until(lambda: a.knows(b.id, c.id), 'the join')
                until(lambda: s.log().count('upgrade: executing') == n + 1, s.log())
                until(lambda: a.knows(b.id), 'the leave')
            assert status(s.process.pid, 'Seccomp_filters') == filters
            assert_locked(s, 65534 if user else None)


# ---- memory --------------------------------------------------------------------------

def memory_of(client):
    st = os.fstat(client.memory)
    try:
        seals = fcntl.fcntl(client.memory, fcntl.F_GET_SEALS)
    except OSError:  # only files in memory have any
        seals = 0
    return st, seals


@tap.case
def many_gigabytes():
    """It takes no longer than a small one, and no room."""
    if os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') < 8 << 30:
        raise tap.Skip('needs 8 GiB of memory')
    for options in [], ['--bus', '64M']:
        with scene(1, '-l', '8G', *options) as (s, a):
            st, seals = memory_of(a)
            assert st.st_size == 8 << 30 and seals == SEALS
            assert st.st_blocks * 512 < 64 * MIB, st.st_blocks
            assert int(status(s.process.pid, 'VmRSS').split()[0]) < 128 * 1024


@tap.case
def more_than_the_machine():
    with fails(1, 'this machine has', '-l', '1T') as s:
        assert 'choose a smaller --size' in s.log()
        assert not os.path.exists(s.path)


POOL = '/sys/kernel/mm/hugepages/hugepages-2048kB'


def pool(name):
    with open(os.path.join(POOL, name)) as f:
        return int(f.read())


@contextlib.contextmanager
def huge_pages(count):
    """That many free pages of 2 MiB; only a machine of CI's own is changed."""
    if not os.path.isdir(POOL):
        raise tap.Skip('this kernel has no huge pages of 2 MiB')
    if pool('free_hugepages') - pool('resv_hugepages') >= count:
        yield
        return
    if not os.environ.get('CI') or os.geteuid() != 0:
        raise tap.Skip(f'needs {count} free huge pages: as root, write {count} to '
                       f'{POOL}/nr_hugepages')
    before = pool('nr_hugepages')
    try:
        with open(os.path.join(POOL, 'nr_hugepages'), 'w') as f:
            f.write(str(before + count))
        if pool('free_hugepages') - pool('resv_hugepages') < count:
            raise tap.Skip(f'no {count} huge pages of 2 MiB to be had here')
        yield
    finally:
        with open(os.path.join(POOL, 'nr_hugepages'), 'w') as f:
            f.write(str(before))


@tap.cases([('1M', 1), ('4M', 2)])
def of_huge_pages(size, pages):
    with huge_pages(pages):
        with scene(1, '--hugepages', '2M', '-l', size) as (_, a):
            st, seals = memory_of(a)
            assert st.st_size == pages * 2 * MIB and st.st_blksize == 2 * MIB
            assert seals == SEALS
            with mmap.mmap(a.memory, st.st_size) as m:
                assert any(m[:4096]), 'there is no bus'


@tap.case
def too_few_huge_pages():
    if not os.path.isdir(POOL):
        raise tap.Skip('this kernel has no huge pages of 2 MiB')
    with fails(1, f'{POOL}/nr_hugepages', '--hugepages', '2M', '-l', '512G') as s:
        assert '262144 huge pages of 2048 KiB are needed' in s.log(), s.log()


@contextlib.contextmanager
def mounted(kind, option):
    """A file system of its own; root of a container may not."""
    need_root()
    with open_place() as place:
        done = subprocess.run(['mount', '-t', kind, '-o', option, 'none', place],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise tap.Skip('mount: ' + done.stderr.strip())
        try:
            yield place
        finally:
            assert subprocess.run(['umount', place]).returncode == 0


@tap.case
def on_a_hugetlbfs():
    with huge_pages(1), mounted('hugetlbfs', 'pagesize=2M') as place:
        file = os.path.join(place, 'memory')
        for options in ['-m', place], ['--memory-file', file]:
            with scene(1, *options, '-l', '1M') as (_, a):
                st, seals = memory_of(a)
                assert st.st_size == 2 * MIB and not seals & fcntl.F_SEAL_SHRINK
        os.unlink(file)
        with fails(1, 'huge pages of 2048 KiB are needed', '-m', place, '-l', '64G'):
            pass


@tap.case
def a_file_system_that_is_too_small():
    with mounted('tmpfs', 'size=1M') as place:
        for option, where in ('-m', place), ('--memory-file', place + '/memory'):
            with fails(1, 'its file system has room for 1 MiB', option, where,
                       '-l', '2M'):
                pass
            assert os.listdir(place) in ([], ['memory'])


@tap.case
def file_that_others_map():
    with open_place() as place:
        file = os.path.join(place, 'memory')
        with scene(1, '--memory-file', file, '-l', '1M') as (s, a):
            assert 'not sealed' in s.log(), s.log()
            st = os.stat(file)
            assert stat.S_IMODE(st.st_mode) == 0o600 and st.st_size == MIB
            assert os.fstat(a.memory).st_ino == st.st_ino
            with fails(1, 'another server has it', '--memory-file', file, '-l', '1M'):
                pass
        with fails(1, 'exists with 1048576 bytes', '--memory-file', file, '-l', '2M'):
            pass
        with scene(1, '--memory-file', file, '-l', '1M'):
            pass


@tap.case
def a_client_cuts_the_memory_short():
    """That kills who touches it; the server lives, and serves on."""
    with open_place() as place:
        file = os.path.join(place, 'memory')
        with scene(2, '--memory-file', file, '-l', '1M') as (s, a, b):
            until(lambda: a.knows(b.id), 'the join')
            os.ftruncate(a.memory, 0)
            b.close()  # the server looks for its slot on the bus
            until(lambda: a.knows(), 'the leave')
            with Client(s) as c:
                until(lambda: a.knows(c.id), 'the join')


@tap.case
def memory_must_fit_the_options():
    done = run('--check', '--hugepages', '3M')
    assert done.returncode == 2, done
    done = run('--check', '--hugepages', '2M', '--memory-file', '/x')
    assert done.returncode == 2, done


tap.main()
