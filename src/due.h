/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * due.h - things with a deadline, the earliest first
 *
 * A binary heap: of thousands of calls in flight each costs a few steps, and
 * asking for the next deadline costs nothing.
 */
#ifndef BELL_DUE_H
#define BELL_DUE_H

#include <stddef.h>
#include <stdint.h>

/* Part of what has the deadline, and never moved while it is in the heap. */
struct due {
	uint64_t at_ns; /* on os_now_ns()'s clock */
	size_t place;   /* in the heap, counted from 1; 0: not in it */
	void (*pass)(void *owner); /* what to do then */
	void *owner;
};

struct due_heap {
	struct due **all;
	size_t count, room;
};

/* 0, or -BELL_ENOMEM. */
int due_add(struct due_heap *heap, struct due *due);
/* Fine if it is not in the heap. */
void due_remove(struct due_heap *heap, struct due *due);
/* NULL if there is none. */
struct due *due_first(const struct due_heap *heap);
/* Frees the heap, not what is in it. */
void due_done(struct due_heap *heap);

#endif
