# SPDX-License-Identifier: BSD-2-Clause
"""What the documentation shows is true.

The programs of the manual pages (EXAMPLE in section 3) and of README.md (C
blocks that have a main) compile; every function has a page that its name leads
to; the bytes in doc/layout.md are those of a real memory.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), 'device')]
# pylint: disable=wrong-import-position
import tap
from children import Child

SRC = os.environ.get('top_srcdir', '.')
BUILD = os.environ.get('top_builddir', '.')
CC = os.environ.get('CC', 'cc').split()
FLAGS = ['-std=c11', '-Wall', '-Wextra', '-Werror',
         f'-I{SRC}/src', f'-I{SRC}/server-client']
HEADERS = (*sorted('src/' + os.path.basename(p) for p in
                    glob.glob(os.path.join(SRC, 'src', 'bellring*.h'))),
           'server-client/bellring-event.h')
SECTIONS = ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'RETURN VALUE', 'ERRORS',
            'EXAMPLE', 'SEE ALSO']


def read(path):
    with open(os.path.join(SRC, path), encoding='utf-8') as f:
        return f.read()


# ---- programs ----

def pages():
    found = sorted(glob.glob(os.path.join(SRC, 'doc', '*.3')))
    assert found, 'no pages in section 3'
    return [os.path.relpath(p, SRC) for p in found]


def section(page, name):
    parts = re.split(r'^\.SH (.+)\n', read(page), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))[name]


def page_programs(page):
    """The text between .EX and .EE as a reader sees it."""
    blocks = re.findall(r'^\.EX\n(.*?)^\.EE\n', section(page, 'EXAMPLE'),
                        flags=re.M | re.S)
    return [b.replace('\\-', '-').replace('\\&', '').replace('\\e', '\\')
            for b in blocks]


def readme_programs():
    blocks = re.findall(r'^```c\n(.*?)^```$', read('README.md'), flags=re.M | re.S)
    return [b for b in blocks if re.search(r'^int main\(', b, flags=re.M)]


def compile_program(text):
    # libevent may be where only pkg-config knows.
    done = subprocess.run(['pkg-config', '--cflags', 'libevent_core'],
                          capture_output=True, text=True, check=False)
    argv = [*CC, *FLAGS, *done.stdout.split(), '-x', 'c', '-fsyntax-only', '-']
    done = subprocess.run(argv, input=text, capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@tap.cases([(page,) for page in pages()])
def example_of_page_compiles(page):
    tap.need(CC[0], 'pkg-config')
    programs = page_programs(page)
    assert programs, 'none found'
    for text in programs:
        assert 'int main(' in text, f'not a whole program:\n{text}'
        compile_program(text)


@tap.case
def programs_of_readme_compile():
    tap.need(CC[0], 'pkg-config')
    programs = readme_programs()
    assert any('bellring-event.h' in p for p in programs), 'none with libevent'
    assert any('bellring-event.h' not in p for p in programs), 'none without'
    for text in programs:
        compile_program(text)


# ---- pages ----

def functions():
    names = set()
    for header in HEADERS:
        text = re.sub(r'/\*.*?\*/', '', read(header), flags=re.S)
        text = re.sub(r'^#.*(?:\\\n.*)*', '', text, flags=re.M)
        names |= set(re.findall(r'^BELL_API[^;(]*?\b(\w+)\s*\(', text, flags=re.M))
    assert 'bell_open' in names, names
    return names


def names_of(page):
    names = section(page, 'NAME').split('\\-')[0]
    return [n.strip() for n in names.split(',')]


@tap.cases([(page,) for page in pages()])
def page_has_its_sections(page):
    found = re.findall(r'^\.SH (.+)$', read(page), flags=re.M)
    assert found == SECTIONS, found


@tap.case
def every_function_has_one_page():
    named = [n for page in pages() for n in names_of(page)]
    assert len(named) == len(set(named)), 'a function has two pages'
    assert set(named) == functions(), set(named) ^ functions()


@tap.case
def every_name_leads_to_its_page():
    """doc/local.mk makes links for all names but a page's own."""
    text = read('doc/local.mk').replace('\\\n', ' ')
    groups = dict(re.findall(r'^(\w+)_LINKS = (.*)$', text, flags=re.M))
    made = groups.pop('MAN')
    rules = dict(re.findall(r'^\$\((\w+)_LINKS\): .*\)(\w+\.3) >\$@$', text,
                            flags=re.M))
    assert set(rules) == set(groups) == set(re.findall(r'\((\w+)_LINKS\)', made))
    for page in pages():
        want = set(names_of(page)) - {os.path.basename(page)[:-2]}
        got = {os.path.basename(link)[:-2] for group, links in groups.items()
               if rules[group] == os.path.basename(page) for link in links.split()}
        assert got == want, f'{page}: {got ^ want}'


