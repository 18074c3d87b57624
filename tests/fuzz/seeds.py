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
    yield 'refused', piece(number(-104))
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


SEND, MESSAGES, RECV, STREAMS, PING, MODE, CALLBACK, LEAVE, JOIN = 0, 1, 2, 3, 4, 5, 6, 7, 8
FORMAT, DISPATCH, WAIT, LIST, SCRIBBLE, CALLS, FLOOD, DEAD = 9, 10, 11, 12, 13, 14, 15, 15
# What MESSAGES, STREAMS and CALLS are followed by.
PARTS, BEGIN, CONTINUE, ABANDON, RESERVE, COMMIT, PIECE, PEEK, RELEASE = 0, 1, 2, 4, 5, 6, 7, 8, 9
OPEN, LISTEN, ACCEPT, USE = 0, 1, 2, 3
ON_CALL, CALL, ANSWER, CANCEL, PUBLISH, TOPIC, POLICY, PRESENCE, AWAIT = 50, 1, 3, 4, 5, 7, 8, 39, 19
RECORD_0 = 28   # some_word(): the first record of the first ring


def flood(kind, flags, length):
    """All of the first ring full of one record."""
    return bytes([FLOOD | 128, kind | flags << 4, 0, 255, length // 8])


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
    for kind in range(8):
        for flags in range(8):
            for length in (0, 8, 16):
                take = op(RECV, 1, 0) + op(DISPATCH, 1) + op(PING, 1, 2, 1) \
                    + op(MESSAGES, 1, PEEK, 0) + op(MESSAGES, 1, PIECE, 3, 0) + op(RECV, 1, 1)
                yield f'flood-{kind}-{flags}-{length}', op(SEND, 0, 1, 8, 0) \
                    + flood(kind, flags, length) + take + op(CALLBACK, 1) + take
    yield from bus_larger()
    yield from bus_more()
    yield 'dead', op(SEND, 0, 1, 8, 0) + op(DEAD, 0, 1) + op(SEND, 0, 1, 8, 0) \
        + op(RECV, 1, 0)


def bus_larger():
    """Large messages, in place, and what is said of them changed half-way."""
    piece = op(MESSAGES, 1, PIECE, 10, 0)
    shorter = op(SCRIBBLE, 0, RECORD_0, 5 | 1 << 3, 0, 0)
    yield 'shorter', op(SEND, 0, 1, 100, 0) + piece + shorter + piece
    other = op(SCRIBBLE, 0, RECORD_0, 5 | 6 << 3, 0, 1)
    yield 'other-kind', op(SEND, 0, 1, 100, 0) + piece + other + piece
    large = op(MESSAGES, 0, BEGIN, 1, 1) + op(MESSAGES, 0, CONTINUE, 0, 1, 200) \
        + op(MESSAGES, 0, CONTINUE, 0, 1, 200)
    finish = op(MESSAGES, 0, CONTINUE, 0, 0)
    yield 'large', large + piece * 4 + finish + op(RECV, 1, 0) + piece * 4
    yield 'large-whole', op(SEND, 0, 1, 255, 0) + op(RECV, 1, 0) * 2
    yield 'callback-then-recv', op(CALLBACK, 1) + large + op(DISPATCH, 1) + op(CALLBACK, 1) \
        + finish + op(RECV, 1, 0)
    yield 'abandon', large + op(MESSAGES, 0, ABANDON) + large + finish + op(RECV, 1, 0) * 3
    hold = op(SEND, 0, 1, 160, 0) + op(MESSAGES, 1, PEEK, 0)
    free = op(MESSAGES, 1, RELEASE, 0)
    yield 'held', hold * 2 + op(RECV, 1, 0) + free + hold * 3 + free
    for at in (19, 23, 10, 12):
        yield f'held-{at}', hold * 3 + free + hold + op(SCRIBBLE, 0, at, 1) + hold \
            + op(RECV, 1, 0) + op(DISPATCH, 1) + free
    room = op(MESSAGES, 0, RESERVE, 1, 180, 0)
    give = op(MESSAGES, 0, COMMIT, 1, 50)
    yield 'reserved', (room + room + give + give + op(RECV, 1, 0) * 2) * 3
    for at in (19, 23, RECORD_0):
        yield f'reserved-{at}', room + op(SCRIBBLE, 0, at, 1) + give + op(RECV, 1, 0)


def bus_more():
    """Streams, calls, topics, presence."""
    begin = op(STREAMS, 1, LISTEN, 0) + op(STREAMS, 0, OPEN, 1, 0) \
        + op(STREAMS, 1, ACCEPT, 0) + op(DISPATCH, 0)
    write, read = op(STREAMS, 0, USE, 0, 150, 0), op(STREAMS, 1, USE, 2, 100, 0)
    yield 'stream', begin + (write + read) * 3 + op(STREAMS, 0, USE, 4) \
        + op(STREAMS, 1, USE, 5) + read + op(DISPATCH, 0)
    yield 'stream-callbacks', begin + op(STREAMS, 0, USE, 14) + op(STREAMS, 1, USE, 14) \
        + (write + op(DISPATCH, 1) + op(DISPATCH, 0)) * 3 + op(STREAMS, 1, USE, 5)
    yield 'stream-full', begin + write * 12 + op(DISPATCH, 1) + read * 12 + op(DISPATCH, 0)
    for flags in range(7):
        for word in (0, 1, 2, 3, 4):
            yield f'stream-{flags}-{word}', begin + write \
                + op(SCRIBBLE, 0, RECORD_0 + word, 5 | 7 << 3, flags, 3) + read * 2 \
                + op(DISPATCH, 1) + op(DISPATCH, 0)
    call = op(CALLS, 1, ON_CALL) + op(CALLS, 0, CALL, 0x11, 40, 60, 2)
    yield 'call', (call + op(DISPATCH, 1) + op(DISPATCH, 0)) * 3
    late = op(CALLS, 1, ON_CALL) + op(CALLS, 0, CALL, 1, 40, 60, 0)
    yield 'call-late', late + op(DISPATCH, 1) + op(CALLS, 0, CANCEL) + op(DISPATCH, 1) \
        + op(CALLS, 1, ANSWER, 20) + op(DISPATCH, 0)
    yield 'call-wait', op(CALLS, 0, CALL, 0x91, 40, 60, 2) + op(DISPATCH, 1)
    for flags in range(7):
        yield f'call-{flags}', late \
            + op(SCRIBBLE, 0, RECORD_0, 5 | 8 << 3, flags, 2) + op(DISPATCH, 1) \
            + op(CALLS, 1, ANSWER, 20) + op(DISPATCH, 0)
    topic = op(CALLS, 1, TOPIC, 16) + op(CALLS, 0, PUBLISH, 1, 150, 0)
    yield 'topic', topic + op(RECV, 1, 0) + op(CALLS, 0, PUBLISH, 0, 9, 0) + op(RECV, 2, 0)
    for policy in (1, 5, 9):
        yield f'topic-{policy}', op(CALLS, 0, POLICY, policy) + topic * 9 \
            + op(RECV, 1, 0) * 4 + op(DISPATCH, 0) + op(RECV, 1, 0) * 6
    yield 'presence', op(CALLS, 0, PRESENCE) + op(DISPATCH, 0) + op(LEAVE, 1) \
        + op(DISPATCH, 0) + op(JOIN, 1) + op(CALLS, 0, AWAIT, 1, 2) + op(DEAD, 0, 2) \
        + op(DISPATCH, 0)


# ---- steward: wishes, who is there, then a header's rest or words ----

WORDS, SCRIBBLES, WITH_HEADER, FORMATTER = 1, 2, 4, 8


def slot_of(where, state, ident, incarnation):
    return bytes([1 | where << 1, state | ident << 3 | incarnation << 6, 0])


def link_of(where, state, source, target, incarnations=(1, 1)):
    return bytes([where << 1, state | source << 3 | incarnations[0] << 6,
                  target | incarnations[1] << 3])


def steward():
    two = slot_of(0, 2, 0, 1) + slot_of(1, 2, 1, 1)
    for there in range(4):
        for state in range(6):
            links = link_of(0, state, 0, 1) + link_of(1, state, 1, 0) \
                + link_of(2, state, 0, 7) + link_of(3, state, 7, 1) \
                + link_of(4, state, 0, 1, (2, 1))
            words = two + links
            yield f'words-{there}-{state}', bytes([WORDS, there, len(words) // 3]) + words
            yield f'scribble-{there}-{state}', bytes([WORDS | SCRIBBLES, there, 7]) + words \
                + b''.join(bytes([1]) + words[i:i + 3] for i in range(0, len(words), 3))
    yield 'formatter', bytes([FORMATTER, 0])
    yield 'with-header', bytes([WITH_HEADER, 1]) + header(bus_size=65536, ring_size=4096)


# ---- config: what the command line says, then the file ----

def config():
    yield 'all', b'\0' + b"""# settings
socket = /run/a b.sock
mode = 0660
owner=0
group = 1
allow-user = 0,1
allow-group = 0
max-peers = 60
max-peers-per-user = 30
vectors = 16
queue = 64K
size = 64M
hugepages = 2M
bus = 32M
slots = 64
links = 128
ring-size = 64K
raw = no
user = 0
user-group = 0
sandbox = yes
keep = yes
pid-file = x
control = /x
control-mode = 0600
metrics = 127.0.0.1:9469
verbose = yes
log-rate = 50
"""
    yield 'overridden', b'\x1f' + b'vectors = 4\nmemory-name = x\ncontrol = y\n' \
        b'allow-user = 1\nkeep = yes\n'
    yield 'errors', b'\0' + b'sise = 3\nsize\n = 3\nsize = 3x\nmode = 9\nsize =\n' \
        b'daemon = yes\nslots = 3\nslots = 3\nmemory-dir = a\nmemory-file = b\n' \
        b'metrics = [::1]:99999\nraw = maybe\nowner = nobody there\n[server]\n'
    yield 'form', b'\0\xef\xbb\xbf#\r\n\r\n \t size\t=\t1M \t\r\nqueue = 1K # no\n' \
        b'socket = "x"\ncontrol = \x1b[m\nslots = 1\0\nlinks = 3'
    yield 'long', b'\0' + b'pid-file = ' + b'x' * 4085 + b'\npid-file =' + b'x' * 4090


# ---- control: what is asked, a name, lines ----

def asked(metrics, name, *lines):
    return bytes([metrics, len(name)]) + name + b''.join(line + b'\n' for line in lines)


def control():
    for verb in (b'status', b'peers', b'stats', b'kick 3', b'kick 4', b'drain', b'drain off'):
        yield verb.decode().replace(' ', '-'), asked(0, b'web-1', verb, verb)
    yield 'names', asked(0, b'\x1b[2J\xff\xc2\x9b\xe2\x80\xae"\\', b'peers', b'kick 3',
                         b'peers')
    yield 'wrong', asked(0, b'', b'', b'kick', b'kick 65536', b'kick -1', b'drain on',
                         b'status\0', b'\xff' * 300, b'kick 99999999999999999999')
    for method, path in ((b'GET', b'/metrics'), (b'HEAD', b'/metrics'), (b'GET', b'/'),
                         (b'POST', b'/metrics')):
        request = method + b' ' + path + b' HTTP/1.1'
        yield f'{method.decode()}-{len(path)}', asked(1, b'', request, b'Host: x', b'', b'')
    yield 'headers', asked(1, b'', b'GET / HTTP/1.0', *[b'a: b'] * 120)
    for i, line in enumerate((b'', b'GET', b'GET /metrics', b'GET /metrics HTTP/2',
                              b' \0 HTTP/1.')):
        yield f'no-http-{i}', asked(1, b'', line, b'')


# ---- client: wishes, then operations ----

CONNECT, SEND_BYTES, SHUTDOWN, READ_SOME, CLOSE, TURN, PASS = 0, 1, 2, 3, 4, 5, 6
KICK, DRAIN, EXEC, KILL, SCRIBBLE_WORD, VISIT, GO_ON = 7, 8, 9, 10, 11, 12, 13
RAW_MEMORY, SYSTEMD, LAZY, FEW = 1, 2, 4, 8


def act(code, who=0, *args):
    return op(code, who, *args)


def client():
    go_on = act(GO_ON)
    crowd = b''.join(act(CONNECT, who) for who in range(8))
    whole = act(READ_SOME, 1, 255, 7) + act(READ_SOME, 3, 255, 7)
    for wishes in (0, RAW_MEMORY, SYSTEMD, LAZY, FEW, SYSTEMD | LAZY):
        start = bytes([wishes]) + crowd + go_on
        yield f'come-and-go-{wishes}', start + act(CLOSE, 2) + go_on + act(CONNECT, 2) + go_on \
            + act(CLOSE, 1) + act(CLOSE, 7) + whole
        yield f'exec-{wishes}', start + act(EXEC) + go_on + act(CLOSE, 0) + act(EXEC) \
            + act(CONNECT, 0) + whole
        yield f'exec-soon-{wishes}', bytes([wishes]) + crowd + act(EXEC) + act(TURN) + act(EXEC)
        yield f'kill-{wishes}', start + act(KILL, 0, *bytes(8)) + go_on + act(CLOSE, 0) \
            + act(KILL, 0, *bytes(8)) + act(CONNECT, 0) + whole
        yield f'lost-{wishes}', start + act(KILL, 0, 0, 1, 0, 0, 0, 0, 0, 0) + act(CONNECT, 1)
        yield f'afresh-{wishes}', start + act(KILL, 0, *[255] * 8) + crowd
        yield f'visits-{wishes}', start + act(VISIT, 0, 15) + act(EXEC) + act(VISIT, 0, 9) + go_on
    # More than the sockets of those who do not read hold.
    full = bytes([LAZY]) + crowd + go_on + (act(VISIT, 0, 15) + go_on) * 12
    yield 'full', full + (act(READ_SOME, 1, 255, 7) + go_on) * 6
    for how, more in ((EXEC, b''), (KILL, bytes(8))):
        yield f'full-{how}', full + act(how) + more + (act(READ_SOME, 1, 255, 7) + go_on) * 3 \
            + act(how) + more
    for how in range(3):
        yield f'shutdown-{how}', b'\0' + crowd + go_on + act(SHUTDOWN, 3, how) + go_on
    for beside in range(2):
        yield f'send-{beside}', b'\0' + crowd + act(SEND_BYTES, 1, 3, beside, 1, 2, 3) \
            + go_on + act(SEND_BYTES, 2, 8, beside) + act(EXEC) + go_on
    yield 'kick', b'\0' + crowd + go_on + act(KICK, 2, 0) + act(KICK, 2, 0) + act(EXEC)
    yield 'drain', b'\0' + act(CONNECT, 0) + go_on + act(DRAIN, 1) + act(CONNECT, 1) + go_on \
        + act(DRAIN, 0) + act(CONNECT, 2) + go_on
    for word in (0, 1, 5, 16, 32, 40, 64):
        yield f'scribble-{word}', b'\0' + crowd + go_on \
            + act(SCRIBBLE_WORD, 0, word, 0, *[3] * 8) + act(CLOSE, 1) + go_on + act(EXEC)


# (target, name, hexadecimal)
FOUND = [
    # Draining and without peers, a successor told of it before anybody listened.
    ('client', 'drained-before-restart', '001809'),
]

TARGETS = {'bus': bus, 'client': client, 'config': config, 'control': control, 'layout': layout,
           'proto': proto, 'ring': ring, 'steward': steward}


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
