/* SPDX-License-Identifier: BSD-2-Clause */
/* A limit: one word each way, each on a cache line of its own, and nothing else. */
#include "rivals.h"

#include "atomic.h"

struct line_words {
	_Alignas(128) shm_u64 to_server;
	_Alignas(128) shm_u64 to_client;
};

struct line_end {
	struct rival_end end;
	shm_u64 *out, *in;
	uint64_t expected;
};

#define RIVAL line

/* Words are numbers from 1 on: before a turn they are zero. */
static inline int line_put(struct line_end *e, const void *msg, size_t len)
{
	uint64_t number = *(const uint64_t *)msg;

	(void)len;
	shm_release(e->out, number + 1);
	return 0;
}

static inline int line_get(struct line_end *e, void *buf, size_t len)
{
	(void)len;
	while (shm_acquire(e->in) != e->expected)
		;
	*(uint64_t *)buf = e->expected++ - 1;
	return 0;
}

#include "rival-loops.h"

static int line_open(struct rival_end *end)
{
	struct line_end *e = (struct line_end *)end;
	struct line_words *words = end->shared;
	bool serves = end->side == RIVAL_SERVER;

	e->out = serves ? &words->to_client : &words->to_server;
	e->in = serves ? &words->to_server : &words->to_client;
	return 0;
}

static void line_restart(struct rival_end *end)
{
	struct line_end *e = (struct line_end *)end;

	shm_release(e->in, 0);
	e->expected = 1;
}

static void line_close(struct rival_end *end)
{
	(void)end;
}

const struct rival rival_line = {
	.name = "cache line",
	.kind = RIVAL_LIMIT,
	.polls = true,
	.largest = 8,
	.end_size = sizeof(struct line_end),
	.open = line_open,
	.restart = line_restart,
	.trip = line_trip,
	.echo = line_echo,
	.close = line_close,
};
