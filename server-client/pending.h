/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pending.h - doorbells for peers that the server has not told of yet
 *
 * A bit for each vector of each id, as a doorbell is a hint and never a count. None
 * is ever dropped to make room: whoever sleeps until it comes would sleep for ever.
 */
#ifndef BELL_PENDING_H
#define BELL_PENDING_H

#include "proto.h"

#include <stdbool.h>
#include <stdint.h>

#define PENDING_VECTORS 256u

struct pending_id {
	uint64_t vectors[PENDING_VECTORS / 64];
};

struct pending {
	struct pending_id *by_id; /* 2 MiB, of which only what is used costs memory */
};

/* 0, or -BELL_ENOMEM. All zero is safe for pending_done(). */
int pending_init(struct pending *p);
void pending_done(struct pending *p);

void pending_note(struct pending *p, uint32_t id, unsigned vector);
/* Takes that doorbell out; returns whether there was one. */
bool pending_take(struct pending *p, uint32_t id, unsigned vector);
/* Drops all doorbells of id, which left. */
void pending_forget(struct pending *p, uint32_t id);

#endif
