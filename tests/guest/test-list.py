# SPDX-License-Identifier: BSD-2-Clause
"""`bellring list` and `pci:NAME` in a real guest that has three devices.

00:03.0 is of a server whose memory is called web, 00:04.0 of one called db,
00:05.0 is plain.
"""
import atexit
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rig import PROGRAMS, armed, fails, objects   # noqa: E402
import kernel as kernels                      # noqa: E402
import kmod                                   # noqa: E402
import tap                                    # noqa: E402 (rig.py knows where)
import vm                                     # noqa: E402

WEB, DB, PLAIN = ('pci:0000:00:03.0', 'pci:0000:00:04.0', 'pci:0000:00:05.0')
MIB = 1 << 20


class World:
    """Two servers, a file and the guest: made when first wanted."""

    def __init__(self):
        self._guest, self._ends = None, []
        atexit.register(self.close)

    def _enter(self, thing):
        self._ends.append(thing)
        return thing.__enter__()

    def guest(self):
        if not self._guest:
            try:
                self._guest = self._start()
            except vm.Missing as e:
                tap.missing_thing(str(e))
        return self._guest

    def _start(self):
        web = self._enter(vm.Server('--name', 'web', size='2M', vectors=16))
        db = self._enter(vm.Server('--name', 'db', size='4M', vectors=4))
        memory = self._enter(tempfile.NamedTemporaryFile(dir='/dev/shm'))
        memory.truncate(8 * MIB)
        more = ('-chardev', f'socket,path={db.path},id=db',
                '-device', 'ivshmem-doorbell,chardev=db,vectors=4,addr=4.0',
                '-object', f'memory-backend-file,id=m,mem-path={memory.name},'
                           f'size={8 * MIB},share=on',
                '-device', 'ivshmem-plain,memdev=m,addr=5.0')
        kernel = kernels.find()
        try:
            self.module = kmod.build(kernel)
        except vm.Missing as e:
            self.module, self.no_module = {}, str(e)
        return self._enter(vm.Guest('list', web, vectors=16, programs=PROGRAMS,
                                    kernel=kernel, extra_modules=self.module,
                                    qemu_options=more))

    def close(self):
        for thing in reversed(self._ends):
            thing.__exit__(None, None, None)
        self._ends, self._guest = [], None


world = World()


def listed(machine, how='bellring --json list'):
    """{address: what list tells of that device}"""
    return {o['address']: o for o in objects(machine.check(how)) if o['type'] == 'device'}


def unbound():
    machine = world.guest()
    machine.run('for d in /sys/bus/pci/drivers/vfio-pci /sys/bus/pci/drivers/ivshmem_doorbell; '
                'do cd $d 2>/dev/null && for a in 0000*; do echo $a >unbind; done; done')
    machine.run('for a in 3 4 5; do echo >/sys/bus/pci/devices/0000:00:0$a.0/driver_override;'
                ' done')
    return machine


