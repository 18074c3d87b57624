# SPDX-License-Identifier: BSD-2-Clause
"""QEMU's real ivshmem-doorbell device, driven by a test and not by a guest.

QEMU runs with -S: no CPU executes, and the test does by QEMU's qtest
protocol (docs/devel/testing/qtest.rst) what a guest's firmware and driver
would. Each MSI-X message is aimed at a word of guest RAM: QEMU's msi_send_message()
is a store into the device's bus master address space, so that an interrupt
shows as a number in memory.
"""
import base64
import json
import select
import socket
import time

from children import Child, DEADLINE, until

QEMU = 'qemu-system-x86_64'
SLOT = 4
ID = 0x11101af4  # device and vendor
# Where the BARs go: free on q35 and pc with 128 MiB of RAM.
REGISTERS = 0xe0000000
MSIX = 0xe0100000
MEMORY = 0x400000000
# One 32-bit word a vector, in RAM.
MAILBOX = 0x100000

COMMAND = 0x04
COMMAND_MEMORY = 2
COMMAND_MASTER = 4
IVPOSITION = 0x08
DOORBELL = 0x0c
CAP_MSIX = 0x11
MSIX_ENABLE = 1 << 31   # in the dword at the capability's start
MSIX_MASKALL = 1 << 30


class Lines:
    """Lines over a socket, with a deadline for each."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b''

    def send(self, line):
        self.sock.settimeout(DEADLINE)
        self.sock.sendall(line.encode() + b'\n')

    def take(self, deadline):
        """The next line; None at the deadline, EOFError at the end."""
        while b'\n' not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return None
            try:
                more = self.sock.recv(1 << 20)
            except ConnectionResetError:
                more = b''
            if not more:
                raise EOFError('QEMU closed the connection')
            self.buffer += more
        line, _, self.buffer = self.buffer.partition(b'\n')
        return line.decode()


class Qemu(Child):
    """A QEMU with one ivshmem-doorbell device that is a client of path."""

    def __init__(self, path, vectors=16, machine='q35', options='', chardev='',
                 extra=()):
        """options and chardev are added to the device's and the socket's;
        extra are further arguments."""
        self.vectors = vectors
        test, qtest = socket.socketpair()
        control, qmp = socket.socketpair()
        self._qtest, self._qmp = Lines(test), Lines(control)
        self._up = False
        self._slot = SLOT
        with qtest, qmp:
            super().__init__(
                [QEMU, '-machine', machine, '-accel', 'tcg', '-S', '-m', '128',
                 '-nodefaults', '-display', 'none', '-no-user-config',
                 '-chardev', f'socket,id=qtest,fd={qtest.fileno()}',
                 '-qtest', 'chardev:qtest', '-qtest-log', 'none',
                 '-chardev', f'socket,id=qmp,fd={qmp.fileno()}',
                 '-mon', 'chardev=qmp,mode=control',
                 '-chardev', f'socket,id=iv,path={path}{chardev}',
                 '-device', f'ivshmem-doorbell,id=ivshmem,chardev=iv,addr={SLOT},'
                            f'vectors={vectors}{options}', *extra],
                pass_fds=(qtest.fileno(), qmp.fileno()))

    # ---- processes ----

    def came_up(self, seconds=DEADLINE):
        """Waits until the machine exists; False if QEMU is not that far then."""
        if self._up:
            return True
        # QEMU shakes hands on the monitor from its main loop only, which
        # starts when every device is realized.
        deadline = time.monotonic() + seconds
        try:
            if self._qmp.take(deadline) is None:
                return False
            self._qmp.send('{"execute": "qmp_capabilities"}')
            if self._qmp.take(deadline) is None:
                return False
        except (EOFError, BrokenPipeError):
            return False
        self._up = True
        return True

    def qmp(self, command, **arguments):
        """What the monitor returns; events are passed over."""
        self._qmp.send(json.dumps({'execute': command, 'arguments': arguments}))
        deadline = time.monotonic() + DEADLINE
        while True:
            line = self._qmp.take(deadline)
            assert line is not None, f'no answer to {command} on the monitor'
            answer = json.loads(line)
            if 'event' not in answer:
                assert 'return' in answer, f'{command}: {answer}'
                return answer['return']

    def __exit__(self, *what):
        super().__exit__(*what)
        self._qtest.sock.close()
        self._qmp.sock.close()

    # ---- the qtest protocol ----

    def ask(self, *words):
        self._qtest.send(' '.join(map(str, words)))
        line = self._qtest.take(time.monotonic() + DEADLINE)
        assert line is not None, f'no answer to qtest command {words[0]}'
        assert line.startswith('OK'), f'{words}: {line}'
        return line[2:].strip()

    def readl(self, address):
        return int(self.ask('readl', hex(address)), 16)

    def writel(self, address, value):
        self.ask('writel', hex(address), hex(value))

    def read(self, address, size):
        return base64.b64decode(self.ask('b64read', hex(address), size))

    def write(self, address, data):
        self.ask('b64write', hex(address), len(data),
                 base64.b64encode(data).decode())

    def _select(self, register):
        self.ask('outl', '0xcf8', hex(0x80000000 | self._slot << 11 | register & ~3))

    def config_read(self, register):
        self._select(register)
        return int(self.ask('inl', '0xcfc'), 16)

    def config_write(self, register, value):
        self._select(register)
        self.ask('outl', '0xcfc', hex(value))

    # ---- what firmware and a driver do ----

    def start(self):
        """Waits for QEMU, then sets the device up as a driver would."""
        assert self.came_up(), f'QEMU did not come up: {self.said()}'
        assert self.config_read(0) == ID
        self.config_write(0x14, MSIX)
        self.config_write(0x18, MEMORY & 0xffffffff)
        self.config_write(0x1c, MEMORY >> 32)
        self.place_registers(REGISTERS)
        self.capability = self.find_capability(CAP_MSIX)
        assert self.capability, 'the device has no MSI-X capability'
        self.table = MSIX + self._bar1_offset(self.capability + 4)
        self.pending_bits = MSIX + self._bar1_offset(self.capability + 8)
        for vector in range(self.vectors):
            self.program(vector)
        self.msix(MSIX_ENABLE)
        return self

    def place_registers(self, address):
        self.config_write(0x10, address)
        self.config_write(COMMAND, COMMAND_MEMORY | COMMAND_MASTER)

    def use_slot(self, slot):
        """Config space accesses go to another device from here on."""
        self._slot = slot

    def find_capability(self, wanted):
        at = self.config_read(0x34) & 0xff
        while at:
            head = self.config_read(at)
            if head & 0xff == wanted:
                return at
            at = head >> 8 & 0xff
        return None

    def _bar1_offset(self, register):
        value = self.config_read(register)
        assert value & 7 == 1, f'not in BAR1: {value:#x}'
        return value & ~7

    def program(self, vector, masked=False):
        """One MSI-X table entry: address, address high, data, control."""
        entry = self.table + 16 * vector
        self.writel(entry, MAILBOX + 4 * vector)
        self.writel(entry + 4, 0)
        self.writel(entry + 8, self.message(vector))
        self.writel(entry + 12, int(masked))

    @staticmethod
    def message(vector):
        return 0xbe110000 | vector

    def msix(self, bits):
        head = self.config_read(self.capability)
        self.config_write(self.capability,
                          head & ~(MSIX_ENABLE | MSIX_MASKALL) | bits)

    def table_size(self):
        return (self.config_read(self.capability) >> 16 & 0x7ff) + 1

    def memory_size(self):
        """By the usual way to size a BAR; leaves it where it was."""
        self.config_write(0x18, 0xffffffff)
        self.config_write(0x1c, 0xffffffff)
        mask = self.config_read(0x1c) << 32 | self.config_read(0x18) & ~0xf
        self.config_write(0x18, MEMORY & 0xffffffff)
        self.config_write(0x1c, MEMORY >> 32)
        return (1 << 64) - mask

    def ready(self):
        """start(), and waits until the device has got its own vectors."""
        self.start()
        last = self.vectors - 1
        until(lambda: self.ring(self.position(), last) or self.interrupts(),
              'the device has its own vectors')
        self.fence()
        self.interrupts()
        return self

    def fence(self, rounds=3):
        """What was readable for QEMU before has been handled after.

        Each qtest command takes a turn of QEMU's main loop, and a turn serves
        every descriptor that its poll found readable, but takes at most one
        message of the server: more messages need more rounds.
        """
        for _ in range(rounds):
            self.config_read(0)

    # ---- the device ----

    def position(self):
        return self.readl(REGISTERS + IVPOSITION)

    def ring(self, peer, vector):
        self.writel(REGISTERS + DOORBELL, peer << 16 | vector)

    def ring_until_heard(self, peer, vector, heard):
        """Rings until heard() is true: the device has learned of that vector.

        The eventfd is written before the command returns, so that heard() has
        taken every ring when it becomes true.
        """
        until(lambda: self.ring(peer, vector) or heard(),
              f'the device knows vector {vector} of peer {peer}')

    def interrupts(self):
        """Vectors that were interrupted since the last look."""
        words = self.read(MAILBOX, 4 * self.vectors)
        seen = set()
        for vector in range(self.vectors):
            word = int.from_bytes(words[4 * vector:4 * vector + 4], 'little')
            if word:
                assert word == self.message(vector), hex(word)
                self.writel(MAILBOX + 4 * vector, 0)
                seen.add(vector)
        return seen

    def wait_interrupt(self, vector, seconds=DEADLINE):
        """Waits until this vector, and only this one, was interrupted."""
        seen = set()
        until(lambda: seen.update(self.interrupts()) or vector in seen,
              f'interrupt on vector {vector}', seconds)
        assert seen == {vector}, f'interrupted on {seen}, not just {vector}'

    def expect_no_interrupt(self):
        self.fence()
        seen = self.interrupts()
        assert not seen, f'interrupted on {seen}'

    def pending(self, vector):
        return bool(self.readl(self.pending_bits + vector // 32 * 4)
                    >> vector % 32 & 1)

    def read_memory(self, offset, size):
        return self.read(MEMORY + offset, size)

    def write_memory(self, offset, data):
        self.write(MEMORY + offset, data)
