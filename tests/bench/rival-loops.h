/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rival-loops.h - the loops of every rival, around its own two functions
 *
 * Before it is included, for "struct NAME_end" with a rival_end as its first member:
 *
 *	#define RIVAL NAME
 *	static inline int NAME_put(struct NAME_end *e, const void *msg, size_t len);
 *	static inline int NAME_get(struct NAME_end *e, void *buf, size_t len);
 *
 * put waits for space and sends one message of len bytes; get waits for one and copies
 * it to buf. 0, or -1. It gives NAME_trip(), NAME_echo(), NAME_send() and
 * NAME_receive(). A message begins with its number, which the receiver checks, with
 * plan->check the rest, too.
 */
#include "rival.h"

#include <string.h>

#define RIVAL_JOIN_(a, b) a##_##b
#define RIVAL_JOIN(a, b) RIVAL_JOIN_(a, b)
#define RIVAL_FN(what) RIVAL_JOIN(RIVAL, what)
#define RIVAL_END struct RIVAL_FN(end)

static inline bool RIVAL_FN(is_checked)(const struct rival_end *end)
{
	return end->plan->check && !end->rival->empty;
}

static inline bool RIVAL_FN(is_whole)(const struct rival_end *end)
{
	for (size_t i = sizeof(uint64_t); i < end->plan->size; i++)
		if (end->buf[i] != RIVAL_BYTE)
			return false;
	return true;
}

/* Gets a message, and leaves nothing of the one before. */
static inline int RIVAL_FN(await_message)(RIVAL_END *e, struct rival_end *end)
{
	if (RIVAL_FN(is_checked)(end))
		memset(end->buf, 0, end->plan->size);
	return RIVAL_FN(get)(e, end->buf, end->plan->size);
}

static inline bool RIVAL_FN(is_number)(const struct rival_end *end, uint64_t number)
{
	uint64_t got;

	memcpy(&got, end->buf, sizeof(got));
	return got == number && (!RIVAL_FN(is_checked)(end) || RIVAL_FN(is_whole)(end));
}

static inline int RIVAL_FN(trip)(struct rival_end *end, struct rival_trips *trips)
{
	RIVAL_END *e = (RIVAL_END *)end;
	uint64_t all = end->plan->warmup + end->plan->count, before, after;

	before = rival_now();
	for (uint64_t i = 0; i < all; i++) {
		if (i == end->plan->warmup)
			rival_begin(end);
		if (end->plan->gap_ns > 0)
			before = rival_spin_until(before + end->plan->gap_ns);
		memcpy(end->buf, &i, sizeof(i));
		if (RIVAL_FN(put)(e, end->buf, end->plan->size) < 0 ||
		    RIVAL_FN(await_message)(e, end) < 0)
			return -1;
		after = rival_now();
		if (!RIVAL_FN(is_number)(end, i))
			return rival_fail("trip %llu: another message came",
					  (unsigned long long)i);
		if (i >= end->plan->warmup)
			trips->sample[i - end->plan->warmup] = after - before;
		if (end->plan->gap_ns == 0)
			before = after;
	}
	rival_finish(end);
	return 0;
}

static inline int RIVAL_FN(echo)(struct rival_end *end)
{
	RIVAL_END *e = (RIVAL_END *)end;

	for (uint64_t i = 0; i < end->plan->warmup + end->plan->count; i++) {
		if (i == end->plan->warmup)
			rival_begin(end);
		if (RIVAL_FN(await_message)(e, end) < 0 ||
		    RIVAL_FN(put)(e, end->buf, end->plan->size) < 0)
			return -1;
	}
	rival_finish(end);
	return 0;
}

static inline int RIVAL_FN(send)(struct rival_end *end)
{
	RIVAL_END *e = (RIVAL_END *)end;

	for (uint64_t i = 0; i < end->plan->warmup + end->plan->count; i++) {
		if (i == end->plan->warmup)
			rival_begin(end);
		memcpy(end->buf, &i, sizeof(i));
		if (RIVAL_FN(put)(e, end->buf, end->plan->size) < 0)
			return -1;
	}
	rival_finish(end);
	return 0;
}

static inline int RIVAL_FN(receive)(struct rival_end *end)
{
	RIVAL_END *e = (RIVAL_END *)end;

	for (uint64_t i = 0; i < end->plan->warmup + end->plan->count; i++) {
		if (i == end->plan->warmup)
			rival_begin(end);
		if (RIVAL_FN(await_message)(e, end) < 0)
			return -1;
		if (!RIVAL_FN(is_number)(end, i))
			return rival_fail("message %llu: another one came",
					  (unsigned long long)i);
	}
	rival_finish(end);
	return 0;
}
