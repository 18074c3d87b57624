# SPDX-License-Identifier: BSD-2-Clause
"""The fuzz targets on their seeds, and on what was found once: no fuzzer needed."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import seeds  # noqa: E402
import tap  # noqa: E402

BUILD = os.environ.get('top_builddir', '.')


@tap.cases([(t,) for t in sorted(seeds.TARGETS)])
def seeds_of(target):
    with tempfile.TemporaryDirectory() as folder:
        seeds.write_all(folder)
        at = os.path.join(folder, target)
        files = sorted(os.path.join(at, n) for n in os.listdir(at))
        assert len(files) > 20, files
        p = subprocess.run([os.path.join(BUILD, 'tests/fuzz/replay-' + target), *files],
                           capture_output=True, text=True, timeout=120, check=False)
        done = p.stdout.split()
        assert p.returncode == 0 and done == files, \
            f'{done[-1:]}: exit status {p.returncode}\n{p.stderr}'


tap.main()
