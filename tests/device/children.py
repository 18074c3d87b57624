# SPDX-License-Identifier: BSD-2-Clause
"""Child processes that cannot outlive the test.

Child is a context manager: leaving it kills and reaps the process. A child
also dies by the kernel's hand when the test itself is killed
(PR_SET_PDEATHSIG, prctl(2)), and SIGTERM and SIGHUP end the test as SIGINT
does, by an exception that unwinds all of them.
"""
import ctypes
import os
import signal
import subprocess
import tempfile
import time

DEADLINE = 10.0  # seconds for anything that normally takes milliseconds

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _terminate(number, _frame):
    # A shell and its terminal both send SIGHUP: the second is not to stop the
    # unwinding.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


for _number in (signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(_number) != signal.SIG_IGN:    # as nohup(1) leaves it
        signal.signal(_number, _terminate)


def until(condition, what, seconds=DEADLINE, pause=0.002):
    """Polls until condition() is true and returns that; fails at the deadline."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f'not within {seconds} s: {what}'
        time.sleep(pause)


class Child:
    """A running program; what it says on stderr is kept for failures."""

    def __init__(self, argv, pass_fds=(), stdin=None, stdout=None, env=None):
        self.name = os.path.basename(argv[0])
        self._said = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            argv, stdin=stdin or subprocess.DEVNULL, stdout=stdout or self._said,
            stderr=self._said, pass_fds=pass_fds, env=env,
            preexec_fn=_die_with_parent)
        self.pid = self.process.pid

    def said(self):
        """All that it wrote so far (standard output too, unless redirected)."""
        size = os.fstat(self._said.fileno()).st_size
        return os.pread(self._said.fileno(), size, 0).decode(errors='replace')

    def alive(self):
        return self.process.poll() is None

    def check(self):
        assert self.alive(), (f'{self.name} ended with status '
                              f'{self.process.returncode}: {self.said()}')

    def wait(self, seconds=DEADLINE):
        """Exit status, negative for a signal; fails at the deadline."""
        until(lambda: not self.alive(), f'{self.name} ends', seconds)
        return self.process.returncode

    def kill(self, number=signal.SIGKILL):
        if self.alive():
            self.process.send_signal(number)
        return self.wait()

    def cpu_seconds(self):
        """User and system time so far, from proc(5)."""
        with open(f'/proc/{self.pid}/stat', encoding='ascii') as f:
            fields = f.read().rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def cpu_ns(self):
        """CPU time so far, as /proc/PID/schedstat counts each switch.

        Documentation/scheduler/sched-stats.rst. The ticks of cpu_seconds() are
        10 ms long and miss a process that runs between two of them.
        """
        with open(f'/proc/{self.pid}/schedstat', encoding='ascii') as f:
            return int(f.read().split()[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.kill()
        finally:
            for pipe in (self.process.stdin, self.process.stdout, self._said):
                if pipe:
                    pipe.close()
