# SPDX-License-Identifier: BSD-2-Clause
"""More joins than there are ids: none is given twice to who knows it."""
import contextlib
import os
import select
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap
from served import DEADLINE, Server, until

IDS = 65536
NO_ID = -104  # in place of the version


class Thin:
    """A client of a server with one vector, that keeps no descriptors."""

    def __init__(self, server):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(server.path)
        self.there, self.left = set(), set()

    def message(self):
        data, control, _, _ = self.sock.recvmsg(8, socket.CMSG_SPACE(4))
        for _, _, raw in control:
            os.close(struct.unpack('=i', raw)[0])
        assert len(data) in (0, 8)
        return (struct.unpack('<q', data)[0], bool(control)) if data else None

    def greeted(self):
        """Its id, or why it has none."""
        version, _ = self.message()
        if version != 0:
            assert self.message() is None
            return version
        self.id = self.message()[0]
        return self.id

    def settle(self):
        """Takes the rest of its greeting."""
        assert self.message() == (-1, True)
        while self.news() != self.id:
            pass

    def news(self):
        number, is_join = self.message()
        if is_join:
            assert number not in self.left, f'{number} is given again'
            self.there.add(number)
        else:
            self.there.remove(number)
            self.left.add(number)
        return number

    def drain(self):
        while select.select([self.sock], [], [], 0)[0]:
            self.news()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


def use_up(server, ids, witness):
    """One newcomer at a time. Who stays does not read meanwhile: a newcomer would
    wait for that, and 65,536 times so."""
    for n in ids:
        with Thin(server) as c:
            assert c.greeted() == n
    witness.drain()


@tap.case
def all_ids_are_used_up_and_come_back():
    with Server('-n', '1') as server, contextlib.ExitStack() as stack:
        old = stack.enter_context(Thin(server))
        assert old.greeted() == 0
        old.settle()
        use_up(server, range(1, IDS), old)
        assert 'ids run out' in server.log()
        # Nobody can come, and nobody is disturbed.
        for _ in range(3):
            with Thin(server) as c:
                assert c.greeted() == NO_ID
        assert 'refused: each of the 65536 ids was seen' in server.log()
        old.drain()
        assert old.there == {0}
        # Who knew them all goes: they can be given again.
        old.sock.close()
        until(lambda: 'client 0 (' in server.log() and
              server.log().rstrip().endswith('left'), 'its leave')
        second = stack.enter_context(Thin(server))
        assert second.greeted() == 0
        second.settle()
        # And so on, beyond 65,536 joins.
        use_up(server, range(1, 3000), second)


tap.main()
