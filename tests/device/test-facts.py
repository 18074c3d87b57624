# SPDX-License-Identifier: BSD-2-Clause
"""What QEMU's ivshmem-doorbell device does, above all with a server's mistakes.

These are the reasons for rules that our server keeps, observed with QEMU 7.2.
A newer QEMU that fails a case has changed: look whether a rule can go.
Sources: QEMU docs/specs/ivshmem-spec.rst and hw/misc/ivshmem.c.
"""
import os
import resource
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
# pylint: disable=wrong-import-position
import tap
import ivshmem
from children import until
from qtest import (COMMAND, COMMAND_MEMORY, COMMAND_MASTER, CAP_MSIX,
                   IVPOSITION, MSIX_ENABLE, REGISTERS)
from rig import Scripted

OWN, PEER = 7, 3


def refuses(qemu, *words):
    """QEMU exits with an error that says these words."""
    status = qemu.wait()
    assert status == 1, f'exit status {status}: {qemu.said()}'
    for word in words:
        assert word in qemu.said(), qemu.said()


def dies_by(qemu, *signals):
    status = qemu.wait()
    assert -status in signals, f'exit status {status}: {qemu.said()}'


# ---- mistakes in the greeting ----

@tap.cases([
    ('at once', b''),
    ('inside the version', bytes(3)),
    ('after the version', bytes(8)),
    ('after the id', bytes(8) + bytes([OWN]) + bytes(7))])
def server_closes_before_the_memory_and_qemu_spins(_, data):
    with Scripted() as rig:
        qemu, wire = rig.attach()
        if data:
            wire.send_bytes(data)
        wire.close()
        until(lambda: qemu.cpu_seconds() > 0.5, 'QEMU burns half a second')
        assert qemu.alive() and not qemu.came_up(0), qemu.said()


@tap.cases([
    ('three pages', 3 * 4096), ('a page too many', (1 << 20) + 4096)])
def memory_size_no_power_of_two_aborts(_, size):
    with Scripted(size=size) as rig:
        qemu, wire = rig.attach()
        rig.server.head(wire, OWN)
        dies_by(qemu, signal.SIGABRT)
        assert 'pci_register_bar' in qemu.said(), qemu.said()


def version_one(rig, wire):
    rig.server.head(wire, OWN, version=1)


def id_too_large(rig, wire):
    rig.server.head(wire, 65536)


def id_negative(rig, wire):
    rig.server.head(wire, -2)


def memory_without_descriptor(_, wire):
    wire.send(0)
    wire.send(OWN)
    wire.send(ivshmem.MEMORY)


def whole_head(rig, wire):
    rig.server.head(wire, OWN)


@tap.cases([
    ('version 1', version_one, 1 << 20),
    ('id 65536', id_too_large, 1 << 20),
    ('id -2', id_negative, 1 << 20),
    ('memory without a descriptor', memory_without_descriptor, 1 << 20),
    ('memory of size 0', whole_head, 0),
    ('memory of no whole page', whole_head, 2048)])
def qemu_refuses_to_start(_, say, size):
    with Scripted(size=size) as rig:
        qemu, wire = rig.attach()
        say(rig, wire)
        refuses(qemu, 'ivshmem-doorbell')


@tap.cases([('lowest', 0, 65535), ('highest', 65535, 0)])
def ids_at_the_ends_of_the_range(_, own, peer):
    with Scripted() as rig:
        qemu, _ = rig.greeted(own, [peer])
        assert qemu.position() == own
        qemu.ring(peer, 3)
        assert ivshmem.drain(rig.server.vectors_of[peer][3]) == 1


@tap.case
def own_vectors_before_the_memory_crash_qemu():
    with Scripted() as rig:
        qemu, wire = rig.attach()
        wire.send(0)
        wire.send(OWN)
        try:
            rig.server.vectors_to(wire, OWN)
            wire.send(ivshmem.MEMORY, rig.server.memory)
        except BrokenPipeError:
            pass   # it was gone by then
        dies_by(qemu, signal.SIGSEGV)


