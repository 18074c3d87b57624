# SPDX-License-Identifier: BSD-2-Clause
"""The demonstration: `./bootstrap demo`, or `make demo`.

Starts bellring-server, boots two real guests on Debian's kernel, lets host and
guest send each other texts, counts the guest's interrupts, sends 1 GiB each way
and from guest to guest, and measures. Everything it started ends with it, also
by Ctrl-C or a failure.
"""
import contextlib
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [_HERE, os.path.join(_HERE, '..')]

import vm                                     # noqa: E402 (after the path)
from children import Child, until             # noqa: E402 (vm.py knows where)
from blocks import BLOCK, BLOCK_SIZE, MAKE_BLOCK    # noqa: E402

TOOL = os.path.join(vm.BUILD, 'bellring-static')
BLOCKS = 32            # of 32 MiB: 1 GiB
GIB_SECONDS = 300      # deadline
IDLE_SECONDS = 5
SIZES = (8, 64, 1024, 4096)
BEGIN = time.monotonic()


def step(text):
    print(f'\n[{time.monotonic() - BEGIN:5.1f} s] {text}', flush=True)


def note(text):
    print('          ' + text, flush=True)


def host(address, *words, data=None, seconds=60):
    """Output of the tool on the host; it must succeed."""
    done = subprocess.run([TOOL, '-a', address, *words], input=data,
                          capture_output=True, timeout=seconds, check=False)
    if done.returncode:
        raise vm.Failed(f'bellring {" ".join(words)}: {done.stderr.decode()}')
    return done.stdout


def receiver(address, name, file):
    """A host peer that sleeps until one message has come."""
    return Child([TOOL, '-a', address, '--name', name, '-t', '60', 'recv', '-n', '1'],
                 stdout=file)


def interrupts(guest):
    """MSI-X interrupts that the guest's kernel has counted while it is open."""
    lines = guest.check('grep vfio-msix /proc/interrupts || true').splitlines()
    return sum(int(word) for line in lines for word in line.split(':', 1)[1].split()
               if word.isdigit())


def texts(server, guest):
    step('Texts, both ways. Each receiver sleeps until its doorbell rings.')
    job = guest.spawn('bellring -a pci: --name guest -t 60 recv -n 3 --lines')
    host(server.address, 'send', '--wait-peer=30', 'guest', 'Hello from the host.')
    until(lambda: 'host.' in job.output(), 'the guest has the first text', 30, 0.1)
    count, cpu = interrupts(guest), guest.cpu_ns(job.pid)
    time.sleep(IDLE_SECONDS)
    idle, cpu = interrupts(guest), guest.cpu_ns(job.pid) - cpu
    host(server.address, 'send', 'guest', 'Hello again.')
    until(lambda: 'again.' in job.output(), 'the guest has the second text', 30, 0.1)
    woken = interrupts(guest)
    host(server.address, 'send', 'guest', 'Goodbye.')
    status, text = job.wait()
    assert status == 0, text
    for line in text.splitlines():
        note(f'guest got: {line}')
    note(f'In {IDLE_SECONDS} s between the first two: {idle - count} interrupts, '
         f'{cpu / 1e6:.1f} ms of the receiver\'s CPU time;')
    note(f'by the second text it was woken by {woken - idle} (the sender joins, sends, '
         'leaves).')
    with tempfile.TemporaryFile() as out:
        with receiver(server.address, 'host', out) as child:
            guest.check('bellring -a pci: --name guest send --wait-peer=30 host '
                        '"Hello from the guest."')
            assert child.wait(60) == 0, child.said()
        out.seek(0)
        note(f'host got:  {out.read().decode().strip()}')


# ---- 1 GiB --------------------------------------------------------------------------

def made(guest):
    """Shell words that write the GiB: BLOCKS times a random block of the guest's.

    In the guest it must not cost more than sending it: cat copies 64 KiB at once.
    """
    guest.check(MAKE_BLOCK, 60)
    return f'for i in $(seq {BLOCKS}); do cat {BLOCK}; done'


def timed(name, words):
    """A command line for a guest, that says its CPU time at its end."""
    return f"time -f 'cpu %U %S' bellring -a pci: --name {name} -v {words}"


def transfer(text):
    """(bytes, seconds, checksum) of what -v told."""
    found = re.search(r'(?:sent|received) (\d+) bytes in ([\d.]+) s, .* XXH3 (\w+)', text)
    assert found, text
    return int(found[1]), float(found[2]), found[3]


def guest_cpu(text):
    found = re.search(r'^cpu ([\d.]+) ([\d.]+)$', text, re.M)
    assert found, text
    return float(found[1]) + float(found[2])


