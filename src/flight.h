/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flight.h - the calls in flight, found by their id
 */
#ifndef BELL_FLIGHT_H
#define BELL_FLIGHT_H

#include "call-set.h"

struct call {
	struct queue item; /* of call_set.ended, while its callback is due */
	struct due due;
	struct call *next; /* of its bucket */
	struct bell_bus *bus;
	uint64_t id;
	struct bus_remote to;
	uint16_t method;
	bool sent;
	bool ended;
	int64_t result;
	bell_reply_fn *fn; /* NULL: bell_call() waits for it */
	void *arg;
	unsigned char *copy; /* of the reply, for fn */
	void *buf;           /* of bell_call() */
	size_t room;
	size_t len; /* of the reply, whether it fits or not */
	char why[CALL_WHY_MAX + 1];
};

/* NULL if there is none. */
struct call *flight_find(const struct call_set *set, uint64_t id);
/* There is room for one more. 0, or -BELL_ENOMEM. */
int flight_room(struct call_set *set);
void flight_list(struct call_set *set, struct call *call);
/* Takes it out of the queue of ended ones and of the deadlines, too. */
void flight_unlist(struct call_set *set, struct call *call);

#endif
