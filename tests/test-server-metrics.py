# SPDX-License-Identifier: BSD-2-Clause
"""The server's metrics: a page that Prometheus takes, and who asks for others."""
import contextlib
import http.client
import os
import re
import select
import socket
import stat
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap
from controlled import ask, joins_in_time, objects
from served import DEADLINE, Server, fails, run, scene, until


# ---- the page -----------------------------------------------------------------

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)'
                    r'(\{([a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"(?:,(?=.)|))+\})? '
                    r'(-?[0-9.e+-]+|NaN|[+-]Inf)')


def parse(text):
    """{name: value} of a page in Prometheus' text format, which it checks strictly."""
    assert text.endswith('\n') and '\r' not in text
    values, kinds, helps, current = {}, {}, {}, None
    for line in text[:-1].split('\n'):
        assert line == line.strip() and line, repr(line)
        if line.startswith('# '):
            _, what, name, rest = line.split(' ', 3)
            into = {'HELP': helps, 'TYPE': kinds}[what]
            assert name not in into, f'{name}: twice'
            assert name not in values, f'{name}: after its sample'
            assert rest in ('gauge', 'counter') or what == 'HELP', line
            into[name], current = rest, name
            continue
        match = SAMPLE.fullmatch(line)
        assert match, repr(line)
        name = match[1]
        assert name == current and name in kinds and name in helps, f'{name}: not announced'
        assert name not in values, f'{name}: twice'
        assert (kinds[name] == 'counter') == name.endswith('_total'), name
        assert name.startswith('bellring_'), name
        values[name] = float(match[4])
        assert values[name] >= 0, line
    assert set(values) == set(kinds) == set(helps)
    return values


class UnixHTTP(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('localhost', timeout=DEADLINE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(self.path)


def port_of(server):
    return int(re.search(r'metrics at http://[^ ]*:(\d+)/metrics', server.log())[1])


def get(connection, path='/metrics', method='GET', **how):
    with contextlib.closing(connection):
        connection.request(method, path, **how)
        answer = connection.getresponse()
        return answer, answer.read().decode()


def scrape(connection):
    answer, text = get(connection)
    assert answer.status == 200 and answer.version == 11
    assert answer.getheader('Content-Type').startswith('text/plain; version=0.0.4')
    return parse(text)


@tap.case
def metrics_are_what_control_says():
    with scene(3, '--metrics', '127.0.0.1:0') as (server, a, b, c):
        a.close()
        until(lambda: objects(server, 'status')[0]['peers'] == 2, 'the leave')
        got = scrape(http.client.HTTPConnection('127.0.0.1', port_of(server), DEADLINE))
        [counted], [state] = objects(server, 'stats'), objects(server, 'status')
        del counted['type']
        for name, value in counted.items():
            assert got[f'bellring_{name}_total'] == value, name
        for name in ('peers', 'peers_max', 'ids_left', 'memory_bytes', 'bus_bytes', 'slots',
                     'slots_live', 'links', 'links_open', 'descriptors', 'descriptors_max'):
            assert got[f'bellring_{name}'] == state[name], name
        assert got['bellring_peers'] == 2 and got['bellring_joins_total'] == 3
        assert got['bellring_bus'] == 1 and got['bellring_draining'] == 0
        assert got['bellring_queued_bytes'] == 0 == got['bellring_peers_on_bus']
        assert b.drain() and c.drain()


@tap.case
def metrics_on_a_unix_socket():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'metrics')
        with Server('--metrics', f'unix:{path}') as server:
            assert stat.S_ISSOCK(os.stat(path).st_mode)
            assert scrape(UnixHTTP(path))['bellring_peers'] == 0
            ask(server, 'drain')
            assert server.process.wait(DEADLINE) == 0
        assert not os.path.exists(path)


@tap.cases([('GET', '/', 404), ('GET', '/metrics/', 404), ('GET', '/metrics?a=b', 200),
            ('HEAD', '/metrics', 200), ('POST', '/metrics', 405), ('PUT', '/x', 405),
            ('DELETE', '/metrics', 405), ('OPTIONS', '*', 405)],
           key=lambda row: f'{row[0]} {row[1]}')
def http_status(method, path, status):
    with Server('--metrics', '127.0.0.1:0') as server:
        body = b'x' * 100000 if method in ('POST', 'PUT') else None
        answer, text = get(http.client.HTTPConnection('127.0.0.1', port_of(server), DEADLINE),
                           path, method, body=body)
        assert answer.status == status, answer.status
        assert (answer.getheader('Allow') == 'GET, HEAD') == (status == 405)
        assert answer.getheader('Connection') == 'close'
        assert bool(text) == (method != 'HEAD')


@tap.cases([('no HTTP', b'\xff\0\n\n', b'400'), ('HTTP/2', b'PRI * HTTP/2.0\r\n\r\n', b'400'),
            ('long line', b'GET /' + b'x' * 5000 + b' HTTP/1.1\r\n\r\n', b'431'),
            ('endless line', b'x' * 300000, b'431'),
            ('many headers', b'GET / HTTP/1.1\r\n' + b'a: b\r\n' * 200, b'431'),
            ('cut short', b'GET /metrics HTTP/1.1\r\nHost:', b'400')])
def bad_http(_, data, status):
    with Server('--metrics', '127.0.0.1:0') as server:
        with socket.create_connection(('127.0.0.1', port_of(server)), DEADLINE) as s:
            with contextlib.suppress(ConnectionError):
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
            got = b''
            with contextlib.suppress(ConnectionError):
                while more := s.recv(65536):
                    got += more
        assert got.startswith(b'HTTP/1.1 ' + status), got
        joins_in_time(server)


@tap.case
def metrics_connections_are_few():
    with scene(1, '--metrics', '127.0.0.1:0') as (server, a), contextlib.ExitStack() as stack:
        port = port_of(server)
        fds = f'/proc/{server.process.pid}/fd'
        before = len(os.listdir(fds))
        crowd = [stack.enter_context(socket.create_connection(('127.0.0.1', port), DEADLINE))
                 for _ in range(100)]
        joins_in_time(server)
        refused = [s for s in crowd if select.select([s], [], [], 0.1)[0]]
        assert len(refused) == 92, len(refused)
        assert all(s.recv(12) == b'HTTP/1.1 503' for s in refused)
        assert len(os.listdir(fds)) <= before + 8
        for s in crowd:
            s.close()
        until(lambda: len(os.listdir(fds)) == before, 'the end of the connections')
        scrape(http.client.HTTPConnection('127.0.0.1', port, DEADLINE))
        assert a.drain()


@tap.cases([('0.0.0.0:9100', 'other machines'), ('[::]:9100', 'other machines'),
            ('192.0.2.1:9100', 'other machines'), ('localhost:9100', 'not an address'),
            ('127.0.0.1', 'not an address'), ('unix:', 'path is empty')])
def metrics_address_is_refused(address, text):
    done = run('--metrics', address, '--check')
    assert done.returncode == 2 and text in done.stderr, done


@tap.case
def metrics_port_in_use():
    with socket.create_server(('127.0.0.1', 0)) as other:
        with fails(1, 'another program listens on this port', '--metrics',
                   f'127.0.0.1:{other.getsockname()[1]}'):
            pass


tap.main()
