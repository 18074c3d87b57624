# SPDX-License-Identifier: BSD-2-Clause
"""The zip for users of Windows: what is in it, and that it works as unpacked.

Its programs run under Wine (wine.py), its examples are compiled by mingw-w64, with
nothing but what is in the zip.
"""
import atexit
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

_HERE = os.path.dirname(os.path.abspath(__file__))
SRC = os.environ.get('top_srcdir', os.path.join(_HERE, '..', '..'))
sys.path[:0] = [os.path.join(_HERE, *way) for way in
                (('..',), ('..', 'device'), ('..', 'guest'), ('..', '..', 'guest-win'))]

# pylint: disable=wrong-import-position
import cross
import tap
import vm
import wine
import zip as packer
from children import until

BUILD = os.environ['top_builddir']
WARNINGS = '-Wall -Wextra -Wshadow -Wconversion -Werror'.split()
MINGW = 'x86_64-w64-mingw32-'
TOP = ['LICENSE.txt', 'README-WINDOWS.txt', 'THIRD-PARTY.txt', 'bin/bellring.dll',
       'bin/bellring.exe', 'contract/CHECKLIST.md', 'contract/bellring-contract.exe',
       'examples/printer.c', 'examples/watcher.cpp', 'lib/bellring.def', 'lib/bellring.lib',
       'lib/libbellring.dll.a', 'lib/pkgconfig/bellring.pc']
PROGRAMS = ('bin/bellring.dll', 'bin/bellring.exe', 'contract/bellring-contract.exe')
# Of every Windows 10, in System32.
WINDOWS = {name + '.dll' for name in
           ('advapi32', 'bcrypt', 'cfgmgr32', 'kernel32', 'msvcrt', 'ole32', 'setupapi',
            'shell32', 'user32', 'version', 'ws2_32')}

_folder = tempfile.mkdtemp(prefix='bellring-zip-')
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
_unpacked = []


def run(*argv, text=None, env=None):
    done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=60,
                          check=False, cwd=_folder, env=dict(os.environ, **(env or {})))
    assert done.returncode == 0, f'{" ".join(argv)}: {done.returncode}\n{done.stderr}'
    return done.stdout


def pack(name):
    out = os.path.join(_folder, name)
    contract = os.path.join(BUILD, 'tests', 'wine', 'bellring-contract.exe')
    packer.make(cross.folder('windows'), contract, out)
    return out


def unpacked():
    """The folder that is in the zip, made and unpacked once."""
    if not _unpacked:
        try:
            cross.make('windows', 'all')
            path = pack('bellring.zip')
        except (cross.Missing, packer.Missing) as e:
            tap.missing_thing(str(e))
        with zipfile.ZipFile(path) as archive:
            archive.extractall(_folder)
            tops = {name.split('/')[0] for name in archive.namelist()}
        assert len(tops) == 1, tops
        _unpacked.append(os.path.join(_folder, tops.pop()))
    return _unpacked[0]


def part(*names):
    return os.path.join(unpacked(), *names)


def read(*names):
    with open(os.path.join(*names), encoding='utf-8') as f:
        return f.read()


def headers():
    return sorted(os.path.basename(p) for p in glob.glob(f'{SRC}/src/bellring*.h'))


# ---- what is in it ------------------------------------------------------------------

@tap.case
def every_file_is_there_and_no_other():
    want = set(TOP) | {f'include/{name}' for name in headers()}
    got = {os.path.relpath(os.path.join(where, name), unpacked())
           for where, _, names in os.walk(unpacked()) for name in names}
    assert got == want, got ^ want
    empty = [name for name in got if not os.path.getsize(part(name))]
    assert not empty, empty


@tap.case
def made_twice_it_is_the_same():
    unpacked()
    first, second = (open(pack(f'{n}.zip'), 'rb').read() for n in 'ab')
    assert first == second


@tap.case
def its_date_is_that_of_the_source():
    unpacked()
    os.environ['SOURCE_DATE_EPOCH'] = '1700000000'
    try:
        with zipfile.ZipFile(pack('dated.zip')) as archive:
            dates = {info.date_time for info in archive.infolist()}
    finally:
        del os.environ['SOURCE_DATE_EPOCH']
    assert dates == {(2023, 11, 14, 22, 13, 20)}, dates


@tap.case
def licences_of_others_are_told():
    text = read(part('THIRD-PARTY.txt'))
    for words in ('Yann Collet', 'GCC Runtime Library Exception', 'mingw-w64 project'):
        assert words in text, words


@tap.cases([(name,) for name in PROGRAMS])
def needs_windows_own_libraries_only(name):
    text = run(MINGW + 'objdump', '-p', part(name))
    needed = {n.lower() for n in re.findall(r'DLL Name: (\S+)', text)}
    assert 'kernel32.dll' in needed, text
    assert needed <= WINDOWS, needed - WINDOWS


