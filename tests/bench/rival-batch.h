/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rival-batch.h - the loop of a rival that sends several messages with one call
 *
 * To be included behind rival-loops.h, after
 *
 *	static inline int NAME_put_batch(struct NAME_end *e, unsigned char *messages,
 *					 size_t len, unsigned count);
 *
 * which sends count messages of len bytes each, one behind the other in messages, and
 * returns 0, or -1. It gives NAME_send_batch(). The messages stand ready, and only
 * their numbers are written: nobody pays here for collecting them.
 */
#include "rival.h"

#include <stdlib.h>
#include <string.h>

#define RIVAL_BATCH 64u
/* Larger messages are fewer a call, one at least. */
#define RIVAL_BATCH_BYTES ((size_t)256 << 10)

static inline unsigned RIVAL_FN(batch_most)(size_t size)
{
	if (size * RIVAL_BATCH <= RIVAL_BATCH_BYTES)
		return RIVAL_BATCH;
	return size >= RIVAL_BATCH_BYTES ? 1 : (unsigned)(RIVAL_BATCH_BYTES / size);
}

static inline int RIVAL_FN(send_numbered)(struct rival_end *end, unsigned char *messages,
					  uint64_t first, unsigned count)
{
	size_t size = end->plan->size;

	for (unsigned k = 0; k < count; k++) {
		uint64_t number = first + k;

		memcpy(messages + k * size, &number, sizeof(number));
	}
	return RIVAL_FN(put_batch)((RIVAL_END *)end, messages, size, count);
}

static inline int RIVAL_FN(send_all)(struct rival_end *end, unsigned char *messages,
				     unsigned most)
{
	const struct rival_plan *plan = end->plan;
	uint64_t all = plan->warmup + plan->count, left;
	unsigned n;

	for (uint64_t i = 0; i < all; i += n) {
		if (i == plan->warmup)
			rival_begin(end);
		left = (i < plan->warmup ? plan->warmup : all) - i;
		n = left < most ? (unsigned)left : most;
		if (RIVAL_FN(send_numbered)(end, messages, i, n) < 0)
			return -1;
	}
	rival_finish(end);
	return 0;
}

static inline int RIVAL_FN(send_batch)(struct rival_end *end)
{
	size_t size = end->plan->size;
	unsigned most = RIVAL_FN(batch_most)(size);
	unsigned char *messages = malloc(most * size);
	int rc;

	if (!messages)
		return rival_fail("%u messages of %zu bytes: out of memory", most, size);
	for (unsigned k = 0; k < most; k++)
		memcpy(messages + k * size, end->buf, size);
	rc = RIVAL_FN(send_all)(end, messages, most);
	free(messages);
	return rc;
}
