# SPDX-License-Identifier: BSD-2-Clause
"""The doctor in real guests: what is well, and what is missing.

Most cases share one guest (rig.py); machines that lack something are their own.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rig import VECTORS, guest, objects, rig       # noqa: E402
import kernel as kernels                           # noqa: E402
import kmod                                        # noqa: E402
import tap                                         # noqa: E402 (rig.py knows where)

DEVICE = '0000:00:03.0'


def doctor(machine, address='pci:'):
    """{check: [line, ...]} of the doctor in the guest."""
    status, text = machine.run(f'bellring --json doctor {address}', 60)
    lines = {}
    for line in objects(text):
        lines.setdefault(line['check'], []).append(line)
    failed = any(o['result'] == 'failure' for rows in lines.values() for o in rows)
    assert status == (1 if failed else 0), f'status {status}:\n{text}'
    return lines


def doctor_of_nobody(machine):
    """The same without root's rights; only the last line of each check."""
    _, text = machine.run('start-stop-daemon -S -c 65534:65534 -x /bin/bellring -- '
                          '--json doctor pci:', 60)
    return {o['check']: [o] for o in objects(text)}


def told(lines, check, result, what, remedy=''):
    """A line of that check with that result has to have these texts."""
    for o in lines.get(check, []):
        if o['result'] == result and what in o['what'] and remedy in o['remedy']:
            return o
    raise AssertionError(f'{check}: no {result} with {what!r} and {remedy!r}: '
                         f'{lines.get(check)}')


def failures(lines):
    return {c for c, rows in lines.items() for o in rows if o['result'] == 'failure'}


@tap.case
def an_unbound_device_is_bound_by_the_remedy():
    machine = rig.unbound()
    lines = doctor(machine)
    told(lines, 'device', 'ok', DEVICE)
    told(lines, 'msi-x', 'ok', f'{VECTORS} vectors')
    remedy = told(lines, 'driver', 'warning', 'no driver', f'bellring bind pci:{DEVICE}')
    machine.check(remedy['remedy'].replace('sudo ', ''))
    told(doctor(machine), 'driver', 'ok', 'vfio-pci')


@tap.case
def a_bound_device_is_well():
    lines = doctor(rig.bound())
    assert not failures(lines), lines
    for check in ('iommu', 'remapping', 'group', 'rights', 'busmaster', 'memory', 'speed',
                  'bus', 'lockdown', 'cpus'):
        told(lines, check, 'ok', '')
    told(lines, 'ports', 'ok', 'vfio is the one to use')
    told(lines, 'open', 'ok', 'port vfio')
    told(lines, 'doorbell', 'ok', f'all {VECTORS} vectors')


@tap.case
def a_device_in_use():
    machine = rig.bound()
    job = machine.spawn('bellring -a pci: watch')
    machine.check('until grep -q vectors /tmp/job-*; do usleep 10000; done')
    lines = doctor(machine)
    assert not failures(lines), lines
    told(lines, 'open', 'skipped', 'another process uses the device', 'fuser -v /dev/vfio')
    job.kill('TERM')
    job.wait()


@tap.case
def who_is_not_root_is_told_what_to_open():
    machine = rig.bound()
    lines = doctor_of_nobody(machine)
    remedy = told(lines, 'rights', 'failure', '/dev/vfio/', 'chown 65534 /dev/vfio/')
    machine.check(remedy['remedy'].replace('sudo ', ''))
    lines = doctor_of_nobody(machine)
    told(lines, 'rights', 'ok', '/dev/vfio/')
    told(lines, 'open', 'ok', 'port vfio')
    machine.check(remedy['remedy'].replace('sudo ', '').replace('65534', '0'))


@tap.case
def the_module_that_is_not_loaded():
    """And all that it makes needless."""
    try:
        modules = kmod.build(kernels.find())
    except kernels.Missing as e:
        tap.missing_thing(str(e))
    with guest('module', rig.server, iommu=False, vectors=VECTORS,
               extra_modules=modules) as machine:
        lines = doctor(machine)
        told(lines, 'driver', 'warning', 'no driver', 'modprobe ivshmem_doorbell')
        remedy = told(lines, 'module', 'warning', 'not loaded', 'modprobe ivshmem_doorbell')
        machine.check(remedy['remedy'].replace('sudo ', ''))
        lines = doctor(machine)
        assert not failures(lines), lines
        told(lines, 'driver', 'ok', 'ivshmem_doorbell')
        told(lines, 'iommu', 'ok', 'not needed')
        told(lines, 'rights', 'ok', '/dev/ivshmem0')
        told(lines, 'open', 'ok', 'port module')
        told(lines, 'busmaster', 'ok', '')
        told(lines, 'speed', 'ok', '')
        told(lines, 'doorbell', 'ok', f'all {VECTORS} vectors')
        remedy = told(doctor_of_nobody(machine), 'rights', 'failure', '/dev/ivshmem0',
                      'chown 65534 /dev/ivshmem0')
        machine.check('chgrp 65534 /dev/ivshmem0 && chmod 0660 /dev/ivshmem0')
        told(doctor_of_nobody(machine), 'rights', 'ok', '/dev/ivshmem0')
        machine.check('chgrp 7 /dev/ivshmem0')
        told(doctor_of_nobody(machine), 'rights', 'failure', '/dev/ivshmem0',
             'usermod -aG 7 65534')
        machine.check(remedy['remedy'].replace('sudo ', ''))
        told(doctor_of_nobody(machine), 'open', 'ok', 'port module')


@tap.case
def a_machine_without_an_iommu():
    with guest('no-iommu', rig.server, iommu=False, vectors=VECTORS) as machine:
        lines = doctor(machine)
        told(lines, 'iommu', 'warning', 'no IOMMU', '-device intel-iommu,intremap=on')
        told(lines, 'ports', 'ok', 'not by vfio: ')
        told(lines, 'driver', 'warning', 'no driver')
        machine.check(f'echo 1 >/sys/bus/pci/devices/{DEVICE}/remove')
        lines = doctor(machine)
        told(lines, 'device', 'failure', 'no ivshmem device', '-device ivshmem-doorbell')
        told(lines, 'open', 'skipped', 'the failure above')


@tap.case
def a_device_with_one_vector_on_one_emulated_cpu():
    with guest('small', rig.server, vectors=1,
               qemu_options=('-smp', '1,maxcpus=1')) as machine:
        machine.check('bellring bind')
        lines = doctor(machine)
        told(lines, 'msi-x', 'warning', '1 vector', 'vectors=16')
        told(lines, 'vectors', 'warning', 'only 1', 'vectors=16')
        told(lines, 'doorbell', 'ok', 'all 1 vectors')
        if machine.run('grep -q kvm-clock /sys/devices/system/clocksource/'
                       'clocksource0/available_clocksource')[0]:
            told(lines, 'cpus', 'failure', 'lose wake-ups', '-smp 1,maxcpus=2')


@tap.case
def a_device_with_more_vectors_than_the_server():
    with guest('greedy', rig.server, vectors=2 * VECTORS) as machine:
        machine.check('bellring bind')
        lines = doctor(machine)
        told(lines, 'doorbell', 'failure', f'{VECTORS} of {2 * VECTORS} vectors stay silent, '
             f'vector {VECTORS} first', f'vectors={VECTORS}')


tap.main()
