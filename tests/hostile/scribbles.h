/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scribbles.h - what the scribbler writes, and where
 */
#ifndef BELL_SCRIBBLES_H
#define BELL_SCRIBBLES_H

#include <stddef.h>
#include <stdint.h>

struct target {
	void *memory;
	size_t size;
	uint64_t random;
	/* How this run goes about it, by its seed. */
	unsigned burst;    /* scribbles in a row, at most */
	unsigned pause_us; /* between them, below that */
	unsigned ruin;     /* one of so many ruins everything */
};

void scribbles_init(struct target *t, void *memory, uint64_t seed);
/* The next random number of the seed. */
uint64_t dice(struct target *t);
/* One damage, wherever the dice say. */
void scribble(struct target *t);

#endif
