# SPDX-License-Identifier: BSD-2-Clause
"""Windows programs beside a stand-in for virtio-win's ivshmem driver, under Wine.

    import wine
    with vm.Server() as server, wine.Wine(wine.Device(server.path)) as windows:
        run = windows.run('bellring.exe', 'info')     # .status, .out, .err
        child = windows.start('bellring.exe', 'recv') # a children.Child
        windows.set(0, PerHandle=1)                   # modes of the first device

A Wine has a prefix of its own, which is gone when its block ends, with all that
ran in it; when this program is killed, the kernel has Wine's server end, which
kills the others. The first prefix of a build is made by wineboot,
and each further one copied from that: tests/wine/template below the build.

Devices are at PCI bus 0, slots 5, 6, ... A mode is a value of the device's key,
as standin.h (struct modes) and installer.h say, and holds from the next time that
anybody opens the device; set() sees to that.
"""
import atexit
import ctypes
import filecmp
import fcntl
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(_HERE, '..'), os.path.join(_HERE, '..', 'device')]

import tap                                    # noqa: E402 (after the path)
from children import Child, until             # noqa: E402

BUILD = os.path.join(os.environ.get('top_builddir', '.'), 'tests', 'wine')
FIRST_SLOT = 5
START_SECONDS = 60    # deadline; Wine takes about two
PR_SET_PDEATHSIG = 1
PREFIX = 'bellring-wine-'
FRESH_SECONDS = 60
# Debian's package wine64 puts its loader beside the PATH.
LOADERS = ('wine64', '/usr/lib/wine/wine64')
SERVERS = ('wineserver', '/usr/lib/wine/wineserver64')
BUILTINS = '/usr/lib/x86_64-linux-gnu/wine/x86_64-windows'
UNNEEDED = ('Eventlog', 'NDIS')
INSTALLER = os.path.join(BUILD, 'bellring-standin.exe')
DRIVER = os.path.join(BUILD, 'ivshmem.sys')
INF = os.path.join(_HERE, 'ivshmem.inf')


class Failed(AssertionError):
    """A program of Windows did not do what it must; carries what it said."""


def _find(names, package):
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    return tap.missing_thing(f'{names[0]} not found: on Debian, apt-get install {package}')


def need():
    """Skips (or, in CI, fails) unless Wine is there and the stand-in is built."""
    _find(LOADERS, 'wine64')
    _find(SERVERS, 'wine64')
    for path in (INSTALLER, DRIVER):
        if not os.path.exists(path):
            tap.missing_thing(f'{path} is not built: on Debian, apt-get install '
                              'gcc-mingw-w64-x86-64-win32 mingw-w64-x86-64-dev')


def _environment(prefix):
    """Wine's, without a display, a home or menus of this user's."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith('WINE') and k not in ('DISPLAY', 'WAYLAND_DISPLAY')}
    return dict(env, WINEPREFIX=prefix, WINEARCH='win64', HOME=prefix, LC_ALL='C.UTF-8',
                WINEDEBUG=os.environ.get('WINEDEBUG', '-all'),
                WINEDLLOVERRIDES='mscoree,mshtml=;winemenubuilder.exe=d')


# ---- the template ------------------------------------------------------------------

def _link_builtins(folder):
    """Wine copies its own files, 700 MB of them: links do."""
    for where, _, names in os.walk(os.path.join(folder, 'drive_c')):
        for name in names:
            path, own = os.path.join(where, name), os.path.join(BUILTINS, name)
            if (os.path.isfile(own) and not os.path.islink(path)
                    and filecmp.cmp(path, own, shallow=False)):
                os.unlink(path)
                os.symlink(own, path)


def _quieten(folder):
    """Services that nobody here needs do not start."""
    path = os.path.join(folder, 'system.reg')
    with open(path, encoding='latin-1') as f:
        text = f.read()
    for name in UNNEEDED:
        text, count = re.subn(r'(Services\\\\%s\][^\[]*"Start"=dword:0000000)\d' % name,
                              r'\g<1>4', text)
        assert count == 1, f'{path}: {count} services {name}'
    with open(path, 'w', encoding='latin-1') as f:
        f.write(text)


def _make_template(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    env = _environment(folder)
    with _Server(env):
        subprocess.run([_find(LOADERS, 'wine64'), 'wineboot.exe', '-i'], env=env, check=True,
                       timeout=START_SECONDS, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _link_builtins(folder)
    _quieten(folder)


def template():
    """A prefix that wineboot has made; made where there is none of this Wine."""
    folder, stamp = os.path.join(BUILD, 'template'), os.path.join(BUILD, 'template.stamp')
    program = os.stat(_find(SERVERS, 'wine64'))
    wanted = f'{program.st_ino} {program.st_mtime_ns}'
    with open(os.path.join(BUILD, 'template.lock'), 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(stamp) or open(stamp, encoding='ascii').read() != wanted:
            _make_template(folder)
            with open(stamp, 'w', encoding='ascii') as f:
                f.write(wanted)
    return folder


# ---- what a killed program left ----------------------------------------------------

def _lock(folder):
    """A descriptor that holds the folder's lock, or None if somebody else does."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def _sweep_one(folder):
    if time.time() - os.stat(folder).st_mtime < FRESH_SECONDS:
        return      # perhaps not locked yet
    fd = _lock(folder)
    if fd is not None:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(fd)


