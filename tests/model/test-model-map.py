# SPDX-License-Identifier: BSD-2-Clause
"""What doc/model.md says is modelled is still there, in the code and the models."""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..'))
# pylint: disable=wrong-import-position
import tap

SRC = os.environ.get('top_srcdir', os.path.join(HERE, '..', '..'))


def read(*path):
    with open(os.path.join(SRC, *path), encoding='utf-8') as f:
        return f.read()


# | `ring.h` | `ring_write()`, ... | `wake.pml` | ... |
ROWS = [(file, name, model)
        for file, names, model in re.findall(
            r'^\| `([\w-]+\.[ch])` \| (.*?) \| `(\w+\.pml)` \|', read('doc', 'model.md'), re.M)
        for name in re.findall(r'`(\w+)\(\)`', names)]


@tap.case
def the_table_is_found():
    assert len(ROWS) >= 20, ROWS


@tap.cases(ROWS, key=lambda row: f'{row[0]}: {row[1]}() in {row[2]}')
def function_is_defined(file, name, model):
    # Definitions, not calls: at the line's start, with a type before the name.
    pattern = rf'^[a-z][^;={{}}()]*\b{name}\([^;]*?\)\s*^{{'
    assert re.search(pattern, read('src', file), re.M), f'src/{file} does not define {name}()'
    assert name + '()' in read('tests', 'model', model), f'{model} does not name {name}()'


tap.main()
