# SPDX-License-Identifier: BSD-2-Clause
"""What is written down agrees with what is built.

Headers compile alone; header, version script and library name the same
functions; manual pages know every command and option; README's map is right.
"""
import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import tap

SRC = os.environ.get('top_srcdir', '.')
BUILD = os.environ.get('top_builddir', '.')
# A folder, and whose headers its files may include: arrows point one way.
FOLDERS = {
    'src': ('src',),
    'src/cli': ('src/cli', 'src'),
    'os-linux': ('os-linux', 'src'),
    'server-client': ('server-client', 'os-linux', 'src'),
    'server-client/daemon': ('server-client/daemon', 'server-client', 'os-linux', 'src'),
    'guest-linux': ('guest-linux', 'os-linux', 'src'),
    'guest-win': ('guest-win', 'src'),
    'tests': ('tests', 'src', 'src/cli', 'os-linux', 'server-client', 'server-client/daemon',
              'guest-linux'),
}
MINGW = 'x86_64-w64-mingw32-gcc'    # as BELL_WINDOWS of configure
MINGW_FLAGS = ['-D_WIN32_WINNT=0x0A00', '-DUNICODE', '-DWIN32_LEAN_AND_MEAN']
WARNINGS = ('-Wall -Wextra -Wshadow -Wconversion -Wpointer-arith -Wundef -Wvla '
            '-Werror').split()
C = ['-std=gnu11', '-Wstrict-prototypes', *WARNINGS]
CXX = ['-std=c++11', '-pedantic', *WARNINGS]


INSTALLED = [os.path.relpath(p, SRC) for p in
             sorted(glob.glob(os.path.join(SRC, 'src', 'bellring*.h')))]


def read(path):
    with open(os.path.join(SRC, path), encoding='utf-8') as f:
        return f.read()


