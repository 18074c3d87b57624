# SPDX-License-Identifier: BSD-2-Clause
"""A service manager for one bellring-server, that does what systemd does.

By sd_notify(3), sd_listen_fds(3) and systemd's service_add_fd_store(): it takes
messages from the main process only, keeps one of two descriptors that are the
same, and hands them back in no order.
"""
import array
import collections
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading

from served import DEADLINE, SERVER, until

seed = int(os.environ.get('SYSTEMD_SEED', random.randrange(1 << 32)))
rnd = random.Random(seed)

# Becomes the server with these descriptors as 3, 4, ... and its own process id in
# the environment, where a manager writes it between fork() and execve().
LAUNCH = '''
import fcntl, os, sys
fds = [int(fd) for fd in sys.argv[1].split()]
high = [fcntl.fcntl(fd, fcntl.F_DUPFD, max(fds) + len(fds) + 3) for fd in fds]
for at, fd in enumerate(high):
    os.dup2(fd, 3 + at)
os.closerange(3 + len(fds), max(high, default=3) + 1)
os.environ['LISTEN_PID'] = os.environ['WATCHDOG_PID'] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
'''


def identity(fd):
    """The same for two descriptors only if they are of one socket, file, eventfd."""
    about = os.fstat(fd)
    with open(f'/proc/self/fdinfo/{fd}', encoding='ascii') as f:
        ids = [line for line in f if line.startswith('eventfd-id:')]
    return about.st_dev, about.st_ino, *ids


class Manager:
    """Starts one server, again and again, and holds what it is to hold."""

    def __init__(self, *options, listens_itself=True, watchdog_us=None):
        self.dir = tempfile.mkdtemp(prefix='bellring-')
        self.path = os.path.join(self.dir, 'socket')
        self.options = options
        self.process = None
        self.starting = threading.Lock()    # until its process is known
        self.store = []       # [name, descriptor]
        self.heard = []       # lines that are not about descriptors, in order
        self.mistakes = []
        self.synced = 0
        self.env = dict(os.environ, NOTIFY_SOCKET=os.path.join(self.dir, 'notify'))
        if watchdog_us:
            self.env['WATCHDOG_USEC'] = str(watchdog_us)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.notify.bind(self.env['NOTIFY_SOCKET'])
        self.listener = None
        if listens_itself:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.path)
            self.listener.listen()
        self.thread = threading.Thread(target=self.take_all)
        self.thread.start()

    # ---- what the server says ----

    def take_all(self):
        while True:
            text, control, flags, _ = self.notify.recvmsg(
                4096, socket.CMSG_SPACE(253 * 4) + socket.CMSG_SPACE(12))
            fds, sender = array.array('i'), None
            for _, kind, data in control:
                if kind == socket.SCM_RIGHTS:
                    fds.frombytes(data)
                else:
                    sender = struct.unpack('=3i', data)[0]
            if text == b'END':
                return
            if text == b'SYNC':
                self.synced += 1
                continue
            with self.starting:
                if sender != self.process.pid or flags & socket.MSG_CTRUNC:
                    self.mistakes.append(f'{text} of process {sender}, flags {flags}')
            self.take(text.decode().split('\n'), list(fds))

    def take(self, lines, fds):
        about = dict(line.split('=', 1) for line in lines)
        name = about.pop('FDNAME', 'stored')
        if about.pop('FDSTORE', None):
            if about.pop('FDPOLL', None) != '0':
                self.mistakes.append(f'{name}: would be closed once it hangs up')
            for fd in fds:
                self.keep(name, fd)
        elif about.pop('FDSTOREREMOVE', None):
            self.forget(lambda one: one == name)
        self.heard += [f'{key}={value}' for key, value in about.items()]

    def keep(self, name, fd):
        if identity(fd) in [identity(other) for _, other in self.store]:
            os.close(fd)
        else:
            self.store.insert(0, [name, fd])

    def forget(self, is_it):
        gone = [one for one in self.store if is_it(one[0])]
        self.store = [one for one in self.store if one not in gone]
        for _, fd in gone:
            os.close(fd)

    def sync(self):
        """Returns when all that was sent so far has been taken."""
        want = self.synced + 1
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.sendto(b'SYNC', self.env['NOTIFY_SOCKET'])
        until(lambda: self.synced >= want, 'the manager')

    def kept(self):
        """{name: how many}"""
        self.sync()
        return collections.Counter(name for name, _ in self.store)

    # ---- the server ----

    def launch(self):
        given = [['bellring', self.listener.fileno()]] if self.listener else []
        given += self.store
        rnd.shuffle(given)
        self.heard = []
        fds = [fd for _, fd in given]
        env = dict(self.env, LISTEN_FDS=str(len(fds)),
                   LISTEN_FDNAMES=':'.join(name for name, _ in given))
        with open(os.path.join(self.dir, 'stderr'), 'a', encoding='utf-8') as err, \
                self.starting:
            self.process = subprocess.Popen(
                [sys.executable, '-c', LAUNCH, ' '.join(map(str, fds)), SERVER,
                 '-S', self.path, '--log-rate', '0', *self.options],
                stdin=subprocess.DEVNULL, stderr=err, pass_fds=fds, env=env)

    def start(self):
        self.launch()
        until(lambda: 'READY=1' in self.heard or self.process.poll() is not None,
              'READY=1')
        assert self.process.poll() is None, self.log()
        return self

    def end(self, number):
        self.process.send_signal(number)
        status = self.process.wait(DEADLINE)
        self.sync()
        return status

    def die(self):
        assert self.end(signal.SIGKILL) == -signal.SIGKILL

    def log(self):
        with open(os.path.join(self.dir, 'stderr'), encoding='utf-8') as f:
            return f.read()

    def descriptors(self):
        return len(os.listdir(f'/proc/{self.process.pid}/fd'))

    def __enter__(self):
        print(f'# SYSTEMD_SEED={seed}')
        return self

    def __exit__(self, kind, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if kind:
            print('\n'.join('# ' + line for line in self.log().splitlines()))
        self.hang_up()
        self.forget(lambda name: True)
        if self.listener:
            self.listener.close()
        shutil.rmtree(self.dir)
        assert kind or not self.mistakes, self.mistakes

    def hang_up(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.sendto(b'END', self.env['NOTIFY_SOCKET'])
        self.thread.join()
        self.notify.close()
