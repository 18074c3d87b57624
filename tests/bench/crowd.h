/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crowd.h - many clients of an ivshmem server in one process
 *
 * They keep no eventfd: each is closed as it comes. A thread reads what all of
 * them are sent, as clients do that are awake.
 */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include <stdint.h>

struct crowd;

/* Of a server that listens (or soon will) on that socket. Ends the program on failure. */
struct crowd *crowd_new(const char *socket_path, unsigned vectors);
/* All leave. */
void crowd_free(struct crowd *c);
/* More clients come, until there are count of them. 0, or -1: one was not greeted. */
int crowd_grow(struct crowd *c, unsigned count);
/*
 * One more comes, and leaves when it is greeted: nanoseconds from connect() to the
 * last eventfd of its own; 0 if it was not greeted, or the others do not hear of
 * its leaving. What they hear is over when this returns.
 */
uint64_t crowd_visit(struct crowd *c);

#endif
