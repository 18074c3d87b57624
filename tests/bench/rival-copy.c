/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A limit: what two cores can move through a shared ring of 1 MiB, when one copies
 * into it and the other out of it. There are no messages in it, only bytes, and a
 * position each way, told once a part of the ring: the copies are all it costs.
 */
#include "rivals.h"

#include "atomic.h"

#include <string.h>

#define RING ((size_t)1 << 20)

struct copy_memory {
	_Alignas(128) shm_u64 written;
	_Alignas(128) shm_u64 read;
	_Alignas(4096) unsigned char ring[RING];
};

struct copy_end {
	struct rival_end end;
	struct copy_memory *memory;
	size_t part;    /* bytes, a power of two, as messages and the ring are */
	uint64_t pos;   /* bytes put, or got */
	uint64_t limit; /* up to where that needs no look at the other's position */
	uint64_t all;   /* bytes of the whole stream */
};

#define RIVAL copy

/* Where the next part is, once it is ours. */
static inline unsigned char *copy_await(struct copy_end *e, shm_u64 *word,
					uint64_t ahead)
{
	while (e->pos >= e->limit)
		e->limit = shm_acquire(word) + ahead;
	return &e->memory->ring[e->pos % RING];
}

static inline void copy_advance(struct copy_end *e, shm_u64 *word, size_t len)
{
	e->pos += len;
	if ((e->pos & (e->part - 1)) == 0 || e->pos == e->all)
		shm_release(word, e->pos);
}

/* A message is a fraction of a part, or several of them. */
static inline size_t copy_piece(const struct copy_end *e, size_t len)
{
	return len < e->part ? len : e->part;
}

static inline int copy_put(struct copy_end *e, const void *msg, size_t len)
{
	const unsigned char *from = msg;
	size_t n = copy_piece(e, len);

	for (size_t at = 0; at < len; at += n) {
		memcpy(copy_await(e, &e->memory->read, RING), from + at, n);
		copy_advance(e, &e->memory->written, n);
	}
	return 0;
}

static inline int copy_get(struct copy_end *e, void *buf, size_t len)
{
	unsigned char *to = buf;
	size_t n = copy_piece(e, len);

	for (size_t at = 0; at < len; at += n) {
		memcpy(to + at, copy_await(e, &e->memory->written, 0), n);
		copy_advance(e, &e->memory->read, n);
	}
	return 0;
}

#include "rival-loops.h"

static int copy_open(struct rival_end *end)
{
	struct copy_end *e = (struct copy_end *)end;
	const struct rival_plan *plan = end->plan;

	e->memory = end->shared;
	e->part = plan->part > 0 ? plan->part : RING / 8;
	e->all = (plan->warmup + plan->count) * plan->size;
	if ((plan->size & (plan->size - 1)) != 0 || plan->size > RING)
		return rival_fail("only sizes that divide %zu", RING);
	return 0;
}

/* A turn before may have ended within a part. */
static void copy_restart(struct rival_end *end)
{
	struct copy_end *e = (struct copy_end *)end;
	bool serves = end->side == RIVAL_SERVER;

	shm_release(serves ? &e->memory->read : &e->memory->written, 0);
	e->pos = e->limit = 0;
}

static void copy_close(struct rival_end *end)
{
	(void)end;
}

const struct rival rival_copy = {
	.name = "two-core copy",
	.kind = RIVAL_LIMIT,
	.polls = true,
	.one_way = true,
	.largest = RING,
	.end_size = sizeof(struct copy_end),
	.open = copy_open,
	.restart = copy_restart,
	.send = copy_send,
	.receive = copy_receive,
	.close = copy_close,
};
