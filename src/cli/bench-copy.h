/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench-copy.h - the limit of a stream: a copy in by one core, and out by another
 */
#ifndef CLI_BENCH_COPY_H
#define CLI_BENCH_COPY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * One process copies count messages of size bytes into 1 MiB of shared memory, round
 * and round, and another copies them out; they tell each other only about every
 * 128 KiB, and spin meanwhile. seconds gets how long it took. An enum cli_exit,
 * failures told.
 */
int bench_copy(uint32_t size, uint64_t count, bool pinned, double *seconds);

#endif
