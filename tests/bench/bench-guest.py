# SPDX-License-Identifier: BSD-2-Clause
"""The ways into a Linux guest side by side, in one guest and one run: `make bench-guest`.

    make bench-guest                       a table
    make bench-guest BENCH_FLAGS=--quick   a minute
    make bench-guest BENCH_FLAGS='--rounds 9 --json'
    BENCH_JSON=FILE make bench-guest       the table, and the objects in a file

Module, vfio and sysfs, and in the same guest what one would take instead:
virtio-serial, and TCP over virtio-net. All are measured in each round, so that
what else the machine does meets all of them; a comparison is the median of the
rounds' own ratios. tests/bench/guest-echo is the program on both sides.

As root on a machine with /dev/net/tun TCP goes over a tap interface, which has an
address of 198.18.0.0/16 and is gone when this ends; otherwise over QEMU's user
network (SLIRP), which is slower, and the report says so (--net).
"""
import argparse
import contextlib
import fcntl
import json
import os
import socket
import statistics
import struct
import sys
import tempfile
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(_HERE, '..', 'guest'), os.path.join(_HERE, '..')]

import kernel as kernels                      # noqa: E402 (after the path)
import kmod                                   # noqa: E402
import vm                                     # noqa: E402
import ivshmem                                # noqa: E402 (vm.py knows where)
from children import Child, until             # noqa: E402

ECHO = os.path.join(vm.BUILD, 'tests', 'bench', 'guest-echo')
PROGRAMS = {'bellring': os.path.join(vm.BUILD, 'bellring-static'), 'guest-echo': ECHO}
DEVICE = '0000:00:03.0'
VECTORS = 16
TCP_PORT = 7777
# Too large for a place below 4 GiB, where the firmware's MTRRs make all memory of
# devices uncached, whatever is asked for. Only the pages used take space.
SIZE = '1G'
VIRTIO = ('virtio_pci', 'virtio_console', 'virtio_net')
# RFC 2544 keeps 198.18.0.0/15 for benchmarks: nobody has it in earnest.
TAP_NETWORK, TAP_MASK = f'198.18.{os.getpid() % 256}', '255.255.255.252'
TAP_HOST, TAP_GUEST = TAP_NETWORK + '.1', TAP_NETWORK + '.2'
USER_GUEST = '10.0.2.15'
PATIENCE = 600      # seconds for one measurement; guest-echo notices a silence


class Wrong(Exception):
    """Something did not answer, or answered badly."""


# ---- TCP: how it gets into the guest -----------------------------------------------

class Tap:
    """A tap interface, which QEMU makes, and which goes with it."""

    TUNSETIFF, SIOCSIFADDR, SIOCSIFNETMASK = 0x400454ca, 0x8916, 0x891c
    SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
    IFF_TAP, IFF_NO_PI = 2, 0x1000
    name = 'tap'
    guest_address, mask = TAP_GUEST, TAP_MASK
    channel = f'tcp:{TAP_GUEST}:{TCP_PORT}'

    def __init__(self):
        interface = f'bell{os.getpid()}'
        self._interface = interface.encode()
        # Whether QEMU will be able to: it is gone again with the descriptor.
        with open('/dev/net/tun', 'rb+', buffering=0) as tun:
            fcntl.ioctl(tun, self.TUNSETIFF, struct.pack(
                '16sH22x', self._interface, self.IFF_TAP | self.IFF_NO_PI))
            self.configure()
        self.options = ('-netdev', f'tap,id=net,ifname={interface},script=no,'
                        'downscript=no')

    def _address(self, text):
        return struct.pack('16sHH4s16x', self._interface, socket.AF_INET, 0,
                           socket.inet_aton(text))

    def configure(self):
        """See netdevice(7)."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, self.SIOCSIFADDR, self._address(TAP_HOST))
            fcntl.ioctl(s, self.SIOCSIFNETMASK, self._address(TAP_MASK))
            old = fcntl.ioctl(s, self.SIOCGIFFLAGS,
                              struct.pack('16sH22x', self._interface, 0))
            flags, = struct.unpack_from('H', old, 16)
            fcntl.ioctl(s, self.SIOCSIFFLAGS,
                        struct.pack('16sH22x', self._interface, flags | self.IFF_UP))


class User:
    """QEMU's own network in user space; connections to a port of this host get in."""

    name = 'user network (SLIRP)'
    guest_address, mask = USER_GUEST, '255.255.255.0'

    def __init__(self):
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            port = s.getsockname()[1]
        self.channel = f'tcp:127.0.0.1:{port}'
        self.options = ('-netdev', 'user,id=net,restrict=on,'
                        f'hostfwd=tcp:127.0.0.1:{port}-{USER_GUEST}:{TCP_PORT}')

    def configure(self):
        pass


