# SPDX-License-Identifier: BSD-2-Clause
"""bench's reports: tables, JSON, CSV and the page of one run say the same."""
import csv
import html.parser
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bellring import BUILD, end, equal, matches, objects, place, tap, until

# Nobody can know which of the two this was built with, but ./configure.
with open(os.path.join(BUILD, 'config.status'), encoding='utf-8') as status_file:
    PLOTS = re.search(r'S\["CHARTJS"\]="(.*)"', status_file.read()).group(1)
HOSTILE = '</script><script>alert(1)</script><!--'
TINY = ['bench', '--quick', '--rounds', '3', '--count', '20', '--idle', '0.1', '--sizes', '8,64',
        '--every', '500']


def read(path):
    with open(path, encoding='utf-8', newline='') as f:
        return f.read()


class Page(html.parser.HTMLParser):
    """What of a page could load something, and its scripts."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.scripts, self.policy, self.tag = [], [], None, None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tag = tag
        if tag in ('link', 'img', 'iframe', 'object', 'embed', 'base', 'form'):
            self.loads.append(tag)
        self.loads += [name for name in ('src', 'href', 'srcset', 'action') if name in attrs]
        if attrs.get('http-equiv') == 'Content-Security-Policy':
            self.policy = attrs['content']
        if tag == 'script':
            self.scripts.append((attrs.get('type'), ''))

    def handle_endtag(self, tag):
        self.tag = None

    def handle_data(self, data):
        if self.tag == 'script':
            kind, text = self.scripts[-1]
            self.scripts[-1] = kind, text + data
        if self.tag == 'style' and re.search(r'@import|url\(', data):
            self.loads.append('style')


def checked(page):
    """The page loads nothing; returns its data."""
    equal(page.loads, [])
    matches(page.policy, r"^default-src 'none'; ")
    equal([kind for kind, text in page.scripts], ['application/json', None, None])
    return json.loads(page.scripts[0][1])


def figures(lines):
    """All figures of JSON as CSV has them: by what was measured and the metric."""
    got = {}
    for m in lines:
        if 'load' not in m:
            continue
        what = (m['load'], m.get('wait') or m['name'], *(str(m.get(key, '')) for key in
                                                          ('size', 'senders', 'every_us')))
        for key in m:
            if key.endswith('_median') and key != 'median_round_p50_us':
                metric = key[:-len('_median')]
                got[(*what, metric)] = [m[metric + s] for s in ('_median', '_min', '_max')]
    return got


def rows(text):
    table = list(csv.DictReader(text.splitlines()))
    equal(list(table[0]), ['load', 'mode', 'bytes', 'senders', 'every_us', 'metric', 'unit',
                           'median', 'min', 'max'])
    return {tuple(r[k] for k in ('load', 'mode', 'bytes', 'senders', 'every_us', 'metric')):
            [float(r[k]) for k in ('median', 'min', 'max')] for r in table}


@tap.case
@place('-l', '8M')
def csv_has_the_figures_of_json(at):
    lines = objects(at.ok('--json', *TINY, '--csv', at.path('csv')))
    want = figures(lines)
    equal(len(want) > 100, True, len(want))
    equal(rows(read(at.path('csv'))), want)
    loads = {what[0] for what in want}
    equal(loads - {'paced'}, {'trip', 'stream', 'burst', 'senders', 'idle'})


@tap.case
@place('-l', '8M')
def csv_on_standard_output(at):
    out = at.ok(*TINY, '--load', 'trip', '--csv', '-')
    equal({what[0] for what in rows(out)}, {'trip'})


@tap.case
@place('-l', '1M')
def two_on_standard_output(at):
    status, out, err = at.run('--json', 'bench', '--csv', '-')
    equal((status, out), (2, ''))
    matches(err, '^bellring: bench: only one of --json, --csv and --html')


@tap.case
@place('-l', '1M')
def a_file_that_cannot_be_written(at):
    status, out, err = at.run('bench', '--csv', at.path('none/csv'))
    equal((status, out), (1, ''))
    matches(err, r'^bellring: bench: \S*/none/csv: No such file or directory\n$')


@tap.case
@place('-l', '1M')
def a_full_disk(at):
    status, out, err = at.run(*TINY, '--load', 'trip', '--csv', '/dev/full')
    equal(status, 1, out)
    matches(err, r'^bellring: bench: writing /dev/full: No space left on device\n$')


@tap.case
@place('-l', '8M')
def the_page_has_the_figures_of_json(at):
    if not PLOTS:
        tap.missing_thing('Chart.js: the tool was built without it')
    lines = objects(at.ok('--json', *TINY, '--html', at.path('page.html'),
                          '--csv', at.path('csv')))
    text = read(at.path('page.html'))
    page = Page(text)
    data = checked(page)
    data[0]['date'] = lines[0]['date']    # the one that is of the moment of writing
    equal(data, lines)
    equal(rows(read(at.path('csv'))), figures(data))
    matches(page.scripts[1][1], r'Permission is hereby granted, free of charge')
    matches(page.scripts[1][1], r'Chart\.js v3\.')
    equal(text.rstrip().endswith('</html>'), True)


@tap.case
@place('-l', '8M')
def a_name_ends_no_script(at):
    if not PLOTS:
        tap.missing_thing('Chart.js: the tool was built without it')
    server = at.start('--name', HOSTILE, 'bench', '--serve', '--once')
    until(lambda: at.live(HOSTILE), 'it serves')
    at.ok(*TINY, '--load', 'trip', '--html', at.path('page.html'), HOSTILE)
    equal(end(server)[0], 0)
    text = read(at.path('page.html'))
    equal(HOSTILE in text, False)
    data = checked(Page(text))
    equal(data[0]['peer'].startswith(HOSTILE + ' (id '), True, data[0])


@tap.case
@place('-l', '1M')
def no_page_without_the_library(at):
    env = at.env()
    tool = os.path.join(BUILD, 'tests', 'cli', 'bellring-no-plots')
    p = at.popen([tool, *TINY, '--html', at.path('page.html')], env=env,
                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    status, out, err = end(p)
    equal((status, out), (1, ''))
    matches(err, r'^bellring: bench: --html: .*built without Chart\.js.*'
            r'apt-get install libjs-chart\.js.*\n$')
    equal(os.path.exists(at.path('page.html')), False)
    p = at.popen([tool, *TINY, '--load', 'trip', '--csv', '-'], env=env,
                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    status, out, err = end(p)
    equal((status, err), (0, ''))
    equal(len(rows(out)) > 0, True)


if __name__ == '__main__':
    tap.main()
