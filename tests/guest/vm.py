# SPDX-License-Identifier: BSD-2-Clause
"""Real QEMU guests with an ivshmem-doorbell device, and a server for them.

    import vm
    with vm.Server(size='16M') as server, vm.Guest('g1', server) as guest:
        status, text = guest.run('bellring bind')
        job = guest.spawn('bellring recv')
        ...
        status, text = job.wait(10)

A guest runs a Debian kernel (kernel.py) on a file system of our own
(initramfs.py) and takes commands on its second serial line. Everything that is
started here is gone when its block ends, on any exception, on SIGINT and
SIGTERM, and when this program is killed (tests/device/children.py).
"""
import base64
import json
import os
import select
import shlex
import shutil
import socket
import sys
import tempfile
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [_HERE, os.path.join(_HERE, '..', 'device')]

import initramfs                              # noqa: E402 (after the path)
import kernel as kernels                      # noqa: E402
from children import Child, until             # noqa: E402
from kernel import Missing                    # noqa: E402

BUILD = os.environ.get('top_builddir', '.')
QEMU = os.environ.get('QEMU', 'qemu-system-x86_64')
BOOT_SECONDS = 120     # deadline; an emulated boot takes 3 to 10
PROBE_SECONDS = 30     # deadline for KVM; a boot takes 2
GRACE_SECONDS = 20     # beyond what a command itself was given
# With one CPU at most, TCG leaves out the guest's memory barriers and makes its
# atomic operations plain ones (CF_PARALLEL, accel/tcg/tcg-accel-ops-mttcg.c):
# fine among the guest's own, but a host peer then loses its wake-ups.
CPUS = ('-smp', '1,maxcpus=2')
IOMMU = ('-device', 'intel-iommu,intremap=on')
# quiet: console output costs an emulated CPU an exit for each character
CMDLINE = ('console=ttyS0 quiet panic=-1 mitigations=off '
           'random.trust_cpu=on i8042.noaux i8042.nokbd')


class Failed(AssertionError):
    """A guest or server did not do what it must; carries its log."""


def _programs():
    return {'bellring': os.path.join(BUILD, 'bellring-static')}


# ---- QEMU's control socket -------------------------------------------------------

class Qmp:
    """The QEMU Machine Protocol: docs/interop/qmp-spec.txt."""

    def __init__(self, path, check_alive):
        """check_alive: called before and after all; raises if QEMU has ended."""
        self._check_alive = check_alive
        self._sock = _connect(path, check_alive)
        self._sock.settimeout(GRACE_SECONDS)
        self._file = self._sock.makefile('rw', encoding='utf-8')
        self._line()
        self.command('qmp_capabilities')

    def _line(self):
        try:
            line = self._file.readline()
        except ConnectionError:
            line = ''
        if not line:
            until(self._check_alive, 'QEMU, which closed its control socket, ends')
        return json.loads(line)

    def command(self, name, **arguments):
        try:
            json.dump({'execute': name, 'arguments': arguments}, self._file)
            self._file.write('\n')
            self._file.flush()
        except ConnectionError:
            pass    # reading says what became of QEMU
        while True:
            answer = self._line()
            if 'error' in answer:
                raise Failed(f'QEMU: {name}: {answer["error"]}')
            if 'return' in answer:
                return answer['return']

    def close(self):
        self._file.close()
        self._sock.close()


def _connect(path, alive):
    """Connects to a socket that a child is about to make."""
    def attempt():
        alive()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(path)
            return sock
        except (FileNotFoundError, ConnectionRefusedError):
            sock.close()
            return None
    return until(attempt, f'{path} appears')


# ---- KVM -------------------------------------------------------------------------

_kvm = None


def accel():
    """'kvm' if BELLRING_KVM=1 and a kernel has booted under it, else 'tcg'.

    A /dev/kvm that opens is no proof: under some it hangs in the boot.
    """
    global _kvm                                # pylint: disable=global-statement
    if _kvm is None:
        _kvm = os.environ.get('BELLRING_KVM') == '1' and probe()
    return 'kvm' if _kvm else 'tcg,thread=multi'


def probe():
    """Whether a guest boots under KVM within PROBE_SECONDS."""
    if not os.access('/dev/kvm', os.R_OK | os.W_OK):
        return False
    try:
        with Guest('probe', accelerator='kvm', boot_seconds=PROBE_SECONDS):
            return True
    except AssertionError:
        return False


# ---- guests ----------------------------------------------------------------------