def network(wanted):
    """A Tap where it can be had, else a User."""
    if wanted != 'user':
        try:
            return Tap()
        except OSError as e:
            if wanted == 'tap':
                raise Wrong(f'no tap interface: {e}') from e
            print(f'no tap interface ({e}): QEMU\'s user network', file=sys.stderr)
    return User()


# ---- the guest ----------------------------------------------------------------------

class World:
    """A server, a guest with all three devices, a raw peer on the host."""

    def __init__(self, stack, net):
        self._stack = stack
        self._net = net
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        self._line = os.path.join(folder, 'line')
        self.server = stack.enter_context(
            vm.Server('--bus', '48M', '--links', '40', '--ring-size', '1M', size=SIZE,
                      vectors=VECTORS))
        self.guest = self._boot()
        # Whom doorbells are rung: it is there, and does not answer.
        self.peer = stack.enter_context(ivshmem.Client(self.server.path, VECTORS))
        self.serial = self._connect()
        self._prepare()

    def _boot(self):
        kernel = kernels.find()
        names = {os.path.basename(p).split('.')[0] for p in kernel.closure(VIRTIO)}
        lacking = sorted(set(VIRTIO) - names)
        if lacking:
            raise vm.Missing(f'kernel {kernel.release}: {kernel.modules} has no '
                             f'{", ".join(lacking)}; if that folder is one of the '
                             'cache of guests, of an earlier release, remove it')
        guest = vm.Guest(
            'guest', self.server, vectors=VECTORS, kernel=kernel, programs=PROGRAMS,
            modules=VIRTIO, extra_modules=kmod.build(kernel), qemu_options=(
                '-device', 'virtio-serial-pci,addr=5.0',
                '-chardev', f'socket,id=serial,path={self._line},server=on,wait=off',
                '-device', 'virtserialport,chardev=serial,name=bench',
                *self._net.options, '-device', 'virtio-net-pci,netdev=net,addr=6.0'))
        return self._stack.enter_context(guest)

    def _connect(self):
        line = self._stack.enter_context(socket.socket(socket.AF_UNIX))
        line.connect(self._line)
        return line

    def _prepare(self):
        """Loads the drivers of the other two, and brings the network up."""
        self.guest.check('mount -t debugfs debugfs /sys/kernel/debug')
        for name in VIRTIO:
            self.guest.check(f'modprobe {name}')
        until(lambda: self.guest.run('ls /dev/vport*p1 && ls -d /sys/class/net/eth0')[0]
              == 0, 'virtio-serial and virtio-net are there', 20, 0.1)
        self.port = self.guest.check('echo /dev/vport*p1').strip()
        self._net.configure()
        self.guest.check(f'ifconfig eth0 {self._net.guest_address} '
                         f'netmask {self._net.mask} up')

    def driver(self):
        """The one that has the device."""
        text = self.guest.check(f'readlink /sys/bus/pci/devices/{DEVICE}/driver; true')
        return os.path.basename(text.strip())

    def bind(self, port):
        """port: module, vfio, or sysfs, which is served when no driver is bound."""
        if port != 'sysfs':
            self.guest.check(f'bellring -a pci: bind -d {port}', 60)
            return
        driver = self.driver()
        if driver:
            self.guest.check(f'echo {DEVICE} >/sys/bus/pci/drivers/{driver}/unbind')

    def tell(self):
        """Ids that came and went wait at the raw peer's socket: takes the news."""
        while self.peer.news():
            pass

    # ---- guest-echo ----

    def alone(self, *words):
        """What a command prints that needs no other side."""
        return json.loads(self.guest.check('guest-echo ' + ' '.join(map(str, words)),
                                           PATIENCE))

    def both(self, serve, drive, pass_fds=()):
        """Serves in the guest and drives on the host; what the latter prints.

        drive(words) gives the driver's arguments, from what "ready" is followed by.
        """
        job = self.guest.spawn('guest-echo ' + serve)
        words = until(lambda: job.output().split() or job.ended() and ['nothing'],
                      f'{serve}: the guest is ready', 30, 0.05)
        if words[0] != 'ready':
            raise Wrong(f'guest: {serve}: {job.output()}')
        driver = Child([ECHO, *map(str, drive(words[1:]))], pass_fds=pass_fds)
        with driver:
            status = driver.wait(PATIENCE)
            if status:
                raise Wrong(f'host: {driver.said().strip()}; guest: {serve}: '
                            f'{job.output().strip()}')
            said = driver.said()
        status, text = job.wait()
        if status:
            raise Wrong(f'guest: {serve}: status {status}: {text}')
        return json.loads(said)


