# SPDX-License-Identifier: BSD-2-Clause
"""What goes through forwarded TCP connections: an echo server, and who talks to it.

    with connections.EchoServer() as echo:
        ... `bellring -v forward tcp:127.0.0.1:0 PEER:{echo.target}` as a Child
        connections.pass_through(child)
"""
import contextlib
import random
import re
import socket
import socketserver
import threading

from children import until    # windows.py knows where

MUCH = 8 << 20    # bytes
MANY = 100        # connections at once
SECONDS = 30      # deadline of each look


class Echo(socketserver.BaseRequestHandler):
    """Sends back what comes, until its end."""

    def handle(self):
        for data in iter(lambda: self.request.recv(65536), b''):
            self.request.sendall(data)


class EchoServer(socketserver.ThreadingTCPServer):
    """On a free port of this machine, while the block runs."""

    request_queue_size = MANY
    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Echo)
        self.target = f'tcp:127.0.0.1:{self.server_address[1]}'

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *what):
        self.shutdown()
        super().__exit__(*what)


def received(connection, size):
    """That many bytes, before any end."""
    data = bytearray()
    while len(data) < size:
        more = connection.recv(size - len(data))
        assert more, f'it ended after {len(data)} of {size} bytes'
        data += more
    return data


def much(port):
    """8 MiB there and back, and the end of it, through one connection."""
    data = random.randbytes(MUCH)

    def write():
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
    with socket.create_connection(('127.0.0.1', port), SECONDS) as connection:
        thread = threading.Thread(target=write)
        thread.start()
        got = received(connection, len(data))
        thread.join()
        assert got == data and connection.recv(1) == b''


def many(port):
    """All are open when the first one ends, and each gets its own bytes."""
    with contextlib.ExitStack() as stack:
        all_of_them = [
            stack.enter_context(socket.create_connection(('127.0.0.1', port), SECONDS))
            for _ in range(MANY)]
        for i, connection in enumerate(all_of_them):
            connection.sendall(bytes([i]) * 3000)
        for i, connection in enumerate(all_of_them):
            assert received(connection, 3000) == bytes([i]) * 3000, i
        for connection in all_of_them:
            connection.shutdown(socket.SHUT_WR)
        for connection in all_of_them:
            assert connection.recv(1) == b''


def port_of(near):
    """Where a `forward -v tcp:127.0.0.1:0` listens, once it does."""
    def look():
        near.check()
        return re.search(r'listening on tcp:127\.0\.0\.1:(\d+) ', near.said())
    return int(until(look, 'it listens', SECONDS, 0.02).group(1))


def pass_through(near):
    """Through the started `forward -v` at near, which listens on a free port."""
    port = port_of(near)
    much(port)
    many(port)
    near.check()
