# SPDX-License-Identifier: BSD-2-Clause
"""Inputs to begin with, for each fuzz target: seeds.py FOLDER

Writes FOLDER/TARGET/NAME. What they mean is said at the top of each target.
FOUND holds what the fuzzers once found, kept for ever.
"""
import os
import random
import struct
import sys


def number(n):
    return struct.pack('<q', n)


# ---- proto: pieces (length and descriptor, bytes) ----

def piece(data, fd=0):
    return bytes([len(data) | fd << 4]) + data


GREETING = [(0, 0), (3, 0), (-1, 1), (1, 1), (1, 1), (3, 1), (3, 1)]


def proto():
    whole = b''.join(piece(number(n), fd) for n, fd in GREETING)
    yield 'greeting', whole
    yield 'join-and-leave', whole + b''.join(
        piece(number(n), fd) for n, fd in [(4, 1), (4, 1), (1, 0), (4, 0)])
    yield 'bytes', b''.join(piece(bytes([c]), fd if i == 0 else 0)
                            for n, fd in GREETING for i, c in enumerate(number(n)))
    yield 'lost-descriptor', whole + piece(number(9), 2) + piece(number(9), 0)
    yield 'other-version', piece(number(1))
    yield 'two-in-one', piece(number(0) + number(3)[:7]) + piece(number(3)[7:])
    yield 'descriptor-too-soon', piece(number(0), 1)
    yield 'memory-twice', whole + piece(number(-1), 1)


# ---- ring: flag, then operations ----

WRITE, READ, PEEK, SCAN, SPACE, CONTROL, DATA = 0, 2, 4, 5, 6, 7, 8


def write(length):
    return bytes([WRITE]) + struct.pack('<Q', length)


def ring():
    turn = b''.join(write(n) + bytes([READ]) for n in (0, 1, 8, 63, 500, 4080))
    yield 'turns', b'\0' + turn * 3
    yield 'full', b'\0' + write(100) * 40 + bytes([SPACE]) + struct.pack('<Q', 4080) \
        + bytes([READ]) * 50
    yield 'scan', b'\0' + write(16) * 5 + bytes([SCAN, READ, SCAN, READ, READ])
    garbage = struct.pack('<BHQ', DATA, 0, 0x81000000ffffffff)
    yield 'long-record', b'\0' + write(8) + garbage + bytes([READ, SCAN])
    pings = b''.join(struct.pack('<BHQ', DATA, i, 0x82 << 56) for i in range(512))
    yield 'no-end', b'\0' + write(8) + pings + bytes([SCAN, READ, SCAN])
    consumed = struct.pack('<BHQ', CONTROL, 24, 1 << 40)
    yield 'consumed', b'\0' + write(4080) + consumed + write(8)
    yield 'zeroed-header', b'\0' + write(8) * 3 + bytes([SCAN]) \
        + struct.pack('<BHQ', DATA, 0, 0) + bytes([READ])
    yield 'raw', b'\1' + struct.pack('<QQ', 0x8100000000000008, 5) * 20 \
        + bytes([READ, SCAN, READ])


# ---- layout: wishes, then the memory ----

MAGIC = 0x00474e49524c4542


def header(**change):
    h = dict(magic=MAGIC, major=1, minor=0, features=0, session=77,
             bus_size=131072, ring_size=14336, ring_offset=8192, slot_offset=256,
             slot_count=16, link_offset=4352, link_count=8)
    h.update(change)
    return struct.pack('<QHHIQQQQIIII', *h.values()).ljust(128, b'\0')


def slot(state, ident, incarnation, name):
    word = state | ident << 12 | incarnation << 28
    return (struct.pack('<QIIII', word, 1, 4, 0, 99).ljust(64, b'\0')
            + name.ljust(64, b'\0')).ljust(256, b'\0')