# ---- what is measured -----------------------------------------------------------------

class Run:
    """Figures by (what, way), one a round."""

    def __init__(self, world, net, args):
        self.world, self._net, self._args = world, net, args
        self.figures, self.types = {}, {}

    def _keep(self, way, values, prefix=''):
        for what, value in values.items():
            if what == 'type':
                self.types[way] = value
            elif not what.endswith('_99'):
                self.figures.setdefault((prefix + what, way), []).append(value)

    def _bare(self, way):
        self._keep(way, self.world.both(
            f'bare {way}', lambda words: ('drive-bare', self.world.server.address,
                                          words[0], self._args.trips)), 'bare_')

    def _rings(self, way):
        self._keep(way, self.world.alone('rings', way, self.world.peer.id,
                                         self._args.rings))

    def _memory(self, way):
        self._keep(way, self.world.alone('memory', way))

    def _talk(self, way, here, there, trips=None, pass_fds=()):
        words = ('drive', here, trips or self._args.trips, self._args.blocks)
        self._keep(way, self.world.both(f'serve {there}', lambda _: words, pass_fds))

    def _bus(self, way, trips=None):
        self._talk(way, 'bus:' + self.world.server.address, 'bus:pci:', trips)

    def module(self):
        self.world.bind('module')
        for way in ('module', 'module-ioctl'):
            self._bare(way)
            self._rings(way)
        self._memory('module')
        self._bus('module')

    def vfio(self):
        self.world.bind('vfio')
        for way in ('vfio', 'vfio-pwrite'):
            self._bare(way)
            self._rings(way)
        self._memory('vfio')
        self._bus('vfio')

    def sysfs(self):
        """Its port may look only every 4 ms: fewer trips."""
        self.world.bind('sysfs')
        self._rings('sysfs')
        for way in ('sysfs', 'sysfs-wc'):
            self._memory(way)
        self._bus('sysfs', max(20, self._args.trips // 10))

    def ram(self):
        self._memory('ram')

    def serial(self):
        fd = self.world.serial.fileno()
        self._talk('virtio-serial', f'fd:{fd}', f'dev:{self.world.port}', pass_fds=(fd,))

    def tcp(self):
        self._talk('tcp', self._net.channel, f'listen:{TCP_PORT}')

    def round(self, number):
        """All of them, another one first each time."""
        steps = [self.module, self.serial, self.vfio, self.tcp, self.sysfs, self.ram]
        turn = number % len(steps)
        for step in steps[turn:] + steps[:turn]:
            begin = time.monotonic()
            step()
            self.world.tell()
            print(f'round {number + 1} of {self._args.rounds}: {step.__name__} '
                  f'({time.monotonic() - begin:.1f} s)', file=sys.stderr, flush=True)


# ---- the report ----------------------------------------------------------------------

BASE = 'module'
LABELS = {
    'module': 'module', 'module-ioctl': 'module, ioctl', 'vfio': 'vfio',
    'vfio-pwrite': 'vfio, pwrite', 'sysfs': 'sysfs', 'sysfs-wc': 'sysfs, _wc file',
    'ram': 'ordinary memory', 'virtio-serial': 'virtio-serial', 'tcp': 'TCP'}
# (title, figure, unit, ways)
RINGING = ('module', 'module-ioctl', 'vfio', 'vfio-pwrite')
TALKING = ('module', 'vfio', 'sysfs', 'virtio-serial', 'tcp')
TABLES = [
    ('Bare interrupts, back to back', 'bare_trip_us', 'us', RINGING),
    ('Bare interrupts, after 2 ms of silence', 'bare_quiet_trip_us', 'us', RINGING),
    ('64 bytes and back, after 2 ms of silence', 'quiet_trip_us', 'us', TALKING),
    ('64 bytes and back, back to back', 'trip_us', 'us', TALKING),
    ('64 KiB blocks, host to guest', 'in_mib_s', 'MiB/s', TALKING),
    ('64 KiB blocks, guest to host', 'out_mib_s', 'MiB/s', TALKING),
    ('Doorbell of a peer that is there', 'present_ns', 'ns',
     RINGING + ('sysfs',)),
    ('Doorbell of a peer that is not', 'absent_ns', 'ns',
     RINGING + ('sysfs',)),
] + [(f'Memory, {text}', f'{name}_mib_s', 'MiB/s',
      ('module', 'vfio', 'sysfs', 'sysfs-wc', 'ram'))
     for name, text in (('read', 'loads of 8 bytes'), ('write', 'stores of 8 bytes'),
                        ('copy_from', 'memcpy from it'), ('copy_to', 'memcpy to it'),
                        ('own_from', 'the library\'s copy from it'),
                        ('own_to', 'the library\'s copy to it'))]


def ratio(figures, what, way, base_what, base):
    """Median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(figures[what, way],
                                                   figures[base_what, base]))


def rows(run):
    """One object a figure."""
    for title, what, unit, ways in TABLES:
        for way in ways:
            values = run.figures[what, way]
            row = {'type': 'figure', 'title': title, 'figure': what, 'way': way,
                   'unit': unit, 'median': statistics.median(values),
                   'min': min(values), 'max': max(values), 'rounds': values,
                   'to_module': ratio(run.figures, what, way, what, BASE)}
            if what in ('trip_us', 'quiet_trip_us'):
                row['to_bare'] = ratio(run.figures, what, way, 'bare_' + what, BASE)
            if what == 'trip_us':
                row['doorbells_rounds'] = run.figures['doorbells', way]
                row['doorbells'] = statistics.median(row['doorbells_rounds'])
            if way in run.types and 'Memory' in title:
                row['mapping'] = run.types[way]
            yield row


def about(net, args):
    return {'type': 'run', 'date': time.strftime('%Y-%m-%d'), 'accel': vm.accel(),
            'cpus': os.cpu_count(), 'load': round(os.getloadavg()[0], 1),
            'rounds': args.rounds, 'network': net.name}


def print_table(head, objects):
    print(f'{head["date"]}, one guest with one CPU, QEMU with {head["accel"]}, '
          f'{head["cpus"]} CPUs, load {head["load"]}, {head["rounds"]} rounds. TCP over '
          f'virtio-net: {head["network"]}.')
    title = None
    for row in objects:
        if row['title'] != title:
            title = row['title']
            print(f'\n{title}\n{"":17} {"median " + row["unit"]:>14} '
                  f'{"min .. max":>21} {"/ module":>9}'
                  + (f' {"/ bare":>7}' if 'to_bare' in row else '')
                  + (f' {"rings/trip":>10}' if 'doorbells' in row else ''))
        spread = f'{row["min"]:.1f} .. {row["max"]:.1f}'
        print(f'{LABELS[row["way"]]:17} {row["median"]:14.1f} {spread:>21} '
              f'{row["to_module"]:9.2f}'
              + (f' {row["to_bare"]:7.2f}' if 'to_bare' in row else '')
              + (f' {row["doorbells"]:10.2f}' if row.get('doorbells') else '')
              + (f'  {row["mapping"]}' if 'mapping' in row else ''))


def report(run, net, args):
    head, objects = about(net, args), list(rows(run))
    lines = ''.join(json.dumps(o) + '\n' for o in [head, *objects])
    if args.json:
        print(lines, end='')
    else:
        print_table(head, objects)
    if os.environ.get('BENCH_JSON'):
        with open(os.environ['BENCH_JSON'], 'w', encoding='ascii') as f:
            f.write(lines)


def options():
    parser = argparse.ArgumentParser(prog='bench-guest', description=(
        'Measures the ways into a Linux guest, and what one would take instead.'))
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--trips', type=int, default=2000, help='a round')
    parser.add_argument('--blocks', type=int, default=512, help='of 64 KiB, a round')
    parser.add_argument('--rings', type=int, default=20000, help='doorbells a round')
    parser.add_argument('--net', choices=('auto', 'tap', 'user'), default='auto')
    parser.add_argument('--json', action='store_true', help='objects, not tables')
    parser.add_argument('--quick', action='store_true', help='2 short rounds')
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.trips, args.blocks, args.rings = 2, 200, 64, 2000
    if min(args.rounds, args.trips, args.blocks, args.rings) < 1:
        parser.error('counts begin at 1')
    return args


def main():
    args = options()
    try:
        with contextlib.ExitStack() as stack:
            net = network(args.net)
            print('booting a guest', file=sys.stderr, flush=True)
            run = Run(World(stack, net), net, args)
            for number in range(args.rounds):
                run.round(number)
            report(run, net, args)
    except (vm.Missing, Wrong, AssertionError) as e:
        sys.exit(f'bench-guest: {e}')


if __name__ == '__main__':
    main()
