# SPDX-License-Identifier: BSD-2-Clause
"""The end of a keeper: it outlives the server that it is there to outlive."""
import os
import socket

from children import DEADLINE, until


def _end(path):
    """Asks the keeper there to end; whether that was heard."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.settimeout(DEADLINE)
        try:
            sock.connect(path)
            # Its descriptors come first. Nothing at all: it did not see yet that
            # its server is gone, and sends us away.
            while (text := sock.recv(256)) != b'all':
                if not text:
                    return False
            sock.send(b'KEEPEREND=1')
            return True
        except ConnectionResetError:
            return False
        except (FileNotFoundError, ConnectionRefusedError):
            return True


def end_keeper(server_path):
    """Of a server that is no more; none is fine."""
    path = server_path + '.keep'
    until(lambda: _end(path), f'{path} is asked to end')
    until(lambda: not os.path.exists(path), f'{path} is gone')
