# SPDX-License-Identifier: BSD-2-Clause
"""bellring-server's units under Debian's systemd: `make check-guest`.

All cases share one guest (managed.py), whose own processes are the peers; each
case starts with no server, no settings and no drop-ins.
"""
import atexit
import contextlib
import json
import os
import re
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [_HERE, os.path.join(_HERE, '..')]

import managed                                # noqa: E402 (after the path)
import tap                                    # noqa: E402
import vm                                     # noqa: E402
from children import until                    # noqa: E402

UNIT = 'bellring-server@test'
SOCKET = '/run/bellring/test.sock'
TOOL = f'bellring -a unix:{SOCKET}'
EACH = 17       # descriptors of a peer in the store
OWN = 3         # state, memory, control
PATIENCE = 120  # seconds; an emulated CPU may have to share a core
DROP_IN = '/run/systemd/system/bellring-server@.service.d'

_machine = None
_missing = None


def boot():
    global _machine, _missing                  # pylint: disable=global-statement
    try:
        _machine = managed.Managed('managed').__enter__()
    except vm.Missing as e:
        _missing = str(e)
        return
    atexit.register(_machine.close)
    _machine.check(f'mkdir -p {os.path.dirname(_settings_file())}')


def machine():
    """The guest, with nothing of ours running in it."""
    if not _machine and not _missing:
        boot()
    if _missing:
        tap.missing_thing(_missing)
    _machine.check(f'systemctl stop "bellring-server*"; rm -rf {DROP_IN} '
                   f'{_settings_file()} /run/bellring/*; systemctl daemon-reload; '
                   'systemctl reset-failed')
    return _machine


def _settings_file():
    text = _machine.check('cat /lib/systemd/system/bellring-server@.service')
    return re.search(r'--config -(\S+)', text).group(1).replace('%i', 'test')


def settings(guest, lines):
    guest.check(f"printf '{lines}' >{_settings_file()}")


def drop_in(guest, lines):
    guest.check(f"mkdir -p {DROP_IN}; printf '[Service]\\n{lines}' >{DROP_IN}/x.conf; "
                'systemctl daemon-reload')


def shown(guest, what, unit=UNIT):
    return guest.check(f'systemctl show --value -p {what} {unit}').strip()


def said(guest, text):
    """How often the unit's journal has that."""
    return guest.check(f'journalctl -q -o cat -u {UNIT}').count(text)


def objects(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith('{')]


# ---- peers ---------------------------------------------------------------------------

class Peers:
    """b answers a, again and again, while w watches who comes and goes."""

    def __init__(self, guest):
        self.guest = guest
        self.a = self.b = self.w = self.ids = None

    def start(self):
        guest = self.guest
        self.b = guest.spawn(f'{TOOL} --name b serve any cat')
        until(lambda: '"b"' in self.listed(), 'b is live', PATIENCE, 0.1)
        self.w = guest.spawn(f'{TOOL} --json watch')
        self.a = guest.spawn(f'{TOOL} --name a --json -t 20 ping -i 0.05 b')
        self.talk()
        self.ids = self.by_name()

    def listed(self):
        return self.guest.run(f'{TOOL} --json peers')[1]

    def by_name(self):
        return {p['name']: p['id'] for p in objects(self.listed()) if p['name']}

    def trips(self):
        """How many there were; each one has to have worked."""
        done = objects(self.a.output())
        assert all('time_us' in trip for trip in done), done
        assert [t['seq'] for t in done] == list(range(done[0]['seq'],
                                                      done[0]['seq'] + len(done)))
        return len(done)

    def talk(self, count=5):
        """They go on."""
        until(lambda: self.a.output(), 'the first answer', PATIENCE, 0.1)
        before = self.trips()
        until(lambda: self.trips() >= before + count, 'they go on', PATIENCE, 0.1)

    def events(self, kind, peer):
        return [e for e in objects(self.w.output())
                if e.get('event') == kind and e['id'] == peer]

    def newcomer(self):
        """A third one joins, is seen, is served and is seen to leave."""
        out = self.guest.check(f'{TOOL} --name c call b 1 hello')
        assert out.strip() == 'hello', out
        about = objects(self.w.output())
        fresh = max(e['id'] for e in about if e.get('event') == 'joined')
        until(lambda: self.events('left', fresh), 'the leave is seen', PATIENCE, 0.1)
        assert len(self.events('joined', fresh)) == 1
        return fresh

    def unharmed(self):
        """The same as ever, and a third one can join."""
        self.talk()
        self.newcomer()
        ids = self.by_name()
        assert {n: ids.get(n) for n in self.ids} == self.ids, (ids, self.ids)

    def close(self):
        for job in self.jobs():
            job.kill()

    def jobs(self):
        return [job for job in (self.a, self.b, self.w) if job]