class Job:
    """A command that runs in the background of a guest; pid is its own."""

    def __init__(self, guest, number, command):
        self.command = command
        self._guest = guest
        self._file = f'/tmp/job-{number}'
        self.pid = int(guest.check(f'job {self._file} {shlex.quote("exec " + command)}'))

    def output(self, first=1):
        """What it has printed so far, on both outputs, from that line on."""
        return self._guest.check(f'tail -n +{first} {self._file}')

    def ended(self):
        return self._guest.run(f'[ -e {self._file}.status ]')[0] == 0

    def wait(self, seconds=30):
        """(exit status, output); fails at the deadline."""
        until(self.ended, f'{self.command}: ends in the guest', seconds, 0.1)
        return int(self._guest.check(f'cat {self._file}.status')), self.output()

    def kill(self, signal='KILL'):
        self._guest.run(f'kill -{signal} {self.pid}')


class Guest:
    """A machine. server: a Server or a socket's path; None: without the device.

    The device is at 00:03.0 and has as many vectors as QEMU is told here.
    iommu: whether there is a virtual one; memory: MiB; kernel: a kernels.Kernel;
    programs: {name in /bin: path}; modules: besides vfio's; extra_modules:
    {name: path of a .ko built for this kernel}; cmdline: more words for the
    kernel; qemu_options: more words for QEMU's command line.
    """

    # What another machine (arm64.py) has of its own, besides its command line.
    program, package, line = QEMU, 'qemu-system-x86', 'ttyS1'

    def __init__(self, name, server=None, *, vectors=16, iommu=True,
                 memory=320, kernel=None, programs=None, modules=(),
                 extra_modules=None, cmdline='', qemu_options=(), accelerator=None,
                 boot_seconds=BOOT_SECONDS):
        self.name = name
        self.boot_seconds = boot_seconds
        self.boot_id = None
        self.qmp = None
        self._child = None
        self._line = None
        self._pending = b''
        self._number = 0
        self._folder = tempfile.mkdtemp(prefix='bellring-guest-')
        self.console = self._path('console')
        self._more_words = ' ' + cmdline if cmdline else ''
        try:
            if not shutil.which(self.program):
                raise Missing(f'{self.program} not found (Debian: {self.package})')
            self._kernel = kernel or kernels.find()
            with open(self._path('initramfs'), 'wb') as f:
                f.write(initramfs.build(
                    self._kernel, _programs() if programs is None else programs,
                    name, modules, extra_modules, self.line))
            self._argv = self._command(
                memory, accelerator or accel(), iommu,
                _device(server, vectors) + tuple(qemu_options))
        except BaseException:
            self.close()
            raise

    def _path(self, name):
        return os.path.join(self._folder, name)

    def _command(self, memory, accelerator, iommu, devices):
        return [QEMU, '-name', self.name, '-nodefaults', '-no-user-config',
                '-display', 'none', '-M', 'q35,kernel-irqchip=split',
                '-accel', accelerator, *CPUS, '-m', str(memory),
                *(IOMMU if iommu else ()),
                '-kernel', self._kernel.image, '-initrd', self._path('initramfs'),
                '-append', CMDLINE + (' intel_iommu=on' if iommu else '') + self._more_words,
                '-serial', f'file:{self.console}',
                '-chardev', f'socket,id=line,path={self._path("line")},server=on,wait=off',
                '-serial', 'chardev:line',
                '-qmp', f'unix:{self._path("qmp")},server=on,wait=off', *devices]

    # ---- life ----

    def launch(self):
        """Starts QEMU; wait_ready() then waits for the boot."""
        self._child = Child(self._argv)
        self._line = _connect(self._path('line'), self.check_alive)
        self.qmp = Qmp(self._path('qmp'), self.check_alive)
        return self

    def start(self):
        """Boots it and waits until it takes commands."""
        self.launch().wait_ready()
        return self

    def wait_ready(self, seconds=None):
        """Waits for (another) boot to end in a shell."""
        words = self._words(time.monotonic() + (seconds or self.boot_seconds),
                            'it boots')
        if words[0] != 'READY':
            raise self._failure(f'it says {words} instead of READY')
        self.boot_id = words[1]
        self._number = 0

    def reset(self):
        """Presses the reset button; returns when the guest is up again."""
        before = self.boot_id
        self.qmp.command('system_reset')
        self.wait_ready()
        assert self.boot_id != before

    def reboot(self):
        """Has its system restart; nothing answers that. wait_ready() comes next."""
        self._ask('reboot -f', 1)

    def check_alive(self):
        if not self._child.alive():
            raise self._failure('QEMU ended')

    @property
    def qemu(self):
        """The Child, for its pid and CPU time."""
        return self._child

    def kill(self):
        """Ends QEMU at once, as a crash of it would."""
        self._child.kill()

    def close(self):
        """Ends it, and removes all that it needed."""
        if self.qmp:
            self.qmp.close()
        if self._line:
            self._line.close()
        if self._child:
            self._child.__exit__(None, None, None)
        self.qmp = self._line = self._child = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, kind, error, _):
        # Failed has the log in it, and who pressed Ctrl-C wants none.
        try:
            if error is not None and not isinstance(error, (Failed, KeyboardInterrupt)):
                print('\n'.join('# ' + s for s in self.log().splitlines()),
                      file=sys.stderr)
        finally:
            self.close()

    # ---- commands ----

    def run(self, command, seconds=30):
        """(exit status, output text) of a shell command; 137 if it was too slow."""
        status, data = self.run_bytes(command, seconds)
        return status, data.decode(errors='replace')

    def _ask(self, command, seconds):
        self._number += 1
        word = base64.b64encode(command.encode()).decode()
        assert len(word) < 16000, 'a serial line has no room for more'
        self._line.sendall(f'{self._number} {seconds} {word}\n'.encode())

    def run_bytes(self, command, seconds=30):
        self._ask(command, seconds)
        deadline = time.monotonic() + seconds + GRACE_SECONDS
        words = self._words(deadline, command)
        if words[:2] != ['DONE', str(self._number)]:
            raise self._failure(f'{command}: it says {words}; did it reboot?')
        return int(words[2]), self._bytes(int(words[3]), deadline, command)

    def check(self, command, seconds=30):
        """Output of a command that must succeed."""
        status, text = self.run(command, seconds)
        assert status == 0, f'{self.name}: {command}: status {status}: {text}'
        return text

    def spawn(self, command):
        """Starts one command in the background: a Job."""
        return Job(self, self._number, command)

    def cpu_ns(self, pid):
        """CPU time of a guest's process so far, by the guest's scheduler.

        /proc/PID/schedstat counts each switch on the guest's clock. The ticks
        of /proc/PID/stat would miss a process that runs between two of them.
        """
        return int(self.check(f'cat /proc/{pid}/schedstat').split()[0])

    # ---- the serial line ----

    def _more(self, deadline, what):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self._line], [], [], left)[0]:
            raise self._failure(f'not in time: {what}')
        data = self._line.recv(65536)
        if not data:
            raise self._failure(f'QEMU ended during: {what}')
        self._pending += data

    def _words(self, deadline, what):
        while b'\n' not in self._pending:
            self._more(deadline, what)
        line, _, self._pending = self._pending.partition(b'\n')
        return line.decode(errors='replace').split() or ['']

    def _bytes(self, size, deadline, what):
        while len(self._pending) < size:
            self._more(deadline, what)
        data, self._pending = self._pending[:size], self._pending[size:]
        return data

    def log(self):
        """The end of the console, and what QEMU said."""
        try:
            with open(self.console, encoding='utf-8', errors='replace') as f:
                console = f.read()[-4000:]
        except FileNotFoundError:
            console = ''
        if not self._child:
            return f'{self.name}: never started'
        status = self._child.process.poll()
        state = 'runs' if status is None else f'ended with status {status}'
        return (f'{self.name}: console:\n{console}\n{self.name}: QEMU {state}\n'
                + self._child.said())

    def _failure(self, what):
        return Failed(f'{self.name}: {what}\n{self.log()}')


