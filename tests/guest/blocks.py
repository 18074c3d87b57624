# SPDX-License-Identifier: BSD-2-Clause
"""Much data inside an emulated guest, for next to no CPU time.

BLOCK is a file in the guest that MAKE_BLOCK makes: random with an odd period, so
that pieces that are swapped show. cat sends it: it copies 64 KiB at once, where
other programs cost more than what is to be tested.
"""
BLOCK = '/tmp/block'
BLOCK_SIZE = 32 << 20
MAKE_BLOCK = (f'[ -s {BLOCK} ] || {{ head -c 1000003 /dev/urandom >/tmp/seed;'
              f' for i in $(seq 34); do cat /tmp/seed; done >{BLOCK};'
              f' truncate -s {BLOCK_SIZE} {BLOCK}; }}')