@tap.case
def library_exports_what_it_does_elsewhere():
    script = set(re.findall(r'^\t(bell_\w+);', read(SRC, 'src', 'bellring.map'), flags=re.M))
    text = run(MINGW + 'objdump', '-p', part('bin/bellring.dll'))
    table = text.split('[Ordinal/Name Pointer] Table')[1]
    assert set(re.findall(r'^\t\[ *\d+\] (\w+)$', table, flags=re.M)) == script
    assert set(re.findall(r'^\t(\w+)$', read(part('lib/bellring.def')), flags=re.M)) == script
    text = run(MINGW + 'nm', '-g', part('lib/libbellring.dll.a'))
    assert set(re.findall(r' T (bell_\w+)$', text, flags=re.M)) == script


# ---- compiling with it --------------------------------------------------------------

# What Visual Studio does not know, and clang takes all the same.
NO_GNU = [f'-D{word}=not_of_Visual_Studio' for word in
          ('__attribute__(x)', '__extension__', '__typeof__', '__asm__')]


@tap.cases([(h, *way) for h in headers() for way in
            (('c', '-std=c11'), ('c++', '-std=c++14'), ('c++', '-std=c++20'))],
           key=lambda row: ' '.join((row[0], row[2])))
def headers_compile_as_visual_studio_does(header, language, standard):
    """clang in its way for Microsoft's: it defines no __GNUC__ then."""
    tap.need('clang')
    run('clang', '--target=x86_64-pc-windows-msvc', '-ffreestanding', '-x', language,
        standard, '-pedantic', *WARNINGS, *NO_GNU, '-I', part('include'), '-fsyntax-only', '-',
        text=f'#if defined __GNUC__\n#error not as Visual Studio\n#endif\n#include <{header}>\n')


def flags():
    """As a user of the zip gets them."""
    env = {'PKG_CONFIG_PATH': '', 'PKG_CONFIG_LIBDIR': part('lib', 'pkgconfig')}
    words = run('pkg-config', '--cflags', '--libs', 'bellring', env=env).split()
    assert any('include' in w for w in words) and '-lbellring' in words, words
    return words


def compiler(name):
    """mingw-w64's; its C++ is another package, in whose place clang does."""
    if not name.endswith('.cpp'):
        return [MINGW + 'gcc', '-std=c11', '-pedantic']
    if shutil.which(MINGW + 'g++'):
        return [MINGW + 'g++', '-std=c++17']
    tap.need('clang++')
    return ['clang++', '--target=x86_64-w64-mingw32', '-std=c++17', '-fno-exceptions']


def compiled(name):
    """The example's program, beside the library."""
    tap.need('pkg-config')
    out = part('bin', os.path.splitext(name)[0] + '.exe')
    source, built = part('examples', name), part('bin', name + '.o')
    run(*compiler(name), *WARNINGS, '-c', source, '-o', built, *flags()[:-2])
    run(MINGW + 'gcc', built, '-o', out, *flags())
    os.unlink(built)
    return out


@tap.cases([('printer.c',), ('watcher.cpp',)])
def example_compiles(name):
    compiled(name)


TINY = """#include <bellring.h>
int mainCRTStartup(void);
int mainCRTStartup(void) { return bell_strerror(0)[0] == 's' ? 42 : 1; }
"""


def linked_as_microsoft():
    """A program without a C library, by LLVM's linker in Microsoft's way."""
    run('clang', '--target=x86_64-pc-windows-msvc', '-ffreestanding', '-x', 'c', '-c', '-',
        '-I', part('include'), '-o', part('bin', 'tiny.obj'), text=TINY)
    run('lld-link', '/nodefaultlib', '/entry:mainCRTStartup', '/subsystem:console',
        part('bin', 'tiny.obj'), part('lib', 'bellring.lib'),
        '/out:' + part('bin', 'tiny.exe'))
    return part('bin', 'tiny.exe')


# ---- running it ---------------------------------------------------------------------

@tap.case
def tool_runs():
    unpacked()
    with wine.Wine() as windows:
        tool = part('bin', 'bellring.exe')
        number = re.search(r'^Version: (.+)$', read(part('lib/pkgconfig/bellring.pc')),
                           flags=re.M).group(1)
        assert number in windows.run(tool, '--version').check()
        usage = windows.run(tool, '--help').check()
        for command in ('list', 'send', 'recv', 'forward', 'doctor'):
            assert re.search(rf'^ +{command}\b', usage, flags=re.M), usage


@tap.case
def program_linked_in_microsofts_way_finds_the_library():
    tap.need('clang', 'lld-link')
    unpacked()
    program = linked_as_microsoft()
    with wine.Wine() as windows:
        windows.run(program).check(status=42)


@tap.cases([('printer.c', 'printer'), ('watcher.cpp', 'watcher')])
def example_gets_a_message(source, name):
    program = compiled(source)
    with vm.Server() as server, wine.Wine(wine.Device(server.path)) as windows:
        child = windows.start(program)
        run(os.path.join(BUILD, 'bellring'), '-a', server.address, 'send', '-w', '30', name,
            'grüße')
        until(lambda: 'grüße' in child.said(), f'{name} says it: {child.said()}')
        child.check()


tap.main()
