/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pending.h - doorbells for peers that the server has not told of yet
 *
 * A small table with a bit a vector, as a doorbell is a hint and never a count.
 * Ids that never come are dropped when others need the room, the oldest first.
 */
#ifndef BELL_PENDING_H
#define BELL_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#define PENDING_IDS 32u
#define PENDING_VECTORS 256u

struct pending {
	unsigned count;
	struct {
		uint32_t id;
		uint64_t vectors[PENDING_VECTORS / 64];
	} of[PENDING_IDS]; /* oldest first */
};

/* Zeroed memory is an empty table. */
void pending_note(struct pending *p, uint32_t id, unsigned vector);
/* Takes that doorbell out; returns whether there was one. */
bool pending_take(struct pending *p, uint32_t id, unsigned vector);
/* Drops all doorbells of id. */
void pending_forget(struct pending *p, uint32_t id);

#endif
