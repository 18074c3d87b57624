/* SPDX-License-Identifier: BSD-2-Clause */
/* Bellring in a libevent loop, by its glue: callbacks of bell_on_message() answer. */
#include "rivals.h"

#include "rival-bellring.h"

#include <bellring-event.h>
#include <event2/event.h>
#include <string.h>

struct glue_end {
	struct bellring_end b;
	struct event_base *base;
	struct bell_event *event;
	struct rival_trips *trips; /* the client's */
	uint64_t done;             /* trips of this turn */
	uint64_t before_ns;
	int failed;
};

static uint64_t all_of(const struct rival_end *end)
{
	return end->plan->warmup + end->plan->count;
}

static int say(struct glue_end *e)
{
	struct rival_end *end = &e->b.end;

	memcpy(end->buf, &e->done, sizeof(e->done));
	return bellring_put(&e->b, end->buf, end->plan->size);
}

static int note_trip(struct glue_end *e)
{
	const struct rival_plan *plan = e->b.end.plan;
	uint64_t now = rival_now(), number;

	memcpy(&number, e->b.end.buf, sizeof(number));
	if (number != e->done)
		return rival_fail("trip %llu: another message came",
				  (unsigned long long)e->done);
	if (e->done >= plan->warmup)
		e->trips->sample[e->done - plan->warmup] = now - e->before_ns;
	e->before_ns = now;
	return 0;
}

static void on_message(struct bell_bus *bus, const struct bell_envelope *env,
		       const void *data, void *arg)
{
	struct glue_end *e = arg;
	struct rival_end *end = &e->b.end;

	(void)bus;
	memcpy(end->buf, data, env->len < end->plan->size ? (size_t)env->len : end->plan->size);
	if (e->trips)
		e->failed = note_trip(e);
	else
		e->failed = bellring_put(&e->b, end->buf, end->plan->size);
	if (++e->done == end->plan->warmup)
		rival_begin(end);
	if (e->trips && e->failed == 0 && e->done < all_of(end))
		e->failed = say(e);
	if (e->failed < 0 || e->done == all_of(end))
		event_base_loopbreak(e->base);
}

static void on_error(struct bell_peer *peer, int code, void *arg)
{
	struct glue_end *e = arg;

	(void)peer;
	e->failed = bellring_fail(code, "bell_dispatch");
	event_base_loopbreak(e->base);
}

static int run(struct rival_end *end)
{
	struct glue_end *e = (struct glue_end *)end;

	e->done = 0;
	if (end->plan->warmup == 0)
		rival_begin(end);
	e->before_ns = rival_now();
	if (e->trips && say(e) < 0)
		return -1;
	if (event_base_dispatch(e->base) < 0 || e->failed < 0)
		return rival_fail("the loop failed");
	rival_finish(end);
	return 0;
}

static int glue_trip(struct rival_end *end, struct rival_trips *trips)
{
	((struct glue_end *)end)->trips = trips;
	return run(end);
}

static int glue_open(struct rival_end *end)
{
	struct glue_end *e = (struct glue_end *)end;

	if (bellring_open(end, BELL_INTERRUPT) < 0)
		return -1;
	bell_on_message(e->b.bus, on_message, e);
	e->base = event_base_new();
	if (e->base)
		e->event = bell_event_new(e->base, e->b.peer, on_error, e);
	return e->event ? 0 : rival_fail("no loop");
}

static void glue_close(struct rival_end *end)
{
	struct glue_end *e = (struct glue_end *)end;

	bell_event_free(e->event);
	event_base_free(e->base);
	bellring_close(end);
}

const struct rival rival_bellring_libevent = {
	.name = "bellring libevent",
	.kind = RIVAL_BELLRING,
	.largest = 64u << 10, /* it puts no pieces together */
	.end_size = sizeof(struct glue_end),
	.open = glue_open,
	.trip = glue_trip,
	.echo = run,
	.close = glue_close,
	.tally = bellring_tally,
};