@tap.case
def reconnect_hangs_qemu_under_a_perfect_server():
    with Scripted() as rig:
        qemu, wire = rig.attach(chardev=',reconnect=1')
        rig.server.greet(wire, OWN)
        until(lambda: qemu.cpu_seconds() > 0.5, 'QEMU burns half a second')
        assert qemu.alive() and not qemu.came_up(0), qemu.said()


@tap.case
def message_in_two_halves_is_accepted():
    with Scripted() as rig:
        qemu, wire = rig.attach()
        server = rig.server
        peers = {p: ivshmem.eventfds(server.vectors) for p in (PEER, OWN)}
        server.vectors_of.update(peers)
        messages = [(0, None), (OWN, None), (ivshmem.MEMORY, server.memory)]
        messages += [(p, fd) for p, fds in peers.items() for fd in fds]
        for value, fd in messages:
            data = value.to_bytes(8, 'little', signed=True)
            wire.send_bytes(data[:3], fd)   # the descriptor with the first half
            wire.send_bytes(data[3:])
        qemu.ready()
        assert qemu.position() == OWN
        for vector, fd in enumerate(peers[PEER]):
            qemu.ring(PEER, vector)
            assert ivshmem.drain(fd) == 1


# ---- mistakes later ----

def until_dead(qemu, step):
    """Repeats a mistake that corrupts QEMU's heap until glibc notices."""
    try:
        for _ in range(50):
            step()
            qemu.qmp('query-status')
    except (EOFError, BrokenPipeError):
        dies_by(qemu, signal.SIGABRT, signal.SIGSEGV)
        return
    raise AssertionError('QEMU lives')


@tap.case
def id_given_again_corrupts_the_heap_of_who_saw_it_leave():
    with Scripted(vectors=16) as rig:
        qemu, wire = rig.greeted(OWN)

        def come_and_go():
            rig.server.vectors_to(wire, PEER)
            wire.send(PEER)
            qemu.fence(rig.server.vectors + 2)
        until_dead(qemu, come_and_go)


@tap.cases([('a peer that left', True), ('an id that never joined', False)])
def left_told_twice_is_a_double_free(_, joined):
    with Scripted(vectors=16) as rig:
        qemu, wire = rig.greeted(OWN, [PEER] if joined else [])

        def left():
            wire.send(PEER)
            qemu.fence()
        until_dead(qemu, left)


@tap.case
def descriptors_beyond_the_limit_of_qemu_are_read_as_left_twice():
    with Scripted(vectors=16) as rig:
        qemu, wire = rig.greeted(OWN)
        highest = max(map(int, os.listdir(f'/proc/{qemu.pid}/fd')))
        resource.prlimit(qemu.pid, resource.RLIMIT_NOFILE,
                         (highest + 3, highest + 3))
        peers = iter(range(OWN + 1, 65536))

        def join():
            rig.server.vectors_to(wire, next(peers))
            qemu.fence(rig.server.vectors + 1)
        until_dead(qemu, join)


@tap.case
def own_id_told_as_left_is_only_complained_about():
    with Scripted() as rig:
        qemu, wire = rig.greeted(OWN)
        wire.send(OWN)
        until(lambda: f'invalid peer {OWN}' in qemu.said(), 'a complaint')
        qemu.ring(OWN, 1)
        qemu.wait_interrupt(1)


@tap.case
def memory_cut_under_qemu_kills_it():
    with Scripted(seals=0) as rig:
        qemu, _ = rig.greeted(OWN)
        assert qemu.read_memory(0, 4) == bytes(4)
        os.ftruncate(rig.server.memory, 0)
        try:
            qemu.read_memory(0, 4)
        except EOFError:
            pass
        dies_by(qemu, signal.SIGBUS)


@tap.case
def sealed_memory_works_and_cannot_be_cut():
    with Scripted() as rig:
        qemu, _ = rig.greeted(OWN)
        try:
            os.ftruncate(rig.server.memory, 0)
        except PermissionError:
            qemu.write_memory(0, b'whole')
            assert os.pread(rig.server.memory, 5, 0) == b'whole'
            return
        raise AssertionError('a sealed memory was cut')


