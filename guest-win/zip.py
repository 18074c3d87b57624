# SPDX-License-Identifier: BSD-2-Clause
"""Packs what users of Windows get into one file.

    zip.py BUILD CONTRACT OUT

BUILD is a build for x86_64-w64-mingw32, CONTRACT bellring-contract.exe, OUT the zip.
The same input makes the same zip: dates are SOURCE_DATE_EPOCH, else that of the last
commit, else CHANGELOG.md's.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
TOOLS = 'x86_64-w64-mingw32-'
# The licence of what a compiler for Windows adds is the compiler's package's to tell.
MINGW = '/usr/share/doc/mingw-w64-x86-64-dev/copyright'
GCC = """\
libgcc, of GCC: GPL-3.0 or later with the GCC Runtime Library Exception 3.1, which
lets programs that GCC compiled be passed on under any terms.
"""


class Missing(Exception):
    """A tool or a file that is not there; carries what brings it."""


def read(path):
    try:
        with open(path, encoding='utf-8') as f:
            return f.read()
    except FileNotFoundError as e:
        raise Missing(f'{path} not found') from e


def need(tool, package):
    """The tool, or the newest with a version behind its name, as Debian's llvm-14."""
    for name in (tool, *(f'{tool}-{n}' for n in range(40, 10, -1))):
        if shutil.which(name):
            return name
    raise Missing(f'{tool} not found: on Debian, apt-get install {package}')


def version(build):
    return re.search(r'^Version: (.+)$', read(f'{build}/src/bellring.pc'), flags=re.M).group(1)


def date():
    """Seconds since 1970, even ones: a zip knows no others."""
    given = os.environ.get('SOURCE_DATE_EPOCH')
    if not given and shutil.which('git') and os.path.exists(os.path.join(SOURCE, '.git')):
        given = subprocess.run(['git', '-C', SOURCE, 'log', '-1', '--format=%ct'], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               check=False).stdout
    return int(given or os.path.getmtime(os.path.join(SOURCE, 'CHANGELOG.md'))) & ~1


# ---- what goes in --------------------------------------------------------------------

def stripped(path, folder):
    """A program without what only a debugger reads, and with our date in it."""
    strip = need(TOOLS + 'strip', 'binutils-mingw-w64-x86-64')
    out = os.path.join(folder, os.path.basename(path))
    if not os.path.exists(path):
        raise Missing(f'{path} is not built')
    subprocess.run([strip, '-o', out, path], check=True,
                   env=dict(os.environ, SOURCE_DATE_EPOCH=str(date())))
    return Path(out)


def msvc_library(definitions, folder):
    """bellring.lib in the short form that MSVC's own tool makes."""
    out = os.path.join(folder, 'bellring.lib')
    subprocess.run([need('llvm-dlltool', 'llvm'), '-m', 'i386:x86-64', '-D', 'bellring.dll',
                    '-d', definitions, '-l', out], check=True)
    return Path(out)


def pkg_config(build):
    """The build's, for wherever somebody unpacks it."""
    text = read(f'{build}/src/bellring.pc')
    return re.sub(r'^prefix=.*$', 'prefix=${pcfiledir}/../..', text, flags=re.M)


def examples():
    """The programs that doc/windows.md shows, by the names in their first lines."""
    blocks = re.findall(r'^```(?:c|cpp)\n(/[/*] (\w+\.c(?:pp)?): .*?)^```$',
                        read(f'{SOURCE}/doc/windows.md'), flags=re.M | re.S)
    return {f'examples/{name}': text for text, name in blocks}


def third_party(build):
    notice = re.search(r'/\*(.*?)\*/', read(f'{build}/xxhash/xxhash.h'), flags=re.S).group(1)
    xxhash = re.sub(r'^ \* ?', '', notice, flags=re.M).strip()
    rule = '\n\n' + 72 * '-' + '\n\n'
    return rule.join([
        "What bellring.exe and bellring.dll contain of others.", xxhash,
        "(The above is in bellring.exe only.)\n\n" + GCC.strip(),
        f"mingw-w64, the C runtime's parts that are linked in:\n\n{read(MINGW).strip()}"]) + '\n'


def contents(build, contract, folder):
    """{name: text, or the Path of a file}"""
    files = {
        'README-WINDOWS.txt': read(f'{SOURCE}/doc/windows.md'),
        'LICENSE.txt': read(f'{SOURCE}/LICENSE'),
        'THIRD-PARTY.txt': third_party(build),
        'bin/bellring.exe': stripped(f'{build}/bellring.exe', folder),
        'bin/bellring.dll': stripped(f'{build}/bellring.dll', folder),
        'lib/libbellring.dll.a': Path(build, 'libbellring.dll.a'),
        'lib/bellring.def': Path(build, 'bellring.def'),
        'lib/bellring.lib': msvc_library(f'{build}/bellring.def', folder),
        'lib/pkgconfig/bellring.pc': pkg_config(build),
        'contract/bellring-contract.exe': stripped(contract, folder),
        'contract/CHECKLIST.md': read(f'{SOURCE}/tests/wine/CHECKLIST.md'),
    }
    for header in glob.glob(f'{SOURCE}/src/bellring*.h'):
        files[f'include/{os.path.basename(header)}'] = Path(header)
    return {**files, **examples()}


# ---- the zip -------------------------------------------------------------------------

def data_of(what):
    return what.read_bytes() if isinstance(what, Path) else what.encode()


def pack(files, top, out):
    when = time.gmtime(date())[:6]
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, what in sorted(files.items()):
            info = zipfile.ZipInfo(f'{top}/{name}', when)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o755 if name.endswith('.exe') else 0o644) << 16
            archive.writestr(info, data_of(what))


def make(build, contract, out):
    build, contract = os.path.abspath(build), os.path.abspath(contract)
    with tempfile.TemporaryDirectory(prefix='bellring-zip-') as folder:
        files = contents(build, contract, folder)
        pack(files, f'bellring-{version(build)}-windows-x64', out + '.part')
    os.replace(out + '.part', out)


if __name__ == '__main__':
    try:
        make(*sys.argv[1:])
    except (Missing, OSError, subprocess.CalledProcessError) as e:
        sys.exit(f'zip.py: {e}')
