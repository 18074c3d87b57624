/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages whose every byte is written once by who makes them and read once by who
 * takes them: in place, or in memory of their own and copied there and back.
 */
#include "rival-bellring.h"

#include <string.h>

#define LINE 64 /* bytes of a cache line */
#define PAIRS 4 /* of words in it */

/*
 * The work on a message is cheap, or it would hide what copying costs: vectors that every
 * x86-64 has, each in a register of its own.
 */
typedef uint64_t pair __attribute__((vector_size(16), aligned(8), may_alias));

/* No fixed text: each message has another one. */
static void fill(void *data, size_t len, uint64_t number)
{
	pair *at = data, *end = at + len / LINE * PAIRS;
	pair a = { number, number + 1 };

	for (; at < end; at += PAIRS, a += 2 * PAIRS) {
		at[0] = a;
		at[1] = a + 2;
		at[2] = a + 4;
		at[3] = a + 6;
	}
}

static uint64_t sum(const void *data, size_t len)
{
	const pair *at = data, *end = at + len / LINE * PAIRS;
	pair a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };

	for (; at < end; at += PAIRS) {
		a += at[0];
		b += at[1];
		c += at[2];
		d += at[3];
	}
	a += b + c + d;
	return a[0] + a[1];
}

/* Of what fill() wrote. */
static uint64_t sum_of(size_t len, uint64_t number)
{
	uint64_t n = len / sizeof(uint64_t);

	return n * number + n * (n - 1) / 2;
}

static int check(const void *data, size_t len, uint64_t number)
{
	if (sum(data, len) == sum_of(len, number))
		return 0;
	return rival_fail("message %llu came with other bytes", (unsigned long long)number);
}

/* ---- one message --------------------------------------------------------------- */

typedef int one_fn(struct bellring_end *e, uint64_t number);

static int make_in_place(struct bellring_end *e, uint64_t number)
{
	struct bell_envelope env = { .peer = *e->other };
	size_t len = e->end.plan->size;
	void *data;
	int rc = bell_reserve(e->bus, &env, len, -1, &data);

	if (rc < 0)
		return bellring_fail(rc, "bell_reserve");
	fill(data, len, number);
	rc = bell_commit(e->bus, env.peer, len);
	return rc < 0 ? bellring_fail(rc, "bell_commit") : 0;
}

static int take_in_place(struct bellring_end *e, uint64_t number)
{
	struct bell_envelope env;
	const void *data;
	int64_t n = bell_peek(e->bus, &env, &data, -1);
	int rc;

	if (n < 0)
		return bellring_fail(n, "bell_peek");
	rc = check(data, (size_t)n, number);
	n = bell_release(e->bus, env.peer);
	return n < 0 ? bellring_fail(n, "bell_release") : rc;
}

static int make_copied(struct bellring_end *e, uint64_t number)
{
	fill(e->end.buf, e->end.plan->size, number);
	return bellring_put(e, e->end.buf, e->end.plan->size);
}

static int take_copied(struct bellring_end *e, uint64_t number)
{
	if (bellring_get(e, e->end.buf, e->end.plan->size) < 0)
		return -1;
	return check(e->end.buf, e->end.plan->size, number);
}

/* ---- all of them --------------------------------------------------------------- */

static inline int do_all(struct rival_end *end, one_fn *one)
{
	struct bellring_end *e = (struct bellring_end *)end;

	for (uint64_t i = 0; i < end->plan->warmup + end->plan->count; i++) {
		if (i == end->plan->warmup)
			rival_begin(end);
		if (one(e, i) < 0)
			return -1;
	}
	rival_finish(end);
	return 0;
}

static int inplace_client(struct rival_end *end, struct speed_result *result)
{
	(void)result;
	return do_all(end, make_in_place);
}

static int inplace_server(struct rival_end *end, struct speed_result *result)
{
	(void)result;
	return do_all(end, take_in_place);
}

static int copying_client(struct rival_end *end, struct speed_result *result)
{
	(void)result;
	return do_all(end, make_copied);
}

static int copying_server(struct rival_end *end, struct speed_result *result)
{
	(void)result;
	return do_all(end, take_copied);
}

const struct speed_work bellring_inplace = { "in place", inplace_client, inplace_server };
const struct speed_work bellring_copying = { "copied", copying_client, copying_server };