def host_cpu():
    """Seconds of all children that have ended: QEMU and the server have not."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def conclude(title, sent, got, sender_cpu, receiver_cpu):
    """One line of the table, from what both sides told of it."""
    size, seconds, check = transfer(got)
    assert transfer(sent)[::2] == (size, check), (sent, got)
    assert size == BLOCKS * BLOCK_SIZE, got
    note(f'{title:15}{size / seconds / 1e6:9.0f} MB/s {size * 8 / seconds / 1e9:6.2f} Gbit/s'
         f'{sender_cpu:9.2f} s{receiver_cpu:10.2f} s   {check}')


def ready(address, name):
    until(lambda: f'"{name}"'.encode() in host(address, '--json', 'peers'),
          f'{name} is on the bus', 30, 0.1)


def gib_to_guest(server, guest):
    job = guest.spawn(timed('guest', 'recv -o /dev/null'))
    ready(server.address, 'guest')
    block = os.urandom(1 << 20)
    before = host_cpu()
    with Child([TOOL, '-a', server.address, '-v', 'send', '-f', '-', 'guest'],
               stdin=subprocess.PIPE) as child:
        with contextlib.suppress(BrokenPipeError):    # its status says more
            for _ in range(BLOCKS * BLOCK_SIZE >> 20):
                child.process.stdin.write(block)
            child.process.stdin.close()
        assert child.wait(GIB_SECONDS) == 0, child.said()
        cpu, sent = host_cpu() - before, child.said()
    status, got = job.wait(GIB_SECONDS)
    assert status == 0, got
    conclude('host to guest', sent, got, cpu, guest_cpu(got))


def gib_to_host(server, guest, generator):
    before = host_cpu()
    with Child([TOOL, '-a', server.address, '-v', '--name', 'host', 'recv',
                '-o', '/dev/null']) as child:
        send = timed('guest', 'send -w 30 -f - host')
        status, sent = guest.run(f'{{ {generator}; }} | {send}', GIB_SECONDS)
        assert status == 0, sent
        assert child.wait(GIB_SECONDS) == 0, child.said()
        cpu, got = host_cpu() - before, child.said()
    conclude('guest to host', sent, got, guest_cpu(sent), cpu)


def gib_to_other(server, guest, other, generator):
    job = other.spawn(timed('other', 'recv -o /dev/null'))
    ready(server.address, 'other')
    send = timed('guest', 'send -f - other')
    status, sent = guest.run(f'{{ {generator}; }} | {send}', GIB_SECONDS)
    assert status == 0, sent
    status, got = job.wait(GIB_SECONDS)
    assert status == 0, got
    conclude('guest to guest', sent, got, guest_cpu(sent), guest_cpu(got))


def gibibytes(server, guest, other):
    step('1 GiB through these 64 MiB, as one message with its end and a checksum (XXH3).')
    note(f'{"":15}{"":27}CPU: sender  receiver   checksum, equal on both sides')
    generator = made(guest)
    gib_to_guest(server, guest)
    gib_to_host(server, guest, generator)
    gib_to_other(server, guest, other, generator)
    note('CPU includes reading a pipe (sender) and the checksum (both).')
    if 'tcg' in vm.accel():
        note('In a guest it is that of an emulated CPU, several times slower than a real one.')


def figures(server, *words):
    out = host(server.address, '--json', 'bench', *words, seconds=170).decode()
    return [json.loads(line) for line in out.splitlines()]


def heading(title, *more):
    print(f'\n{title:28}' + ''.join(f'{f"{s} B":>10}' for s in SIZES)
          + ''.join(f'{m:>12}' for m in more))


def line(title, figures_, *more):
    print(f'{title:28}' + ''.join(f'{f:10.2f}' for f in figures_)
          + ''.join(f'{m:12.2f}' for m in more))


def table(rows):
    """rows: title, the records of one way to wait by size."""
    heading('ROUND TRIP, p50 µs', 'CPU µs/msg')
    for title, found in rows:
        line(title, [found[s]['p50_us'] for s in SIZES],
             found[SIZES[0]]['cpu_us_per_message'])


def bare(records):
    """The limit, without the library: a bare round trip has no size."""
    for r in records:
        if r['type'] == 'bare':
            print(f'{"host, " + r["name"]:28}{r["p50_us"]:10.2f}'
                  f'{"":{10 * (len(SIZES) - 1)}}{r["cpu_us_per_message"]:12.2f}')


def doorbells(rows):
    heading('DOORBELLS A MESSAGE')
    for title, found in rows:
        line(title, [found[s]['doorbells_per_message'] for s in SIZES])
    print('1.00: each message came by an interrupt. Where it is less, the others were\n'
          'there already when their receiver looked, before it slept.')


def measure(server, guest):
    options = ['--load', 'trip,idle', '--rounds', '3', '--count', '1000', '--idle', '1',
               '--sizes', ','.join(map(str, SIZES))]
    step('bellring bench: host and host.')
    host_host = figures(server, *options)
    step('bellring bench: host and guest.')
    job = guest.spawn('bellring -a pci: --name guest bench --serve')
    until(lambda: b'"guest"' in host(server.address, '--json', 'peers'),
          'the guest is on the bus', 30, 0.1)
    host_guest = figures(server, 'guest', *options)
    # while it runs: the kernel forgets them when it closes the device
    note(f'the guest\'s kernel counted {interrupts(guest)} interrupts meanwhile')
    job.kill('TERM')
    status, text = job.wait()
    assert status == 0, text
    step(f'Interrupt, polling, adaptive (CPU: of both sides, {SIZES[0]} bytes)')
    rows = [(f'{where}, {wait}', {r['size']: r for r in records
                                  if r['type'] == 'latency' and r['wait'] == wait})
            for where, records in (('host-host', host_host), ('host-guest', host_guest))
            for wait in ('interrupt', 'poll', 'adaptive')]
    table(rows)
    bare(host_host)
    doorbells(rows)


def main():
    print('Bellring: a host and a real Linux guest in QEMU, talking by doorbell.')
    step('bellring-server: 64 MiB of shared memory, 16 vectors a peer.')
    with vm.Server(size='64M') as server:
        note(server.address)
        step(f'A guest boots on Debian\'s kernel under QEMU ({vm.accel()}).')
        with vm.Guest('guest', server, programs={'bellring': TOOL}) as guest:
            for line in guest.check('bellring -a pci: bind').splitlines():
                note(line)
            texts(server, guest)
            with vm.Guest('other', server, programs={'bellring': TOOL}) as other:
                note('a second guest has booted')
                other.check('bellring -a pci: bind')
                gibibytes(server, guest, other)
            measure(server, guest)
    step('Done; nothing that was started is left.')


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        sys.exit('\ninterrupted; everything was ended')
    except (vm.Failed, vm.Missing) as e:
        sys.exit(f'demo: {e}')