def _device(server, vectors):
    if server is None:
        return ()
    path = getattr(server, 'path', server)
    return ('-chardev', f'socket,path={path},id=iv', '-device',
            f'ivshmem-doorbell,chardev=iv,vectors={vectors},addr=3.0')


# ---- server ----------------------------------------------------------------------

class Server:
    """The build's bellring-server, listening while the block runs."""

    def __init__(self, *options, size='16M', vectors=16):
        self._folder = tempfile.mkdtemp(prefix='bellring-server-')
        self.path = os.path.join(self._folder, 'socket')
        self.address = 'unix:' + self.path
        self._child = None
        self._options = ['-F', '-v', '-S', self.path, '-l', size, '-n', str(vectors),
                         *options]

    def __enter__(self):
        program = os.path.join(BUILD, 'bellring-server')
        if not os.path.exists(program):
            shutil.rmtree(self._folder)
            raise Missing(f'{program} is not built')
        ready, fd = os.pipe()
        try:
            self._child = Child([program, *self._options, f'--ready-fd={fd}'],
                                pass_fds=(fd,))
            os.close(fd)
            if not select.select([ready], [], [], 10)[0] or not os.read(ready, 64):
                raise Failed(f'bellring-server is not ready: {self._child.said()}')
        except BaseException:
            self.__exit__()
            raise
        finally:
            os.close(ready)
        return self

    def said(self):
        return self._child.said()

    @property
    def child(self):
        return self._child

    def __exit__(self, *_):
        if self._child:
            self._child.__exit__(None, None, None)
            self._child = None
        shutil.rmtree(self._folder, ignore_errors=True)