def tell(guest, peers):
    """Why a case failed, perhaps."""
    text = guest.run(f'systemctl status -n 0 {UNIT}; journalctl -q -b -n 60; '
                     f'{TOOL} peers; ls -la /run/bellring')[1]
    for job in peers.jobs():
        text += f'--- {job.command}\n{job.output()[-2000:]}\n'
    print('\n'.join('# ' + line for line in text.splitlines()))


@contextlib.contextmanager
def scene(drop=None, conf=None, start='socket'):
    guest = machine()
    if drop:
        drop_in(guest, drop)
    if conf:
        settings(guest, conf)
    guest.check(f'systemctl start {UNIT}.{start}')
    peers = Peers(guest)
    try:
        peers.start()
        yield guest, peers
    except AssertionError:
        tell(guest, peers)
        raise
    finally:
        peers.close()


def main_pid(guest):
    return int(shown(guest, 'MainPID'))


def comes_again(guest, before):
    """Waits for another main process to be ready."""
    until(lambda: main_pid(guest) not in (0, before) and
          shown(guest, 'ActiveState') == 'active', 'it comes again', PATIENCE, 0.2)


# ---- the units -------------------------------------------------------------------------

@tap.case
def units_are_sound():
    guest = machine()
    out = guest.check('systemd-analyze verify --man=no bellring-server.service '
                      f'bellring-server.socket {UNIT}.service {UNIT}.socket', 60)
    assert 'bellring' not in out, out
    guest.check(f'systemctl enable {UNIT}.socket bellring-server.service', 60)
    for unit in (f'{UNIT}.socket', 'bellring-server.service', 'bellring-server.socket'):
        assert guest.check(f'systemctl is-enabled {unit}').strip() == 'enabled', unit
    guest.check(f'systemctl disable {UNIT}.socket bellring-server.service', 60)


@tap.case
def the_first_peer_starts_the_server():
    guest = machine()
    guest.check(f'systemctl start {UNIT}.socket')
    assert shown(guest, 'ActiveState') == 'inactive'
    out = guest.check(f'{TOOL} --json info')
    assert json.loads(out)['vectors'] == 16, out
    assert shown(guest, 'ActiveState') == 'active'
    assert shown(guest, 'Restart') == 'on-failure'
    assert shown(guest, 'WatchdogUSec') == '30s'


@tap.case
def it_has_no_rights():
    with scene() as (guest, _):
        status = guest.check(f'cat /proc/{main_pid(guest)}/status')
        for line in ('NoNewPrivs:\t1', 'Seccomp:\t2', 'CapEff:\t' + 16 * '0',
                     'CapBnd:\t' + 16 * '0'):
            assert line in status, status
        uid = guest.check('id -u bellring').strip()
        assert f'Uid:\t{uid}\t{uid}\t{uid}\t{uid}' in status, status
        out = guest.check(f'systemd-analyze security --no-pager {UNIT}', 60)
        level = float(re.search(r'exposure level for \S+: ([\d.]+)', out).group(1))
        assert level < 1.5, out


@tap.case
def who_may_be_a_peer():
    guest = machine()
    guest.check(f'systemctl start {UNIT}.socket')
    become = 'start-stop-daemon -S -c 65534:{} -x /bin/bellring -- ' + TOOL[9:] + ' peers'
    status, text = guest.run(become.format(65534))
    assert status == 1 and 'ermission denied' in text, text
    guest.check(become.format(guest.check('id -g bellring').strip()))


@tap.case
def without_a_network_of_its_own_name():
    guest = machine()
    guest.check('systemctl start bellring-server.socket')
    out = guest.check('bellring -a unix:/run/bellring.sock --json info')
    assert json.loads(out)['vectors'] == 16, out
    assert shown(guest, 'ActiveState', 'bellring-server') == 'active'


# ---- restarts --------------------------------------------------------------------------

@tap.cases([('the socket is systemd\'s', 'socket'), ('its own', 'service')])
def killed(_, start):
    with scene(start=start) as (guest, peers):
        own = OWN + (start == 'service')
        for n in range(2):
            before = main_pid(guest)
            guest.check(f'systemctl kill -s KILL {UNIT}')
            comes_again(guest, before)
            assert int(shown(guest, 'NRestarts')) == n + 1
            peers.unharmed()
            until(lambda: int(shown(guest, 'NFileDescriptorStore')) == own + 3 * EACH,
                  'only those who are there are kept', PATIENCE, 0.2)
        assert said(guest, '3 peers go on') >= 2


@tap.cases([('the socket is systemd\'s', 'socket'), ('its own', 'service')])
def restarted(_, start):
    with scene(start=start) as (guest, peers):
        before = main_pid(guest)
        guest.check(f'systemctl restart {UNIT}')
        assert main_pid(guest) != before
        peers.unharmed()


