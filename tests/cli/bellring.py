# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the tool share: servers, the tool itself, waiting.

Everything a case starts is stopped at its end, also when it fails.
"""
import contextlib
import functools
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(_HERE, '..'), os.path.join(_HERE, '..', 'device')]
import children    # SIGTERM and SIGHUP end a test as SIGINT does: by an exception
import tap

BUILD = os.environ.get('top_builddir', '.')
TOOL = os.path.join(BUILD, 'bellring')
SERVER = os.path.join(BUILD, 'bellring-server')
LONG = 30  # seconds; nothing here takes long unless it is broken


class Place:
    """A directory, the server in it, and all processes of one case."""

    def __init__(self):
        # Not $TMPDIR: a socket's path has 107 bytes at most, unix(7).
        self.dir = tempfile.mkdtemp(prefix='bellring-', dir='/tmp')
        self.socket = self.path('socket')
        self.address = 'unix:' + self.socket
        self.started = []

    def path(self, name):
        return os.path.join(self.dir, name)

    def popen(self, argv, **more):
        p = subprocess.Popen(argv, **more)
        self.started.append(p)
        return p

    def server(self, *options):
        """Starts bellring-server; returns when it is ready."""
        r, w = os.pipe()
        try:
            p = self.popen([SERVER, '-F', '-S', self.socket, '--ready-fd', str(w),
                            *options], pass_fds=[w], stderr=subprocess.PIPE)
        finally:
            os.close(w)
        with open(r, 'rb') as ready:
            if ready.read(1) != b'\n':
                raise AssertionError('server: ' + p.stderr.read().decode())
        threading.Thread(target=p.stderr.read, daemon=True).start()
        return p

    @staticmethod
    def argv(*args):
        return [TOOL, *[str(a) for a in args]]

    def env(self, **more):
        return dict(os.environ, BELLRING_ADDRESS=self.address, LC_ALL='C', **more)

    def run(self, *args, stdin=b'', env=(), timeout=LONG, **more):
        """Runs the tool to its end; returns (status, stdout, stderr)."""
        p = self.popen(self.argv(*args), stdin=subprocess.PIPE,
                       stdout=more.pop('stdout', subprocess.PIPE),
                       stderr=subprocess.PIPE, env={**self.env(), **dict(env)},
                       **more)
        out, err = p.communicate(stdin, timeout=timeout)
        return p.returncode, (out or b'').decode(errors='replace'), err.decode()

    def start(self, *args, **more):
        """Starts the tool; end() waits for it."""
        more.setdefault('stdout', subprocess.PIPE)
        more.setdefault('stderr', subprocess.PIPE)
        return self.popen(self.argv(*args), stdin=subprocess.DEVNULL, env=self.env(),
                          **more)

    def ok(self, *args, **more):
        """Runs the tool, which has to succeed; returns stdout."""
        status, out, err = self.run(*args, **more)
        equal(status, 0, err)
        return out

    def peers(self):
        return objects(self.ok('--json', 'peers'))

    def live(self, name):
        """The live peer of that name, or None."""
        found = [p for p in self.peers() if p['name'] == name and p['state'] == 'live']
        return found[0] if found else None

    def receiver(self, name, *args, **more):
        """A started `recv` that is on the bus."""
        p = self.start('--name', name, 'recv', *args, **more)
        until(lambda: self.live(name) or p.poll() is not None, f'{name} on the bus')
        if p.poll() is not None:
            raise AssertionError(end(p))
        return p

    def close(self):
        for p in reversed(self.started):
            if p.poll() is None:
                p.kill()
            p.wait()
            for stream in (p.stdout, p.stderr, p.stdin):
                if stream:
                    stream.close()
        shutil.rmtree(self.dir)


def place(*server_options, server=True):
    """Decorator: gives the case a Place, with a server unless told otherwise."""
    def wrap(fn):
        @functools.wraps(fn)
        def inner(*args):
            at = Place()
            try:
                if server:
                    at.server(*server_options)
                fn(at, *args)
            finally:
                at.close()
        return inner
    return wrap


def end(p, timeout=LONG):
    """(status, stdout, stderr) of a started process."""
    out, err = p.communicate(timeout=timeout)
    return p.returncode, (out or b'').decode(errors='replace'), (err or b'').decode()


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


def equal(got, want, *about):
    if got != want:
        raise AssertionError(f'got {got!r}, want {want!r} {about or ""}')


def matches(text, pattern):
    if not re.search(pattern, text):
        raise AssertionError(f'{text!r} does not match {pattern!r}')


def until(condition, what, seconds=LONG):
    """Polls a condition with a deadline; returns what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f'not within {seconds} s: {what}')
        time.sleep(0.01)


def cpu_ns(pid):
    """CPU time of a process: Documentation/scheduler/sched-stats.rst."""
    with open(f'/proc/{pid}/schedstat') as f:
        return int(f.read().split()[0])


def read_so_far(p, path):
    """Bytes of a file that a process has read: fdinfo, proc(5)."""
    path, fds = os.path.realpath(path), f'/proc/{p.pid}/fd'
    for fd in os.listdir(fds):
        with contextlib.suppress(FileNotFoundError):    # it closes some meanwhile
            if os.readlink(f'{fds}/{fd}') == path:
                with open(f'/proc/{p.pid}/fdinfo/{fd}') as f:
                    return int(re.search(r'pos:\s*(\d+)', f.read()).group(1))
    return 0


def read_terminal(master):
    """All that was written to a terminal whose other end is closed."""
    shown = b''
    with contextlib.suppress(OSError):    # EIO is its end
        while True:
            shown += os.read(master, 65536)
    os.close(master)
    return shown.decode()


def greeting(*messages):
    """Bytes of a server's messages: QEMU, docs/specs/ivshmem-spec.rst."""
    return b''.join(struct.pack('<q', m) for m in messages)


@contextlib.contextmanager
def fake_server(path, data, hold=False):
    """A server that sends these bytes to the first client, then closes or holds."""
    listener = socket.socket(socket.AF_UNIX)
    done = threading.Event()

    def serve():
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client:
            client.sendall(data)
            if hold:
                done.wait(LONG)

    listener.bind(path)
    listener.listen()
    listener.settimeout(LONG)
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        listener.close()


def shared_memory(path):
    """The memory's descriptor, taken as any client of the server gets it."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(LONG)
        s.connect(path)
        data, fds = b'', []
        while len(data) < 24:
            more, got, _, _ = socket.recv_fds(s, 24 - len(data), 16)
            assert more, 'the server hung up'
            data += more
            fds += got
        equal(struct.unpack('<q', data[16:24])[0], -1)
        for extra in fds[1:]:
            os.close(extra)
        return fds[0]


def overwrite(path, offset, data):
    fd = shared_memory(path)
    try:
        equal(os.pwrite(fd, data, offset), len(data))
    finally:
        os.close(fd)


def stop(p, signo=signal.SIGINT):
    p.send_signal(signo)
    return end(p)