def run(*argv, text=None):
    done = subprocess.run(argv, input=text, capture_output=True, text=True,
                          timeout=60, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, f'{" ".join(argv)}: {done.returncode}\n{said}'
    return done.stdout


def program(name):
    return run(os.path.join(BUILD, name), '--help')


# ---- headers ----

def files(pattern, folders=FOLDERS):
    found = [os.path.relpath(path, SRC) for folder in folders
             for path in sorted(glob.glob(os.path.join(SRC, folder, pattern)))]
    assert found, f'no {pattern} in {folders}'
    return found


def includes(header):
    return [f'-I{os.path.join(SRC, f)}' for f in FOLDERS[os.path.dirname(header)]]


def packages():
    """Where libevent and check are, if not where the compiler looks anyway."""
    done = subprocess.run(['pkg-config', '--cflags', 'libevent_core', 'check'],
                          capture_output=True, text=True, check=False)
    return done.stdout.split()


def compiles(compiler, language, flags, header):
    tap.need(compiler, 'pkg-config')
    # Twice: the guard works. From a file, so that it is no main file.
    name = os.path.basename(header)
    system = MINGW_FLAGS if compiler == MINGW else packages()
    run(compiler, '-x', language, *flags, *includes(header), *system,
        '-fsyntax-only', '-', text=f'#include "{name}"\n' * 2)


def compilers(header):
    """Those of the systems that have it."""
    if header.startswith('guest-win/') or \
            f'%D%/{os.path.basename(header)}' in read('src/cli/windows.mk').split():
        return (MINGW,)
    return ('gcc', 'clang')


@tap.cases([(h, c) for h in files('*.h') for c in compilers(h)],
           key=lambda row: f'{row[0]} with {row[1]}')
def header_compiles_alone(header, compiler):
    compiles(compiler, 'c', C, header)


@tap.cases([(h, c) for h in [*INSTALLED, 'server-client/bellring-event.h']
            for c in ('g++', 'clang++')],
           key=lambda row: f'{row[0]} with {row[1]}')
def installed_header_is_also_cxx(header, compiler):
    compiles(compiler, 'c++', CXX, header)


@tap.cases([(folder,) for folder in FOLDERS])
def files_include_only_what_they_may(folder):
    for path in files('*.[ch]', [folder]):
        for name in re.findall(r'^#include "([^"]+)"', read(path), flags=re.M):
            assert name == 'config.h' or any(
                os.path.exists(os.path.join(SRC, f, name)) for f in FOLDERS[folder]
            ), f'{path} includes {name}, which is in none of {FOLDERS[folder]}'


@tap.case
def tool_uses_the_public_interface_alone():
    for path in files('*.[ch]', ['src/cli']):
        for name in re.findall(r'^#include "([^"]+)"', read(path), flags=re.M):
            assert name in ('bellring.h', 'config.h') or os.path.exists(
                os.path.join(SRC, 'src/cli', name)), f'{path} includes {name}'


# ---- symbols ----

def declared(*headers):
    return set().union(*map(declared_in, headers))


def declared_in(header):
    text = re.sub(r'/\*.*?\*/', '', read(header), flags=re.S)
    text = re.sub(r'^#.*(?:\\\n.*)*', '', text, flags=re.M)
    return set(re.findall(r'^BELL_API[^;(]*?\b(\w+)\s*\(', text, flags=re.M))


def exported(library):
    tap.need('nm')
    path = os.path.join(BUILD, '.libs', library)
    if not os.path.exists(path):
        tap.missing_thing(f'{library}: this build has no shared library')
    lines = run('nm', '-D', '--defined-only', path).splitlines()
    # Kind A is the name of a version, as BELL_0.1.
    return {line.split()[2].split('@')[0] for line in lines
            if line.split()[1] != 'A'}


@tap.case
def header_and_version_script_name_the_same_functions():
    script = read('src/bellring.map')
    names = re.findall(r'^\s+(\w+);', script, flags=re.M)
    assert names == sorted(set(names)), 'not sorted, or twice'
    assert set(names) == declared(*INSTALLED), set(names) ^ declared(*INSTALLED)


@tap.cases([('libbellring.so', INSTALLED),
            ('libbellring-event.so', ['server-client/bellring-event.h'])])
def library_exports_what_the_header_declares(library, headers):
    functions = declared(*headers)
    assert functions, 'none found'
    assert exported(library) == functions, exported(library) ^ functions


@tap.case
def each_error_code_has_its_own_number_and_text():
    rows = re.findall(r'\bX\((\w+),\s*(\d+),\s*"([^"]*)"\)', read('src/bellring.h'))
    assert len(rows) > 10, rows
    assert [int(r[1]) for r in rows] == list(range(1, len(rows) + 1)), rows
    texts = [r[2] for r in rows]
    assert all(texts) and len(set(texts)) == len(texts), texts
    used = set(re.findall(r'\bBELL_(E[A-Z]+)\b', ''.join(map(read, INSTALLED))))
    assert used - {'ERRORS', 'ERROR_ENUM', 'EVENT'} <= {r[0] for r in rows}, used


# ---- manual pages ----

def manual_pages():
    pages = sorted(glob.glob(os.path.join(SRC, 'doc', '*.[1-9]')))
    return [os.path.relpath(p, SRC) for p in pages]


def manual(page):
    """The page's source with fonts gone and options as a reader sees them."""
    text = re.sub(r'\\f(?:\[\w*\]|.)', '', read(page)).replace('\\-', '-')
    return re.sub(r'\bFl (?=-?\w)', '-', text)


def long_options(text):
    return set(re.findall(r'(?<![\w-])--[a-z][a-z-]*', text))


def missing_options(options, page):
    return sorted(o for o in options
                  if not re.search(re.escape(o) + r'(?![\w-])', manual(page)))


def commands():
    listing = program('bellring').split('Commands', 1)[1].split('\n\n', 1)[0]
    names = re.findall(r'^  ([a-z]+) ', listing, flags=re.M)
    assert 'send' in names, listing
    return names


@tap.case
def every_program_has_its_manual_page():
    pages = manual_pages()
    for page in ('doc/bellring.1', 'doc/bellring-server.8'):
        assert page in pages, f'{page} not in {pages}'


@tap.cases([(page,) for page in manual_pages()])
def manual_page_passes_mandoc(page):
    tap.need('mandoc')
    run('mandoc', '-T', 'lint', '-W', 'error', os.path.join(SRC, page))


@tap.case
def manual_has_every_command_of_the_tool():
    page = manual('doc/bellring.1')
    for name in commands():
        # A line of its own: a macro or two, then the command's name.
        assert re.search(rf'^\.[A-Za-z]{{1,2}} +(?:[A-Z][a-z] +)*"?{name}\b', page,
                         flags=re.M), f'{name} is not described'


@tap.case
def manual_has_every_option_of_the_tool():
    options = long_options(program('bellring'))
    for name in commands():
        options |= long_options(run(os.path.join(BUILD, 'bellring'), name, '--help'))
    assert '--json' in options, options
    missing = missing_options(options, 'doc/bellring.1')
    assert not missing, missing


@tap.case
def manual_has_every_option_of_the_server():
    options = long_options(program('bellring-server'))
    assert '--vectors' in options, options
    missing = missing_options(options, 'doc/bellring-server.8')
    assert not missing, missing


# ---- README ----

def folder_map():
    """The folders that README.md lists: lines that begin with `a/` or `a/, b/`."""
    lines = re.findall(r'^[\s|*-]*((?:`?(?:[\w.-]+/)+`?(?:, *|[ |]|$))+)',
                       read('README.md'), flags=re.M)
    return {f for line in lines for f in re.findall(r'(?:[\w.-]+/)+', line)}


@tap.case
def folders_of_the_readme_exist():
    listed = folder_map()
    assert listed, 'README.md has no map of folders'
    missing = [f for f in listed if not os.path.isdir(os.path.join(SRC, f))]
    assert not missing, missing


@tap.case
def readme_lists_every_folder_of_the_build():
    built = set(re.findall(r'^include (\S+)/local\.mk', read('Makefile.am'),
                           flags=re.M))
    assert 'src' in built, built
    missing = {f'{f}/' for f in built | {'doc', 'm4'}} - folder_map()
    assert not missing, missing


tap.main()