def layout():
    peers = slot(2, 1, 1, b'fuzz') + slot(2, 2, 5, b'fuzz') + slot(3, 3, 1, b'\xff' * 64) \
        + slot(1, 4, 1, b'a') + slot(9, 5, 1, b'b')
    yield 'real', b'\0' + header() + bytes(128) + peers
    yield 'real-behind', b'\3' + bytes(128) + peers
    yield 'empty-attach', b'\4'
    yield 'force', b'\14' + b'other things'
    for key, value in [('major', 2), ('features', 1), ('session', 0), ('bus_size', 1 << 63),
                       ('ring_size', 1 << 31), ('ring_size', 4095), ('ring_offset', 64),
                       ('slot_offset', 0), ('slot_count', 1023), ('slot_count', 1024),
                       ('link_offset', 0xffffffc0), ('link_count', 65535)]:
        yield f'{key}-{value:x}', b'\0' + header(**{key: value}) + bytes(128) + peers
    busy = header(magic=0)[:64] + struct.pack('<Q', 0x464d542100000001)
    yield 'busy', b'\4' + busy


# ---- bus: operations ----

def op(code, who, *args):
    return bytes([code | who << 4, *args])


SEND, RECV, PING, MODE, CALLBACK, LEAVE, JOIN, FORMAT = 0, 2, 4, 5, 6, 7, 8, 9
DISPATCH, WAIT, LIST, SCRIBBLE, FLOOD, DEAD = 10, 11, 12, 13, 15, 15


def bus():
    talk = op(SEND, 0, 1, 10, 0) + op(RECV, 1, 0) + op(SEND, 1, 0, 200, 0) \
        + op(DISPATCH, 0) + op(RECV, 0, 1)
    yield 'talk', talk * 4
    yield 'modes', b''.join(op(MODE, w, m) for w, m in ((0, 1), (1, 2))) + talk * 3
    yield 'callback', op(CALLBACK, 1) + op(SEND, 0, 1, 20, 0) + op(DISPATCH, 1) \
        + op(RECV, 0, 0)
    yield 'ping', op(PING, 0, 1, 1) + op(DISPATCH, 1) + op(RECV, 0, 0)
    yield 'full', op(SEND, 0, 1, 200, 1) * 3 + op(RECV, 1, 0) * 3
    yield 'come-and-go', op(SEND, 0, 1, 9, 0) + op(LEAVE, 0) + op(PING, 1, 2, 1) \
        + op(RECV, 1, 0) + op(JOIN, 0) + op(SEND, 0, 1, 9, 0) + op(RECV, 1, 0)
    yield 'format', op(SEND, 0, 1, 9, 0) + op(FORMAT, 2) + op(RECV, 1, 0) \
        + op(SEND, 0, 1, 9, 0) + op(LEAVE, 0) + op(JOIN, 0) + talk
    yield 'list', op(LIST, 0, 0) + op(LIST, 1, 3) + op(WAIT, 0, 1)
    for how in (0, 1, 2, 9, 5, 13):
        for at in (0, 2, 10, 13, 19, 21, 23, 28, 29, 36):
            yield f'scribble-{how}-{at}', op(SEND, 0, 1, 16, 0) \
                + op(SCRIBBLE, 0, at, how, 40) + talk + op(PING, 1, 2, 0) \
                + op(PING, 0, 1, 1) + op(RECV, 1, 0)
    flood = bytes([FLOOD | 128, 1, 0, 255, 0])
    yield 'flood', op(SEND, 0, 1, 8, 0) + flood + op(RECV, 1, 0) + op(DISPATCH, 1) \
        + op(PING, 1, 2, 1) + op(RECV, 1, 1)
    yield 'dead', op(SEND, 0, 1, 8, 0) + op(DEAD, 0, 1) + op(SEND, 0, 1, 8, 0) \
        + op(RECV, 1, 0)


# (target, name, hexadecimal)
FOUND = []

TARGETS = {'bus': bus, 'layout': layout, 'proto': proto, 'ring': ring}


def noise(target, count=20):
    """The same each time."""
    source = random.Random(target)
    for i in range(count):
        yield f'noise-{i}', source.randbytes(source.randrange(1, 600))


def write_all(folder):
    for target, seeds in TARGETS.items():
        os.makedirs(os.path.join(folder, target), exist_ok=True)
        found = [(f'found-{n}', bytes.fromhex(h)) for t, n, h in FOUND if t == target]
        for name, data in [*seeds(), *noise(target), *found]:
            with open(os.path.join(folder, target, name), 'wb') as f:
                f.write(data)


if __name__ == '__main__':
    write_all(sys.argv[1])
