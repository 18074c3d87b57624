# SPDX-License-Identifier: BSD-2-Clause
"""The doctor and the QEMUs of a host: real ones, that stand still, each with a fault."""
import contextlib
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'cli'))
# pylint: disable=wrong-import-position
from bellring import equal, objects, place, until
from doctoring import content, crowd, doctor, kill_server, limited, only_failure, told
import tap
from qtest import QEMU
from rig import need_qemu


@contextlib.contextmanager
def qemu(*options, **more):
    """A real one, that stands still."""
    need_qemu()
    p = subprocess.Popen([QEMU, '-machine', 'q35', '-S', '-m', '64', '-nodefaults',
                          '-display', 'none', '-no-user-config', *options],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, **more)
    try:
        yield p
    finally:
        p.kill()
        p.wait()
        p.stderr.close()


def doorbell(at, vectors=16, chardev=''):
    return ('-chardev', f'socket,id=iv,path={at.socket}{chardev}',
            '-device', f'ivshmem-doorbell,chardev=iv,vectors={vectors}')


def attached(at, p):
    until(lambda: p.poll() is not None or
          any(o['pid'] == p.pid for o in objects(at.ok('--json', 'server', 'peers'))
              if o['type'] == 'peer'), 'QEMU is a peer')
    equal(p.poll(), None)


SOUND = ('-accel', 'tcg', '-smp', '1,maxcpus=2')


@tap.case
@place('-l', '1M')
def a_qemu_without_faults(at):
    with qemu(*SOUND, *doorbell(at)) as p:
        attached(at, p)
        told(content(at), 'qemu', 'ok', f'^{p.pid}: vectors=16, may open')


@tap.case
@place('-l', '1M')
def a_qemu_with_one_emulated_cpu(at):
    with qemu('-accel', 'tcg', *doorbell(at)) as p:
        attached(at, p)
        _, lines = doctor(at)
        told(lines, 'qemu', 'failure', 'one CPU', '-smp 1,maxcpus=2')


@tap.case
@place('-l', '1M', '-n', '4')
def a_qemu_with_more_vectors_than_the_server(at):
    with qemu(*SOUND, *doorbell(at, vectors=8)) as p:
        attached(at, p)
        _, lines = doctor(at)
        told(lines, 'qemu', 'failure', 'vectors=8, the server 4', 'vectors=4')


@tap.case
@place('-l', '1M')
def a_qemu_with_few_descriptors(at):
    with qemu(*SOUND, *doorbell(at), preexec_fn=limited(150, hard=600)) as p:
        attached(at, p)
        crowd(at, 2)
        lines = content(at)
        remedy = told(lines, 'qemu', 'warning', f'QEMU {p.pid} may open 150 files, and 4 peers '
                      'take 64:', 'prlimit --pid')
        tap.need('prlimit')
        # QEMU is ours, and its hard limit is enough.
        subprocess.run(remedy['remedy'].replace('sudo ', ''), shell=True, check=True)
        told(content(at), 'qemu', 'ok', 'may open 600 files')
        crowd(at, 32)
        _, lines = doctor(at)
        told(lines, 'qemu', 'failure', 'may open 600 files, and 36 peers', '--nofile=65536 #')


@tap.case
@place('-l', '1M')
def a_qemu_whose_server_is_gone(at):
    with qemu(*SOUND, *doorbell(at)) as p:
        attached(at, p)
        kill_server(at)
        _, lines = doctor(at)
        told(lines, 'qemu', 'failure', f'QEMU {p.pid} .* not connected to any server',
             f'kill {p.pid}')
        at.server('-l', '1M')
        _, lines = doctor(at)
        only_failure(lines, 'qemu')
        told(lines, 'qemu', 'failure', 'not connected to this server', f'kill {p.pid} ')


@tap.case
@place('-l', '1M')
def a_qemu_that_reconnects(at):
    """QEMU hangs at start with this, and says nothing: so only its words are there."""
    with qemu(*SOUND, *doorbell(at, chardev=',reconnect=1')) as p:
        until(lambda: b'reconnect' in open(f'/proc/{p.pid}/cmdline', 'rb').read(),
              'QEMU has its arguments')
        _, lines = doctor(at)
        assert any('reconnect=' in o['what'] and o['result'] == 'failure'
                   for o in lines['qemu']), lines['qemu']


# ---- memory of ivshmem-plain ------------------------------------------------------------------

def plain(path, share):
    return ('-object', f'memory-backend-file,id=m,mem-path={path},size=1M,share={share}',
            '-device', 'ivshmem-plain,memdev=m')


@tap.cases([('on',), ('off',)])
@place(server=False)
def a_qemu_with_the_file(at, share):
    path = at.path('memory')
    with open(path, 'wb') as f:
        f.truncate(1 << 20)
    with qemu(*SOUND, *plain(path, share)) as p:
        until(lambda: path.encode() in open(f'/proc/{p.pid}/cmdline', 'rb').read(),
              'QEMU has its arguments')
        _, lines = doctor(at, address='file:' + path)
        if share == 'on':
            told(lines, 'qemu', 'ok', f'{p.pid} shares it')
        else:
            told(lines, 'qemu', 'failure', 'share=on', 'share=on')


tap.main()
