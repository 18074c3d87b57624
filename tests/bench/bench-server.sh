#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What a server costs, beside QEMU's ivshmem-server if there is one: on the PATH,
# or named in QEMU_IVSHMEM_SERVER. Options go to tests/bench/bench-server.
top_builddir=${top_builddir:-.}
other=${QEMU_IVSHMEM_SERVER:-$(command -v ivshmem-server)}
[ -n "$other" ] || echo "ivshmem-server (QEMU's) is not on the PATH, nor named in" \
	"QEMU_IVSHMEM_SERVER: skipped" >&2
# shellcheck disable=SC2086
exec "$top_builddir/tests/bench/bench-server" "$@" \
	"${BELLRING_SERVER:-$top_builddir/bellring-server}" ${other:+"$other"}
