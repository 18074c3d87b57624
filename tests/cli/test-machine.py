# SPDX-License-Identifier: BSD-2-Clause
"""What there is, and what a virtual machine is to be given: list, qemu, libvirt.

Real servers; what is printed is taken apart as a shell, QEMU and libvirt would.
tests/device/test-machine.py gives it to a real QEMU.
"""
import json
import os
import resource
import shlex
import shutil
import socket
import subprocess
import sys
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bellring import equal, matches, objects, place, tap, until

SCHEMA = '/usr/share/libvirt/schemas/domain.rng'   # Debian: libvirt0
# What libvirt's schema wants of every domain, beside what is to be merged.
DOMAIN = ('<domain type="kvm"><name>d</name><memory>1048576</memory>'
          '<os><type arch="{arch}" machine="{machine}">hvm</type></os></domain>')


def words(at, *args, **more):
    """The words that a shell passes to QEMU, and what was said beside them."""
    status, out, err = at.run('qemu', *args, **more)
    equal(status, 0, err)
    equal(out.count('\n'), 1, out)
    return shlex.split(out), err


def properties(text):
    """{key: value} of an option of QEMU's: util/keyval.c, a comma twice is one."""
    parts = text.replace(',,', '\0').split(',')
    return {k: v.replace('\0', ',') for k, _, v in (p.partition('=') for p in parts)}


# ---- qemu ------------------------------------------------------------------------

@tap.case
@place('-l', '1M', '-n', '5', '--name', 'web')
def qemu_of_a_server(at):
    argv, _ = words(at)
    equal(argv[::2], ['-chardev', '-device'])
    equal(properties(argv[1]), {'socket': '', 'path': at.socket, 'id': 'web'})
    equal(properties(argv[3]), {'ivshmem-doorbell': '', 'chardev': 'web', 'vectors': '5'})
    equal(json.loads(at.ok('--json', 'qemu')), {'argv': argv})


@tap.case
@place('-l', '1M')
def qemu_with_fewer_vectors_and_another_id(at):
    argv, _ = words(at, '-n', '3', '--id', 'my.device')
    equal(argv[3], 'ivshmem-doorbell,chardev=my.device,vectors=3')


@tap.cases([([], 'q35,kernel-irqchip=split', ['-device', 'intel-iommu,intremap=on'],
             'intel_iommu=on'),
            (['--arch', 'aarch64'], 'virt,iommu=smmuv3,gic-version=3', [], 'bellring bind')],
           key=lambda row: row[1])
@place('-l', '1M')
def qemu_for_vfio(at, options, machine, device, said):
    argv, err = words(at, '--vfio', *options)
    equal(argv[:2], ['-M', machine])
    equal(argv[2:-4], device)    # the IOMMU before what is behind it
    equal(said in err, True, err)


@tap.cases([('comma', 'a,b'), ('blank', 'a b'), ('quote', "it's"), ('dollar', '$HOME;`x`')])
@place(server=False)
def qemu_of_a_path_with_a(at, _what, name):
    at.socket = at.path(name)
    at.address = 'unix:' + at.socket
    at.server('-l', '1M')
    argv, _ = words(at)
    equal(properties(argv[1])['path'], at.socket)
    # As a shell sees it.
    seen = subprocess.run(['sh', '-c', f'printf "%s\\n" {at.ok("qemu")}'], check=True,
                          capture_output=True, text=True).stdout
    equal(seen.splitlines(), argv)


@tap.cases([('web', 'web'), ('2nd', 'bellring0'), ('a@b', 'a-b')])
@place(server=False)
def id_of_a_memory_called(at, name, wanted):
    at.server('-l', '1M', '--name', name)
    equal(properties(words(at)[0][1])['id'], wanted)


@tap.case
@place('-l', '1M', '--raw')
def id_of_a_memory_without_a_name(at):
    equal(properties(words(at)[0][1])['id'], 'bellring0')


@tap.case
@place(server=False)
def path_is_whole_from_everywhere(at):
    at.server('-l', '1M')
    argv, _ = words(at, cwd=at.dir, env={'BELLRING_ADDRESS': 'unix:socket'})
    equal(properties(argv[1])['path'], os.path.realpath(at.socket))