@tap.case
def pages_refer_to_pages_that_exist():
    known = functions() | {'bellring', 'bellring\\-server'}
    others = {'poll', 'lspci', 'modprobe', 'msync', 'event_base_free'}
    for page in [*pages(), 'doc/bellring.7']:
        for name in re.findall(r'^\.R?BR? .*?([\w\\-]+) \([1-8]\)', read(page),
                               flags=re.M):
            assert name in known | others, f'{page}: {name}'


@tap.case
def page_of_errors_has_every_code_and_text():
    page = read('doc/bell_strerror.3')
    rows = re.findall(r'\bX\((\w+),\s*\d+,\s*"([^"]*)"\)', read('src/bellring.h'))
    assert len(rows) > 10, rows
    for name, text in rows:
        assert f'.B BELL_{name}\n{text}\n' in page, f'BELL_{name}: {text}'


# ---- the layout ----

LINE = re.compile(r'^([0-9a-f]{8})  ((?:[0-9a-f.]{2} ){15}[0-9a-f.]{2})$')


def parse(lines):
    """{offset: bytes as text}"""
    found = [LINE.match(line) for line in lines]
    assert all(found), [l for l, m in zip(lines, found) if not m]
    return {m.group(1): m.group(2).split() for m in found}


def real_memory():
    """What tests/layout-example.c sees: {title: lines}."""
    folder = tempfile.mkdtemp(prefix='bellring-layout-')
    path = os.path.join(folder, 'bellring.sock')    # gives the memory its name

    try:
        ready, tell = os.pipe()
        with Child([os.path.join(BUILD, 'bellring-server'), '-S', path, '-l', '1M',
                    '--ready-fd', str(tell)], pass_fds=[tell]):
            os.close(tell)
            assert os.read(ready, 1) == b'\n', 'the server did not start'
            os.close(ready)
            text = subprocess.run(
                [os.path.join(BUILD, 'tests', 'layout-example'), f'unix:{path}'],
                check=True, capture_output=True, text=True, timeout=60).stdout
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    dumps = re.split(r'^== (\w+)\n', text, flags=re.M)[1:]
    return {t: parse(d.splitlines()) for t, d in zip(dumps[::2], dumps[1::2])}


def same(shown, real):
    return all(s in ('..', r) for s, r in zip(shown, real))


@tap.case
def layout_shows_a_real_memory():
    blocks = re.findall(r'^```hexdump\n(.*?)^```$', read('doc/layout.md'),
                        flags=re.M | re.S)
    real = real_memory()
    assert list(real) == ['fresh', 'sent', 'received'], list(real)
    assert len(blocks) == len(real)
    for block, (title, lines) in zip(blocks, real.items()):
        shown = parse(block.splitlines())
        assert list(shown) == list(lines), f'{title}: {set(shown) ^ set(lines)}'
        for at, line in lines.items():
            assert same(shown[at], line), f'{title}: {at}: {shown[at]} {line}'


@tap.case
def layout_explains_the_bytes_that_it_shows():
    """Each row of the tables behind a dump repeats that dump's bytes."""
    text = read('doc/layout.md')
    parts = re.split(r'^```hexdump\n(.*?)^```$', text, flags=re.M | re.S)[1:]
    rows = 0
    for block, after in zip(parts[::2], parts[1::2]):
        shown = parse(block.splitlines())
        for at, field in re.findall(r'^\| 0x([0-9a-f]+) \| ([0-9a-f., ]+) \|', after,
                                    flags=re.M):
            offset, rows = int(at, 16), rows + 1
            line = shown.get(f'{offset & ~15:08x}', ['00'] * 16)
            want = field.replace(',', '').split()
            if want[-1] == '..':
                want[-1:] = ['..'] * 4
            got = line[offset & 15:][:len(want)]
            assert got == want, f'0x{at}: table {want}, dump {got}'
    assert rows > 20, rows


@tap.case
def layout_names_every_field():
    text = read('doc/layout.md')
    structs = re.findall(r'^struct layout_(header|slot|link) \{(.*?)^\};',
                         read('src/layout.h'), flags=re.M | re.S)
    assert [s[0] for s in structs] == ['header', 'slot', 'link']
    offsets = dict(re.findall(r'^ASSERT_AT\((layout_\w+, \w+), (\d+)\)',
                              read('src/layout.h'), flags=re.M))
    for name, body in structs:
        for field in re.findall(r'shm_u\d+ (\w+)(?:\[\d+\])?;', body):
            if field.startswith('reserved'):
                continue
            at = offsets[f'layout_{name}, {field}']
            assert re.search(rf'^\| {at} \| \d+ \| `{field}` \|', text, flags=re.M), \
                f'{name}.{field} at {at}'


tap.main()
