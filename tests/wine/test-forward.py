#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How forwarded connections end where Windows tells it otherwise than others do."""
import os
import socket
import struct
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from windows import case, start               # noqa: E402 (after the path)
import connections                            # noqa: E402 (windows.py knows where)
import tap                                    # noqa: E402
from children import until                    # noqa: E402
from rig import host_start, live              # noqa: E402

AT_ONCE = struct.pack('ii', 1, 0)    # SO_LINGER: closing resets
SECONDS = 20


class Target:
    """Takes one connection, and does not answer."""

    def __init__(self):
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.target = f'tcp:127.0.0.1:{self._listener.getsockname()[1]}'
        self.ended = False
        self._over = threading.Event()

    def _run(self):
        connection, _ = self._listener.accept()
        with connection:
            while connection.recv(65536):
                pass
            self.ended = True
            self._over.wait()

    def __enter__(self):
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._listener.close()


@case
def a_reset_after_the_end_ends_the_tunnel():
    """It has sent all, waits for the answer, and dies: nobody reads that any more."""
    with Target() as at, host_start('--name', 'far', 'forward', '--serve', '--allow',
                                    at.target) as far:
        live('far')
        near = start(0, '-v', 'forward', 'tcp:127.0.0.1:0', f'far:{at.target}')
        with socket.create_connection(('127.0.0.1', connections.port_of(near))) as c:
            c.sendall(b'question')
            c.shutdown(socket.SHUT_WR)
            until(lambda: at.ended, 'its end comes', SECONDS)
            assert 'connection 1 ' not in near.said(), near.said()
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        until(lambda: 'reset by peer' in near.said(), 'the tunnel ends', SECONDS)
        near.check()
        far.check()


if __name__ == '__main__':
    sys.argv += os.environ.get('GUEST_CASES', '').split()
    tap.main()