@tap.case
@place('-l', '1M')
def more_vectors_than_the_server_has(at):
    status, out, err = at.run('qemu', '-n', '17')
    equal((status, out), (1, ''))
    matches(err, r'17 vectors, and the server gives 16: .*--vectors 17')


@tap.case
@place(server=False)
def limit_of_open_files(at):
    """64 vectors of each of 20 peers: more than the 1,024 that QEMU has as a rule."""
    at.server('-l', '1M', '-n', '64', '--max-peers', '40')

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))
    _, err = words(at, preexec_fn=limit)
    equal('ulimit' in err, False, err)
    for _ in range(20):
        at.start('watch')
    until(lambda: len(at.peers()) > 20, 'all are there')
    _, err = words(at, preexec_fn=limit)
    matches(err, r'warning: .* 1408 open files and may have 1024 here: ulimit -n 2816')


@tap.case
@place('-l', '1M')
def machine_without_kvm(at):
    _, err = words(at)
    here = os.access('/dev/kvm', os.R_OK | os.W_OK)
    equal('-smp 1,maxcpus=2' in err, not here, err)


# ---- which server -----------------------------------------------------------------

def at_home(at, *names):
    """Servers where list finds them; the environment for that."""
    os.mkdir(at.path('bellring'))
    for name in names:
        at.socket = at.path(name)
        at.server('-l', '1M')
    return {'XDG_RUNTIME_DIR': at.dir, 'BELLRING_ADDRESS': ''}


def found_elsewhere():
    return any(os.path.exists(p) for p in
               ('/run/bellring.sock', '/run/bellring', '/tmp/ivshmem_socket'))


@tap.case
@place(server=False)
def the_only_server_is_taken(at):
    if found_elsewhere():
        raise tap.Skip('this machine has servers of its own')
    env = at_home(at, 'bellring/web.sock')
    argv, _ = words(at, env=env)
    equal(properties(argv[1])['path'], at.socket)


@tap.case
@place(server=False)
def several_servers_are_listed(at):
    env = at_home(at, 'bellring/web.sock', 'bellring/db.sock')
    status, out, err = at.run('qemu', env=env)
    equal((status, out), (1, ''))
    matches(err, r'several servers')
    for name in ('web', 'db'):
        equal(f'-a unix:{at.path("bellring")}/{name}.sock\n' in err, True, err)


@tap.case
@place(server=False)
def no_server(at):
    if found_elsewhere():
        raise tap.Skip('this machine has servers of its own')
    status, _, err = at.run('qemu', env=at_home(at))
    equal(status, 1)
    matches(err, r'no server.s socket in .*; start bellring-server')


@tap.cases([('qemu',), ('libvirt',)])
@place(server=False)
def an_address_of_a_guest(at, command):
    status, _, err = at.run('-a', 'pci:', command)
    equal(status, 1)
    matches(err, r'pci:: not a server.s socket')


# ---- plain ------------------------------------------------------------------------

def memory_file(at, size):
    with open(at.path('memory'), 'wb') as f:
        f.truncate(size)
    return at.path('memory')


@tap.case
@place(server=False)
def qemu_of_a_plain_file(at):
    path = memory_file(at, 4 << 20)
    argv, _ = words(at, '--plain', path)
    equal(argv[::2], ['-object', '-device'])
    equal(properties(argv[1]), {'memory-backend-file': '', 'id': 'bellring0',
                                'mem-path': path, 'size': str(4 << 20), 'share': 'on'})
    equal(argv[3], 'ivshmem-plain,memdev=bellring0')


PLAIN_FAILS = [
    (3 << 20, ['--plain', 'FILE'], 'no power of two'),
    (0, ['--plain', 'FILE'], 'no power of two'),
    (None, ['--plain', 'FILE'], 'No such file or directory; make it by: truncate -s 64M'),
    (4096, ['--plain', 'FILE', '--vfio'], 'no interrupts'),
    (4096, ['--plain', 'FILE', '-n', '2'], 'no interrupts'),
    (4096, ['--plain', '/dev/null'], 'not a regular file'),
    (4096, ['--plain', 'FILE', '--id', '9'], '--id 9'),
    (4096, ['--plain', 'FILE', '--id', 'a,b'], '--id a,b'),
]