@tap.case
def reloaded():
    with scene(conf='max-peers = 20\\n') as (guest, peers):
        before, went = main_pid(guest), said(guest, '3 peers go on')
        for n in range(2):
            settings(guest, f'max-peers = {21 + n}\\n')
            guest.check(f'systemctl reload {UNIT}')
            until(lambda: said(guest, '3 peers go on') == went + n + 1, 'the new program',
                  PATIENCE, 0.2)
            peers.unharmed()
            assert main_pid(guest) == before
            out = guest.check(f'bellring --json server --control {SOCKET}.control status')
            assert json.loads(out)['peers_max'] == 21 + n, out
        guest.check(f'systemctl kill -s KILL {UNIT}')
        comes_again(guest, before)
        peers.unharmed()


@tap.case
def reloaded_with_wrong_settings():
    with scene() as (guest, peers):
        before = main_pid(guest)
        settings(guest, 'max-peers = many\\n')
        guest.run(f'systemctl reload {UNIT}')
        until(lambda: said(guest, 'going on as before'), 'the refusal', PATIENCE, 0.2)
        assert shown(guest, 'ActiveState') == 'active' and main_pid(guest) == before
        peers.unharmed()


@tap.case
def hung():
    """The watchdog ends a server that does nothing any more."""
    with scene(drop='WatchdogSec=3\\n') as (guest, peers):
        before = main_pid(guest)
        guest.check(f'kill -STOP {before}')
        comes_again(guest, before)
        assert said(guest, 'Watchdog timeout')
        peers.unharmed()


@tap.case
def a_peer_leaves_while_no_server_runs():
    with scene(drop='RestartSec=4\\n') as (guest, peers):
        c = guest.spawn(f'{TOOL} --name c serve any cat')
        until(lambda: 'c' in peers.by_name(), 'c is live', PATIENCE, 0.1)
        gone, before = peers.by_name()['c'], main_pid(guest)
        guest.check(f'systemctl kill -s KILL {UNIT}; kill -KILL {c.pid}')
        assert not peers.events('left', gone)
        comes_again(guest, before)
        until(lambda: peers.events('left', gone), 'the leave', PATIENCE, 0.1)
        peers.unharmed()
        assert len(peers.events('left', gone)) == 1
        assert int(shown(guest, 'NFileDescriptorStore')) == OWN + 3 * EACH


@tap.case
def nothing_stays_in_the_store():
    with scene() as (guest, peers):
        guest.check(f'for i in $(seq 30); do {TOOL} peers || exit 1; done', 120)
        until(lambda: int(shown(guest, 'NFileDescriptorStore')) == OWN + 3 * EACH,
              'the store is as before', PATIENCE, 0.2)
        peers.unharmed()


@tap.case
def stopped():
    with scene() as (guest, peers):
        guest.check(f'systemctl stop {UNIT}.socket {UNIT}.service')
        assert shown(guest, 'Result') == 'success'
        assert shown(guest, 'NFileDescriptorStore') == '0'
        until(lambda: 'server is gone' in peers.b.output(), 'b is told', PATIENCE, 0.1)
        peers.talk()    # known peers still reach each other
        assert guest.check('ls /run/bellring') == ''


# ---- settings that the sandbox must not break ----------------------------------------

@tap.case
def memory_of_a_name():
    with scene(conf='memory-name = test\\nsize = 4M\\n') as (guest, peers):
        assert guest.check('stat -c %s /dev/shm/test').strip() == str(4 << 20)
        before = main_pid(guest)
        guest.check(f'systemctl kill -s KILL {UNIT}')
        comes_again(guest, before)
        peers.unharmed()


@tap.case
def huge_pages():
    machine().check('echo 8 >/proc/sys/vm/nr_hugepages')
    try:
        with scene(conf='hugepages = 2M\\nsize = 8M\\n') as (guest, peers):
            before = main_pid(guest)
            guest.check(f'systemctl kill -s KILL {UNIT}')
            comes_again(guest, before)
            peers.unharmed()
    finally:
        _machine.check('echo 0 >/proc/sys/vm/nr_hugepages')


@tap.case
def metrics_on_a_port():
    """By the drop-in that the unit tells of."""
    with scene(conf='metrics = 127.0.0.1:9100\\n',
               drop='PrivateNetwork=no\\nIPAddressAllow=localhost\\n') as (guest, peers):
        ask = 'wget -q -O - http://127.0.0.1:9100/metrics'
        assert 'bellring_peers' in guest.check(ask)
        before = main_pid(guest)
        guest.check(f'systemctl kill -s KILL {UNIT}')
        comes_again(guest, before)
        peers.unharmed()
        assert 'bellring_peers' in guest.check(ask)


sys.argv += os.environ.get('GUEST_CASES', '').split()
tap.main()
