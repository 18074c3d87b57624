# SPDX-License-Identifier: BSD-2-Clause
"""The demonstration: `./bootstrap demo`, or `make demo`.

Starts bellring-server, boots one real guest on Debian's kernel, lets host and
guest send each other texts and a file, counts the guest's interrupts, and
measures. Everything it started ends with it, also by Ctrl-C or a failure.
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [_HERE, os.path.join(_HERE, '..')]

import vm                                     # noqa: E402 (after the path)
from children import Child, until                    # noqa: E402 (vm.py knows where)

TOOL = os.path.join(vm.BUILD, 'bellring-static')
FILE_MIB = 64
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


def file_to_guest(server, guest, folder):
    data = os.urandom(FILE_MIB << 20)
    path = os.path.join(folder, 'random')
    with open(path, 'wb') as f:
        f.write(data)
    job = guest.spawn("sh -c 'bellring -a pci: --name guest -t 100 recv -n 1 | sha256sum'")
    begin = time.monotonic()
    host(server.address, 'send', '--wait-peer=30', 'guest', '-f', path, seconds=120)
    status, text = job.wait(120)
    took = time.monotonic() - begin
    assert status == 0, text
    same = text.split()[0] == hashlib.sha256(data).hexdigest()
    note(f'host to guest: {FILE_MIB} MiB, SHA-256 {"equal" if same else "DIFFERENT"}, '
         f'{took:.1f} s with the checksum in the guest')
    assert same


def file_to_host(server, guest):
    guest.check(f'head -c {FILE_MIB << 20} /dev/urandom > /tmp/random', 120)
    want = guest.check('sha256sum /tmp/random', 120).split()[0]
    with tempfile.TemporaryFile() as out:
        with receiver(server.address, 'host', out) as child:
            begin = time.monotonic()
            guest.check('bellring -a pci: --name guest send --wait-peer=30 host '
                        '-f /tmp/random', 120)
            assert child.wait(120) == 0, child.said()
            took = time.monotonic() - begin
        out.seek(0)
        same = hashlib.sha256(out.read()).hexdigest() == want
    note(f'guest to host: {FILE_MIB} MiB, SHA-256 {"equal" if same else "DIFFERENT"}, '
         f'{took:.1f} s')
    guest.check('rm /tmp/random')
    assert same


def files(server, guest):
    step(f'A file of {FILE_MIB} MiB of random bytes, both ways.')
    with tempfile.TemporaryDirectory() as folder:
        file_to_guest(server, guest, folder)
    file_to_host(server, guest)


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
    options = ['--rounds', '3', '--count', '1000', '--idle', '1',
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
            files(server, guest)
            measure(server, guest)
    step('Done; nothing that was started is left.')


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        sys.exit('\ninterrupted; everything was ended')
    except (vm.Failed, vm.Missing) as e:
        sys.exit(f'demo: {e}')