@tap.cases(PLAIN_FAILS, key=lambda row: f'{row[0]} {" ".join(row[1])}')
@place(server=False)
def plain_that_cannot_be(at, size, args, text):
    path = at.path('memory') if size is None else memory_file(at, size)
    status, out, err = at.run('qemu', *[path if a == 'FILE' else a for a in args])
    equal((status, out), (1, ''))
    equal(text in err, True, err)


# ---- libvirt ------------------------------------------------------------------------

def xml(at, *args, **more):
    status, out, err = at.run('libvirt', *args, **more)
    equal(status, 0, err)
    return ET.fromstring(out), err


def merged(element, arch, machine):
    """A domain with that in it, as a person would write it."""
    domain = ET.fromstring(DOMAIN.format(arch=arch, machine=machine))
    if element.tag == 'domain':
        domain.extend(element)
    else:
        ET.SubElement(domain, 'devices').append(element)
    return ET.tostring(domain)


@tap.case
@place('-l', '1M', '-n', '5', '--name', 'web')
def libvirt_of_a_server(at):
    shmem, _ = xml(at)
    equal((shmem.tag, shmem.get('name')), ('shmem', 'web'))
    equal([(e.tag, e.attrib) for e in shmem],
          [('model', {'type': 'ivshmem-doorbell'}), ('server', {'path': at.socket}),
           ('msi', {'vectors': '5', 'ioeventfd': 'on'})])
    equal(json.loads(at.ok('--json', 'libvirt'))['xml'], at.ok('libvirt'))


@tap.case
@place('-l', '1M')
def libvirt_for_vfio(at):
    domain, err = xml(at, '--vfio')
    equal(domain.find('features/ioapic').get('driver'), 'qemu')
    equal(domain.find('devices/iommu').get('model'), 'intel')
    equal(domain.find('devices/iommu/driver').get('intremap'), 'on')
    equal(domain.find('devices/shmem/server').get('path'), at.socket)
    equal('intel_iommu=on' in err and 'q35' in err, True, err)
    domain, err = xml(at, '--vfio', '--arch', 'aarch64')
    equal(domain.find('features'), None)
    equal(domain.find('devices/iommu').get('model'), 'smmuv3')


@tap.case
@place(server=False)
def libvirt_of_a_path_with_marks(at):
    at.socket = at.path('<a>&\'"')
    at.address = 'unix:' + at.socket
    at.server('-l', '1M')
    shmem, _ = xml(at)
    equal(shmem.find('server').get('path'), at.socket)


@tap.case
@place(server=False)
def libvirt_of_a_plain_file(at):
    path = f'/dev/shm/{os.path.basename(at.dir)}'
    with open(path, 'wb') as f:
        f.truncate(4 << 20)
    try:
        shmem, _ = xml(at, '--plain', path)
        equal(shmem.get('name'), os.path.basename(path))
        equal(shmem.find('size').attrib | {'': shmem.find('size').text},
              {'unit': 'M', '': '4'})
        os.truncate(path, 4096)
        status, out, err = at.run('libvirt', '--plain', path)
        equal((status, out), (1, ''))
        matches(err, r'takes 1 MiB or more')
    finally:
        os.unlink(path)


@tap.case
@place(server=False)
def libvirt_knows_files_of_one_folder(at):
    status, out, err = at.run('libvirt', '--plain', memory_file(at, 1 << 20))
    equal((status, out), (1, ''))
    matches(err, r'files of /dev/shm/ only')


@tap.cases([('0600', r'warning: .*mode 0600.*--mode 0660'), ('0660', r'usermod -aG'),
            ('0666', r'^$')])
@place(server=False)
def rights_that_libvirt_needs(at, mode, said):
    at.server('-l', '1M', '--mode', mode)
    _, err = xml(at)
    matches('\n'.join(l for l in err.splitlines() if 'kvm' not in l), said)


@tap.cases([([], 'x86_64', 'q35'), (['--vfio'], 'x86_64', 'q35'),
            (['--vfio', '--arch', 'aarch64'], 'aarch64', 'virt'),
            (['--plain'], 'x86_64', 'q35')], key=lambda row: ' '.join(row[0]) or 'doorbell')