@tap.case
def fewer_vectors_than_the_device_has_leave_the_rest_dead():
    with Scripted(vectors=2) as rig:
        qemu, wire = rig.attach(vectors=4)
        rig.server.greet(wire, OWN, [PEER])
        qemu.start()
        for vector, fd in enumerate(rig.server.vectors_of[OWN]):
            ivshmem.signal(fd)
            qemu.wait_interrupt(vector)
        for vector in (2, 3):
            qemu.ring(OWN, vector)
            qemu.ring(PEER, vector)
        qemu.expect_no_interrupt()
        assert not any(map(ivshmem.drain, rig.server.vectors_of[PEER]))


@tap.case
def more_vectors_than_the_device_has_are_closed_with_a_complaint():
    with Scripted(vectors=6) as rig:
        qemu, _ = rig.greeted(OWN, [PEER], vectors=4)
        assert qemu.said().count('Too many eventfd received') == 4, qemu.said()
        for vector in range(6):
            ivshmem.signal(rig.server.vectors_of[OWN][vector])
            if vector < 4:
                qemu.wait_interrupt(vector)
            qemu.ring(PEER, vector)
            rung = ivshmem.drain(rig.server.vectors_of[PEER][vector])
            assert rung == (1 if vector < 4 else 0), (vector, rung)
        qemu.expect_no_interrupt()


@tap.case
def without_the_server_known_peers_still_ring_each_other():
    with Scripted() as rig:
        one, first = rig.greeted(OWN)
        two, second = rig.greeted(PEER, [OWN])
        rig.server.vectors_to(first, PEER)
        last = rig.server.vectors - 1
        until(lambda: one.ring(PEER, last) or two.interrupts(), 'the join is known')
        two.fence()
        two.interrupts()
        for wire in (first, second):
            wire.close()
        for qemu in (one, two):
            qemu.fence(10)
        for vector in range(rig.server.vectors):
            one.ring(PEER, vector)
            two.wait_interrupt(vector)
            two.ring(OWN, vector)
            one.wait_interrupt(vector)


# ---- the device ----

@tap.cases([('q35', 'q35'), ('pc', 'pc')])
def registers_and_bars(_, machine):
    with Scripted(size=1 << 21) as rig:
        qemu, _ = rig.greeted(OWN, machine=machine)
        assert qemu.config_read(0x00) == 0x11101af4
        assert qemu.config_read(0x08) == 0x05000001   # class 0500, revision 1
        assert qemu.config_read(0x18) & 0xf == 0xc    # 64 bits, prefetchable
        assert qemu.memory_size() == 1 << 21
        assert qemu.table_size() == rig.server.vectors
        assert qemu.position() == OWN
        qemu.config_write(0x10, 0xffffffff)
        assert qemu.config_read(0x10) == 0xffffff00   # 256 bytes


@tap.case
def plain_device_has_no_msix_and_position_0():
    with Scripted() as rig:
        # The doorbell device of the rig is in slot 4; this one in slot 5.
        qemu, _ = rig.greeted(OWN, extra=[
            '-object', 'memory-backend-ram,id=ram,size=1M,share=on',
            '-device', 'ivshmem-plain,memdev=ram,addr=5'])
        qemu.use_slot(5)
        elsewhere = REGISTERS + 0x10000
        qemu.place_registers(elsewhere)
        assert qemu.config_read(0x00) == 0x11101af4
        assert qemu.find_capability(CAP_MSIX) is None
        assert qemu.readl(elsewhere + IVPOSITION) == 0
        assert qemu.position() == OWN


@tap.cases([('as ioeventfd', 'on'), ('on the slow path', 'off')])
def doorbell_and_interrupt_on_every_vector(_, ioeventfd):
    with Scripted(vectors=16) as rig:
        qemu, _ = rig.greeted(OWN, [PEER], options=f',ioeventfd={ioeventfd}')
        theirs, own = rig.server.vectors_of[PEER], rig.server.vectors_of[OWN]
        for vector in range(16):
            qemu.ring(PEER, vector)
            counts = [ivshmem.drain(fd) for fd in theirs]
            assert counts == [int(v == vector) for v in range(16)], counts
            ivshmem.signal(own[vector])
            qemu.wait_interrupt(vector)
            qemu.ring(OWN, vector)   # oneself
            qemu.wait_interrupt(vector)


