/* SPDX-License-Identifier: BSD-2-Clause */
/* Bellring in its ways to wait. */
#include "rival-bellring.h"

#include "rivals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How the ends find each other, in the measurement's shared memory. */
struct ids {
	_Atomic uint32_t of[2];
};

int bellring_fail(int64_t code, const char *call)
{
	return rival_fail("%s: %s: %s", call, bell_strerror((int)code), bell_detail());
}

int bellring_open(struct rival_end *end, enum bell_wait_mode mode)
{
	struct bellring_end *e = (struct bellring_end *)end;
	struct bell_bus_config config = { .wait = mode };
	struct ids *ids = end->shared;
	char address[160];
	int rc;

	snprintf(address, sizeof(address), "unix:%s", end->plan->server);
	rc = bell_open(address, -1, &e->peer);
	if (rc < 0)
		return bellring_fail(rc, "bell_open");
	rc = bell_join(e->peer, &config, &e->bus);
	if (rc < 0)
		return bellring_fail(rc, "bell_join");
	ids->of[end->side] = bell_id(e->peer);
	e->other = &ids->of[end->side == RIVAL_CLIENT ? RIVAL_SERVER : RIVAL_CLIENT];
	return 0;
}

void bellring_close(struct rival_end *end)
{
	struct bellring_end *e = (struct bellring_end *)end;

	bell_leave(e->bus);
	bell_close(e->peer);
}

void bellring_tally(struct rival_end *end)
{
	struct bell_stats stats;

	bell_get_stats(((struct bellring_end *)end)->bus, &stats);
	end->doorbells = stats.doorbells;
	end->wakes = stats.wakes;
}

/* Room for so many messages of that size, each at a multiple of 8. */
#define BELLRING_BATCH_BYTES(size) (BELLRING_BATCH * (((size) + 7) / 8 * 8))

#define RIVAL bellring
#include "rival-loops.h"

/* They change only with the memory that they lie in. */
static inline void set_parts(struct bellring_end *e, unsigned char *messages, size_t len)
{
	if (e->part[0].data == messages)
		return;
	for (unsigned i = 0; i < BELLRING_BATCH; i++)
		e->part[i] = (struct bell_part){ messages + i * len, len };
}

static inline int bellring_put_batch(struct bellring_end *e, unsigned char *messages, size_t len,
				     unsigned count)
{
	struct bell_envelope env = { .peer = *e->other };
	int64_t n;

	set_parts(e, messages, len);
	for (unsigned done = 0; done < count; done += (unsigned)n) {
		n = bell_send_batch(e->bus, &env, e->part + done, count - done, -1);
		if (n < 0)
			return bellring_fail(n, "bell_send_batch");
	}
	return 0;
}

#include "rival-batch.h"

static inline bool is_number(const struct bellring_end *e, const struct bell_part *msg,
			     uint64_t number)
{
	uint64_t got;

	memcpy(&got, msg->data, sizeof(got));
	if (msg->len != e->end.plan->size || got != number)
		return false;
	for (size_t i = sizeof(got); e->end.plan->check && i < msg->len; i++)
		if (((const unsigned char *)msg->data)[i] != RIVAL_BYTE)
			return false;
	return true;
}

/* The next messages, the first of that number, and no more than most; how many. */
static inline int64_t get_batch(struct bellring_end *e, unsigned char *buf, uint64_t number,
				uint64_t most)
{
	struct bell_part msgs[BELLRING_BATCH];
	size_t room = most < BELLRING_BATCH ? (size_t)most : BELLRING_BATCH;
	int64_t n = bell_recv_batch(e->bus, buf, BELLRING_BATCH_BYTES(e->end.plan->size),
				    msgs, room, NULL, -1);

	if (n < 0)
		return bellring_fail(n, "bell_recv_batch");
	for (int64_t i = 0; i < n; i++)
		if (!is_number(e, &msgs[i], number + (uint64_t)i))
			return rival_fail("message %llu: another one came",
					  (unsigned long long)number + (unsigned long long)i);
	return n;
}

static int receive_all(struct bellring_end *e, unsigned char *buf)
{
	const struct rival_plan *plan = e->end.plan;
	uint64_t all = plan->warmup + plan->count, until;
	int64_t n;

	for (uint64_t i = 0; i < all; i += (uint64_t)n) {
		if (i == plan->warmup)
			rival_begin(&e->end);
		until = i < plan->warmup ? plan->warmup : all;
		n = get_batch(e, buf, i, until - i);
		if (n < 0)
			return -1;
	}
	rival_finish(&e->end);
	return 0;
}

static int bellring_receive_batch(struct rival_end *end)
{
	unsigned char *buf = malloc(BELLRING_BATCH_BYTES(end->plan->size));
	int rc = buf ? receive_all((struct bellring_end *)end, buf) :
		       rival_fail("out of memory");

	free(buf);
	return rc;
}

/* ---- the four ---------------------------------------------------------------- */

static int open_interrupt(struct rival_end *end)
{
	return bellring_open(end, BELL_INTERRUPT);
}

static int open_polling(struct rival_end *end)
{
	return bellring_open(end, BELL_POLL);
}

static int open_poll_only(struct rival_end *end)
{
	return bellring_open(end, BELL_POLL_ONLY);
}

static int open_adaptive(struct rival_end *end)
{
	return bellring_open(end, BELL_ADAPTIVE);
}

#define BELLRING                                                                           \
	.kind = RIVAL_BELLRING, .end_size = sizeof(struct bellring_end),                   \
	.trip = bellring_trip, .echo = bellring_echo, .send = bellring_send,               \
	.receive = bellring_receive, .send_batch = bellring_send_batch,                    \
	.receive_batch = bellring_receive_batch, .close = bellring_close,                  \
	.tally = bellring_tally

const struct rival rival_bellring_interrupt = {
	.name = "bellring interrupt", .open = open_interrupt, BELLRING
};
const struct rival rival_bellring_polling = {
	.name = "bellring polling", .polls = true, .open = open_polling, BELLRING
};
const struct rival rival_bellring_poll_only = {
	.name = "bellring poll only", .polls = true, .open = open_poll_only, BELLRING
};
const struct rival rival_bellring_adaptive = {
	.name = "bellring adaptive", .open = open_adaptive, BELLRING
};