@tap.case
def devices_that_no_driver_has():
    found = listed(unbound())
    assert list(found) == [WEB, DB, PLAIN], found
    assert [d.get('name') for d in found.values()] == ['web', 'db', ''], found
    assert [d['memory'] // MIB for d in found.values()] == [2, 4, 8], found
    assert [d['doorbell'] for d in found.values()] == [True, True, False], found
    assert [d['vectors'] for d in found.values()] == [16, 4, 0], found
    for device in found.values():
        assert device['driver'] == '' and device['port'] == 'sysfs', device
        assert 'modprobe ivshmem_doorbell' in device['not_module'], device
    assert 'bellring bind' in found[WEB]['not_vfio'], found
    assert 'ivshmem-plain' in found[PLAIN]['not_vfio'], found


@tap.case
def list_as_text():
    text = unbound().check('bellring list')
    for line in ('pci:0000:00:03.0\n  name      web\n  memory    2097152 bytes\n'
                 '  kind      doorbell, 16 vectors\n  driver    none\n',
                 '  port      sysfs\n  not module ', '  not vfio  ',
                 'pci:0000:00:05.0\n  name      none\n  memory    8388608 bytes\n'
                 '  kind      plain: memory without doorbells\n'):
        assert line in text, f'no "{line}" in: {text}'


@tap.cases([('pci:web', 2 * MIB), ('pci:db', 4 * MIB)])
def device_by_its_name(address, size):
    about, = objects(unbound().check(f'bellring -a {address} --json info'))
    assert about['memory'] == size and about['name'] == address[4:], about


@tap.cases([
    ('pci:', 'fits several devices'),
    ('pci:log', '0000:00:03.0 (web), 0000:00:04.0 (db), 0000:00:05.0 (no name)'),
])
def no_device_by(address, text):
    fails(unbound(), f'bellring -a {address} info', text)


@tap.case
def a_bound_device_is_told():
    machine = unbound()
    machine.check('bellring bind -d vfio pci:web')
    found = listed(machine)
    web = found[WEB]
    assert (web['driver'], web['port'], web['mapping'], web['name']) == \
        ('vfio-pci', 'vfio', 'uncached', 'web'), web
    assert web['mapping_from'] == 'asked for by vfio-pci', web
    assert 'would do, after vfio' in web['not_sysfs'], web
    assert found[DB]['port'] == 'sysfs', found
    about, = objects(machine.check('bellring -a pci:web --json info'))
    assert about['port'] == 'vfio', about


@tap.case
def while_somebody_has_a_device():
    """Its memory cannot be looked at meanwhile; how it is mapped, the kernel tells."""
    machine = unbound()
    machine.check('bellring bind -d vfio pci:web')
    machine.run('mount -t debugfs none /sys/kernel/debug')
    job = machine.spawn(f'bellring -a {WEB} watch')
    armed(machine)
    found = listed(machine)
    assert found[WEB]['mapping_from'].startswith('told by the kernel: uncached'), found
    assert found[WEB]['mapping'] == 'uncached', found
    assert 'name' not in found[WEB] and found[DB]['name'] == 'db', found
    fails(machine, 'bellring -a pci:web info', 'in use', '0000:00:03.0 (name unknown: in use)')
    machine.check('bellring -a pci:db info')
    job.kill('TERM')
    job.wait()
    machine.check('bellring -a pci:web info')


@tap.case
def who_is_not_root_sees_less():
    machine = unbound()
    machine.check(f'bellring bind -d vfio {WEB}')
    found = listed(machine, 'start-stop-daemon -S -c 65534:65534 -x /bin/bellring -- '
                            '--json list')
    web = found[WEB]
    assert 'name' not in web and 'doorbell' not in web and 'port' not in web, web
    assert 'permission denied' in web['not_vfio'] and '/dev/vfio/' in web['not_vfio'], web
    assert 'permission denied' in found[DB]['not_sysfs'], found


@tap.case
def a_device_of_our_module():
    machine = unbound()
    if not world.module:
        tap.missing_thing(world.no_module)
    machine.check('modprobe ivshmem_doorbell; for a in 3 4 5; do '
                  'echo 0000:00:0$a.0 >/sys/bus/pci/drivers_probe; done; true')
    found = listed(machine)
    assert [d['driver'] for d in found.values()] == ['ivshmem_doorbell'] * 3, found
    assert [d.get('name') for d in found.values()] == ['web', 'db', ''], found
    assert [d['port'] for d in found.values()] == ['module'] * 3, found
    assert found[WEB]['mapping_from'] == 'told by ivshmem_doorbell', found
    assert 'bellring bind' in found[WEB]['not_vfio'], found
    about, = objects(machine.check('bellring -a pci:db --json info'))
    assert (about['port'], about['name']) == ('module', 'db'), about
    # For whoever may open it, and nobody else.
    as_nobody = 'start-stop-daemon -S -c 65534:65534 -x /bin/bellring -- '
    machine.check('chmod 600 /dev/ivshmem*')
    fails(machine, as_nobody + '-a pci:db info', 'permission denied', 'name unknown')
    machine.check('chmod 666 /dev/ivshmem*')
    machine.check(as_nobody + '-a pci:db info')
    assert listed(machine, as_nobody + '--json list')[WEB]['vectors'] == 16


tap.main()