def _sweep():
    """Removes the folders of programs that were killed."""
    for folder in glob.glob(os.path.join(tempfile.gettempdir(), PREFIX + '*')):
        try:
            _sweep_one(folder)
        except OSError:
            pass    # gone, or somebody else's


# ---- Wine --------------------------------------------------------------------------

def _interrupted_with_parent():
    """SIGINT has wineserver kill all its processes; they would outlive SIGKILL."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


class _Server:
    """Wine's server in the foreground: when this program ends, so does Wine."""

    def __init__(self, env):
        self._process = subprocess.Popen(
            [_find(SERVERS, 'wine64'), '-f', '-p'], env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=_interrupted_with_parent)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(START_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()


class Device:
    """A device to be: at this server's socket, or with this file as its memory."""

    def __init__(self, socket=None, vectors=16, memory=None, **values):
        self.values = dict(values)
        if memory:
            self.values.update(Memory=memory, Msix=0)
        else:
            self.values.update(Socket=socket, Vectors=vectors)


class Run:
    """What a program that has ended did: status, out and err (text)."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def check(self, status=0):
        if self.status != status:
            raise Failed(f'status {self.status}, not {status}\n{self.out}{self.err}'.rstrip())
        return self.out


class Wine:
    """A prefix, devices and what runs there, while the block lasts."""

    def __init__(self, *devices):
        self._devices = list(devices)
        self._children = []
        self._server = self._folder = None

    def __enter__(self):
        need()
        source = template()
        atexit.register(self.__exit__)
        _sweep()
        self._folder = tempfile.mkdtemp(prefix=PREFIX)
        self._lock = _lock(self._folder)
        self.prefix = os.path.join(self._folder, 'prefix')
        try:
            subprocess.run(['cp', '-a', '--reflink=auto', source, self.prefix], check=True)
            self.env = _environment(self.prefix)
            self._server = _Server(self.env)
            self._keep()
            if self._devices:
                devices, self._devices = self._devices, []
                self.add(*devices)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        atexit.unregister(self.__exit__)
        if self._server:
            self._server.__exit__()
            self._server = None
        for child in self._children:
            child.__exit__(None, None, None)
        self._children = []
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._lock)
            self._folder = None

    def _keep(self):
        """Boots, by a program that stays: without any, Wine stops the driver."""
        child = self.start(INSTALLER, 'hold', stdin=subprocess.PIPE)
        until(lambda: child.check() or 'holding' in child.said(), 'Wine boots',
              START_SECONDS)

    # ---- programs ----

    def _argv(self, program, args):
        """Names without a folder are those of Wine itself, as cmd.exe."""
        return [_find(LOADERS, 'wine64'), program, *map(str, args)]

    def run(self, program, *args, seconds=30, stdin=None, binary=False, env=None):
        """Runs to the end; stdin are bytes. Text comes with \\n, bytes as they are."""
        # No pipes: what Wine starts by the way would keep them open.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, \
                tempfile.TemporaryFile() as given:
            given.write(stdin or b'')
            given.seek(0)
            done = subprocess.run(self._argv(program, args), env=dict(self.env, **(env or {})),
                                  stdin=given, stdout=out, stderr=err, timeout=seconds,
                                  check=False)
            said = [os.pread(f.fileno(), os.fstat(f.fileno()).st_size, 0) for f in (out, err)]
        if not binary:
            said = [s.decode(errors='replace').replace('\r\n', '\n') for s in said]
        return Run(done.returncode, *said)

    def start(self, program, *args, stdin=None, stdout=None, env=None):
        """Starts it: a children.Child, which ends with this Wine at the latest."""
        child = Child(self._argv(program, args), stdin=stdin, stdout=stdout,
                      env=dict(self.env, **(env or {})))
        self._children.append(child)
        return child

    def path(self, path):
        """A path of Linux as Windows programs take it."""
        return 'Z:' + os.path.abspath(path).replace('/', '\\')

    # ---- devices ----

    def slot(self, number):
        return FIRST_SLOT + number

    def address(self, number):
        """bus:slot.function of the device of that number, as lspci writes it."""
        return f'00:{self.slot(number):02x}.0'

    def inf(self):
        """Windows' path of the INF, with what it installs beside it."""
        folder = os.path.join(self._folder, 'driver')
        os.makedirs(folder, exist_ok=True)
        for path in (INF, DRIVER):
            shutil.copy(path, folder)
        return self.path(os.path.join(folder, os.path.basename(INF)))

    def add(self, *devices):
        """Puts further devices in, all at once; returns when they are ready."""
        words = []
        for number, device in enumerate(devices, len(self._devices)):
            values = dict(device.values, Slot=self.slot(number))
            words += ['--'] * bool(words) + _words(values)
        self.run(INSTALLER, 'add', self.inf(), *words, seconds=START_SECONDS).check()
        self._devices += devices

    def set(self, number, **values):
        """Sets modes; None takes one away. In force on return."""
        self.run(INSTALLER, 'set', self.slot(number), *_words(values)).check()

    def remove(self, number):
        """Takes the device away, whoever has it open."""
        self.run(INSTALLER, 'remove', self.slot(number)).check()


def _words(values):
    return [f'{name}={"" if value is None else value}' for name, value in values.items()]