@tap.case
def vector_above_255_rings_another_one():
    with Scripted() as rig:
        qemu, _ = rig.greeted(OWN, [PEER])
        qemu.ring(PEER, 256 + 2)
        counts = [ivshmem.drain(fd) for fd in rig.server.vectors_of[PEER]]
        assert counts == [0, 0, 1, 0], counts


@tap.case
def unknown_id_and_vector_are_ignored():
    with Scripted() as rig:
        qemu, _ = rig.greeted(OWN, [PEER])
        for peer, vector in ((PEER, 4), (PEER, 255), (PEER + 1, 0), (0, 0),
                             (65535, 0), (65535, 255)):
            qemu.ring(peer, vector)
        qemu.expect_no_interrupt()
        assert not any(map(ivshmem.drain, rig.server.vectors_of[PEER]))
        qemu.ring(PEER, 0)
        assert ivshmem.drain(rig.server.vectors_of[PEER][0]) == 1


@tap.case
def no_interrupt_without_bus_mastering():
    with Scripted() as rig:
        qemu, _ = rig.greeted(OWN)
        qemu.config_write(COMMAND, COMMAND_MEMORY)
        ivshmem.signal(rig.server.vectors_of[OWN][0])
        qemu.expect_no_interrupt()
        qemu.config_write(COMMAND, COMMAND_MEMORY | COMMAND_MASTER)
        qemu.expect_no_interrupt()   # lost, not kept
        ivshmem.signal(rig.server.vectors_of[OWN][0])
        qemu.wait_interrupt(0)


@tap.case
def interrupt_before_msix_is_enabled_is_lost():
    with Scripted() as rig:
        qemu, _ = rig.greeted(OWN)
        qemu.msix(0)
        ivshmem.signal(rig.server.vectors_of[OWN][0])
        qemu.expect_no_interrupt()
        qemu.msix(MSIX_ENABLE)
        qemu.expect_no_interrupt()
        assert not qemu.pending(0)


@tap.case
def interrupt_on_a_masked_vector_is_kept():
    with Scripted() as rig:
        qemu, _ = rig.greeted(OWN)
        qemu.program(2, masked=True)
        for _ in range(3):
            ivshmem.signal(rig.server.vectors_of[OWN][2])
        qemu.expect_no_interrupt()
        assert qemu.pending(2)
        qemu.program(2)
        qemu.wait_interrupt(2)
        assert not qemu.pending(2)


@tap.case
def reset_of_the_guest_is_invisible_to_the_server():
    with Scripted() as rig:
        qemu, wire = rig.greeted(OWN, [PEER])
        qemu.qmp('system_reset')
        until(lambda: qemu.config_read(COMMAND) & 0xffff == 0, 'the reset')
        assert wire.receive(0) is None
        qemu.ready()
        assert qemu.position() == OWN
        qemu.ring(PEER, 1)
        assert ivshmem.drain(rig.server.vectors_of[PEER][1]) == 1
        ivshmem.signal(rig.server.vectors_of[OWN][1])
        qemu.wait_interrupt(1)


@tap.case
def qemu_sets_every_received_eventfd_non_blocking():
    with Scripted() as rig:
        # A duplicate shares the flag: it belongs to the open file (fcntl(2)).
        fds = [os.eventfd(0, os.EFD_CLOEXEC) for _ in range(4)]
        rig.server.vectors_of[PEER] = fds
        rig.greeted(OWN, [PEER])
        assert not any(map(os.get_blocking, fds))


@tap.case
def killed_qemu_closes_its_connection():
    with Scripted() as rig:
        qemu, wire = rig.greeted(OWN)
        qemu.kill()
        try:
            assert wire.receive() is None
        except EOFError:
            return
        raise AssertionError('the connection stays')


tap.main()