@place('-l', '1M')
def libvirt_schema_takes_it(at, args, arch, machine):
    if not os.path.exists(SCHEMA) or not shutil.which('xmllint'):
        raise tap.Skip(f'no {SCHEMA} or no xmllint (Debian: libvirt0, libxml2-utils)')
    path = f'/dev/shm/{os.path.basename(at.dir)}'
    try:
        if args == ['--plain']:
            with open(path, 'wb') as f:
                f.truncate(1 << 20)
            args = ['--plain', path]
        element, _ = xml(at, *args)
    finally:
        if os.path.exists(path):
            os.unlink(path)
    done = subprocess.run(['xmllint', '--noout', '--relaxng', SCHEMA, '-'],
                          input=merged(element, arch, machine), capture_output=True)
    equal(done.returncode, 0, done.stderr.decode())


# ---- list -----------------------------------------------------------------------------

def servers(at, env):
    """{path: object} of what list tells, without devices."""
    status, out, err = at.run('--json', 'list', env=env)
    equal(status, 0, err)
    found = {o['address'].removeprefix('unix:'): o for o in objects(out)
             if o['type'] == 'server'}
    return {p: o for p, o in found.items() if p.startswith(at.dir)}, err


@tap.case
@place(server=False)
def servers_are_listed(at):
    env = at_home(at, 'bellring.sock', 'bellring/web.sock')
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(at.path('bellring/stale.sock'))
    with open(at.path('bellring/file.sock'), 'w', encoding='utf-8'):
        pass
    os.symlink(at.path('bellring.sock'), at.path('bellring/again.sock'))
    found, _ = servers(at, env)
    equal(sorted(os.path.basename(p) for p in found),
          ['bellring.sock', 'stale.sock', 'web.sock'])
    web = found[at.path('bellring/web.sock')]
    equal(web, {'type': 'server', 'address': f'unix:{at.path("bellring/web.sock")}',
                'name': 'web', 'memory': 1 << 20, 'vectors': 16, 'port': 'unix'})
    stale = found[at.path('bellring/stale.sock')]
    equal('port' in stale, False)
    matches(stale['not_unix'], r'no such device or server')
    out = at.ok('list', env=env)
    matches(out, r'(?m)^unix:\S*web\.sock\n  name      web\n  memory    1048576 bytes\n'
                 r'  kind      server, 16 vectors\n  port      unix$')
    matches(out, r'(?m)^unix:\S*stale\.sock\n  kind      a socket, but no such device')


@tap.case
@place('-l', '1M')
def server_of_the_address_is_listed(at):
    found, _ = servers(at, {})
    equal(list(found), [at.socket])


@tap.case
@place(server=False)
def nothing_to_list(at):
    if found_elsewhere() or b'1af4:1110' in subprocess.run(
            ['sh', '-c', 'cat /sys/bus/pci/devices/*/uevent 2>/dev/null'],
            capture_output=True).stdout.lower():
        raise tap.Skip('this machine has devices or servers of its own')
    status, out, err = at.run('list', env=at_home(at))
    equal((status, out), (3, ''))
    matches(err, r'no ivshmem device in this machine, and no server.s socket')


@tap.case
@place(server=False)
def a_server_that_does_not_answer(at):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(at.socket)
        silent.listen()
        found, _ = servers(at, {})
    matches(found[at.socket]['not_unix'], r'nothing came in time')


# ---- the name of the memory -----------------------------------------------------------

@tap.cases([('web.sock', [], 'web'), ('socket', [], 'socket'), ('.sock', [], '.sock'),
            ('a b', [], ''), (32 * 'x', [], ''), ('web.sock', ['--name', 'db'], 'db'),
            ('web.sock', ['--raw'], '')], key=lambda row: f'{row[0]} {" ".join(row[1])}')
@place(server=False)
def name_by_the_socket(at, file, options, name):
    at.socket = at.path(file)
    at.address = 'unix:' + at.socket
    at.server('-l', '1M', *options)
    equal(json.loads(at.ok('--json', 'info'))['name'], name)
    matches(at.ok('info'), rf'(?m)^name      {name or "none"}$')


tap.main()
