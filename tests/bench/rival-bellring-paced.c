/* SPDX-License-Identifier: BSD-2-Clause */
/* Receivers that have little to do: a message now and then, or none for long. */
#include "rival-bellring.h"

#include <string.h>
#include <time.h>

#define SETTLE_MS 20

struct stamped {
	uint64_t number, sent_ns; /* this machine's monotonic clock */
};

static int stamp(struct bellring_end *e, uint64_t number)
{
	struct stamped s = { number, rival_now() };

	memcpy(e->end.buf, &s, sizeof(s));
	return bellring_put(e, e->end.buf, e->end.plan->size);
}

static int paced_client(struct rival_end *end, struct speed_result *result)
{
	const struct rival_plan *plan = end->plan;
	uint64_t next_ns = rival_now();

	(void)result;
	for (uint64_t i = 0; i < plan->warmup + plan->count; i++) {
		if (i == plan->warmup)
			rival_begin(end);
		next_ns = rival_spin_until(next_ns + plan->gap_ns);
		if (stamp((struct bellring_end *)end, i) < 0)
			return -1;
	}
	rival_finish(end);
	return 0;
}

static int paced_server(struct rival_end *end, struct speed_result *result)
{
	const struct rival_plan *plan = end->plan;
	struct stamped s;

	result->samples = plan->count;
	for (uint64_t i = 0; i < plan->warmup + plan->count; i++) {
		if (i == plan->warmup)
			rival_begin(end);
		if (bellring_get((struct bellring_end *)end, end->buf, plan->size) < 0)
			return -1;
		memcpy(&s, end->buf, sizeof(s));
		if (s.number != i)
			return rival_fail("another message came");
		if (i >= plan->warmup)
			result->sample[i - plan->warmup] = rival_now() - s.sent_ns;
	}
	rival_finish(end);
	return 0;
}

/*
 * One message, so that all is set up; silence, which begins once nothing is left of
 * the news that peers came; another message.
 */
static int idle_client(struct rival_end *end, struct speed_result *result)
{
	uint64_t ns = end->plan->time_ns;
	struct timespec silence = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };

	if (stamp((struct bellring_end *)end, 0) < 0)
		return -1;
	while (!result->settled)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	rival_begin(end);
	nanosleep(&silence, NULL);
	if (stamp((struct bellring_end *)end, 1) < 0)
		return -1;
	rival_finish(end);
	return 0;
}

static int idle_server(struct rival_end *end, struct speed_result *result)
{
	struct bellring_end *e = (struct bellring_end *)end;
	int64_t n;

	if (bellring_get(e, end->buf, end->plan->size) < 0)
		return -1;
	n = bell_recv(e->bus, end->buf, end->plan->size, NULL, SETTLE_MS);
	if (n != -BELL_EAGAIN)
		return bellring_fail(n, "bell_recv when nothing comes");
	rival_begin(end);
	result->settled = 1;
	if (bellring_get(e, end->buf, end->plan->size) < 0)
		return -1;
	rival_finish(end);
	return 0;
}

const struct speed_work bellring_paced = { "paced", paced_client, paced_server };
const struct speed_work bellring_idle = { "idle", idle_client, idle_server };
