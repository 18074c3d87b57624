# SPDX-License-Identifier: BSD-2-Clause
"""Asking a server on its control socket: by the tool, and without it."""
import json
import os
import socket
import subprocess
import time

from served import BELLRING, DEADLINE, Client


def tool(*words, **how):
    how = {'timeout': DEADLINE, 'env': {**os.environ, **how.pop('env', {})}, **how}
    return subprocess.run([BELLRING, *words], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False, **how)


def ask(server, *words):
    """What `bellring server` prints; it has to succeed."""
    done = tool('server', '-S', server.path, *words)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout


def objects(server, *words):
    return [json.loads(line) for line in ask(server, '--json', *words).splitlines()]


class Control:
    """A connection to the control socket."""

    def __init__(self, server):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(server.path + '.control')
        self.sock.settimeout(DEADLINE)  # before, a full backlog would be an error
        self.rest = b''

    def send(self, data):
        self.sock.sendall(data)

    def object(self):
        """The next one; None at the end."""
        while b'\n' not in self.rest:
            try:
                more = self.sock.recv(65536)
            except ConnectionResetError:
                more = b''
            if not more:
                assert not self.rest, f'cut short: {self.rest}'
                return None
            self.rest += more
        line, self.rest = self.rest.split(b'\n', 1)
        return json.loads(line)

    def answer(self, request):
        self.send(request.encode() + b'\n')
        got = [self.object()]
        while got[-1]['type'] not in ('end', 'error'):
            got.append(self.object())
        return got

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


def joins_in_time(server):
    """Whether a peer can join as if nothing were the matter."""
    begin = time.monotonic()
    with Client(server):
        assert time.monotonic() - begin < 2, 'a join takes too long'
