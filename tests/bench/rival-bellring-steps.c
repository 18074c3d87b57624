/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A load that changes by steps: trips back to back, then now and then, then back to
 * back again. A way to wait that adapts has to follow, without being told.
 */
#include "rival-bellring.h"

#include <string.h>

#define BURST 32u

static const struct {
	uint64_t gap_ns; /* from the begin of one to the next; 0: at once */
	unsigned messages; /* sent before the first answer is waited for */
} steps[SPEED_STEPS] = {
	{ 0, 1 }, { 30000, 1 }, { 1000000, 1 }, { 0, 1 }, { 100000, 1 }, { 1000000, BURST },
};

const char *const bellring_step_name[SPEED_STEPS] = {
	"back to back", "every 30 us", "every 1000 us", "back to back again",
	"every 100 us", "32 at once every 1000 us",
};

struct stepped {
	uint64_t number;
	uint64_t step; /* SPEED_STEPS: the end */
};

static int say(struct bellring_end *e, uint64_t step)
{
	struct stepped m = { 0, step };

	memcpy(e->end.buf, &m, sizeof(m));
	return bellring_put(e, e->end.buf, e->end.plan->size);
}

/* Messages there and back. */
static int exchange(struct bellring_end *e, uint64_t step, unsigned messages)
{
	for (unsigned i = 0; i < messages; i++)
		if (say(e, step) < 0)
			return -1;
	for (unsigned i = 0; i < messages; i++)
		if (bellring_get(e, e->end.buf, e->end.plan->size) < 0)
			return -1;
	return 0;
}

static int do_step(struct bellring_end *e, struct speed_result *result, unsigned step)
{
	struct speed_step *s = &result->step[step];
	uint64_t begin = rival_now(), end = begin + e->end.plan->time_ns;
	uint64_t next = begin, now = begin;

	s->first = result->samples;
	while (now < end) {
		if (steps[step].gap_ns > 0)
			now = rival_spin_until(next += steps[step].gap_ns);
		begin = now;
		if (exchange(e, step, steps[step].messages) < 0)
			return -1;
		now = rival_now();
		if (result->samples < (step + 1) * (SPEED_SAMPLES / SPEED_STEPS))
			result->sample[result->samples++] = now - begin;
	}
	s->samples = result->samples - s->first;
	return 0;
}

static int steps_client(struct rival_end *end, struct speed_result *result)
{
	struct bellring_end *e = (struct bellring_end *)end;
	int rc = 0;

	rival_begin(end);
	for (unsigned step = 0; step < SPEED_STEPS && rc == 0; step++)
		rc = do_step(e, result, step);
	rival_finish(end);
	return rc == 0 ? say(e, SPEED_STEPS) : rc;
}

/* Notes where a step begins; its message, or -1. */
static int64_t hear(struct bellring_end *e, struct speed_result *result, int64_t before)
{
	struct stepped m;

	if (bellring_get(e, e->end.buf, e->end.plan->size) < 0)
		return -1;
	memcpy(&m, e->end.buf, sizeof(m));
	if (m.step > SPEED_STEPS)
		return rival_fail("a message came of no step");
	if ((int64_t)m.step != before) {
		result->step[m.step].begin_cpu_ns = speed_cpu_ns();
		result->step[m.step].begin_ns = rival_now();
	}
	return (int64_t)m.step;
}

static int steps_server(struct rival_end *end, struct speed_result *result)
{
	struct bellring_end *e = (struct bellring_end *)end;
	int64_t step = -1;

	rival_begin(end);
	for (;;) {
		step = hear(e, result, step);
		if (step < 0)
			return -1;
		if (step == SPEED_STEPS)
			break;
		if (bellring_put(e, end->buf, end->plan->size) < 0)
			return -1;
	}
	rival_finish(end);
	return 0;
}

const struct speed_work bellring_steps = { "steps", steps_client, steps_server };
