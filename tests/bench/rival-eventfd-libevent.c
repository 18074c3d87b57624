/* SPDX-License-Identifier: BSD-2-Clause */
/* Two eventfds: a callback of a libevent loop, which reads one and writes the other. */
#include "rivals.h"

#include "rival-eventfd.h"

#include <event2/event.h>
#include <stdlib.h>

struct loop_end {
	struct eventfd_end fds;
	struct event_base *base;
	struct event *event;
	struct rival_trips *trips; /* the client's */
	uint64_t done;             /* trips of this turn */
	uint64_t before_ns;
	int failed;
};

static uint64_t all_of(const struct rival_end *end)
{
	return end->plan->warmup + end->plan->count;
}

static void note_trip(struct loop_end *e)
{
	const struct rival_plan *plan = e->fds.end.plan;
	uint64_t now = rival_now();

	if (e->done >= plan->warmup)
		e->trips->sample[e->done - plan->warmup] = now - e->before_ns;
	e->before_ns = now;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct loop_end *e = arg;
	struct rival_end *end = &e->fds.end;

	(void)fd;
	(void)what;
	e->failed = eventfd_take(&e->fds);
	if (e->trips)
		note_trip(e);
	if (++e->done == end->plan->warmup)
		rival_begin(end);
	/* The client began it, and has no more to say at its end. */
	if (e->failed == 0 && (!e->trips || e->done < all_of(end)))
		e->failed = eventfd_ring(&e->fds);
	if (e->failed < 0 || e->done == all_of(end))
		event_base_loopbreak(e->base);
}

static int run(struct rival_end *end)
{
	struct loop_end *e = (struct loop_end *)end;

	e->done = 0;
	if (end->plan->warmup == 0)
		rival_begin(end);
	e->before_ns = rival_now();
	if (e->trips && eventfd_ring(&e->fds) < 0)
		return -1;
	if (event_base_dispatch(e->base) < 0 || e->failed < 0)
		return rival_fail("the loop failed");
	rival_finish(end);
	return 0;
}

static int loop_trip(struct rival_end *end, struct rival_trips *trips)
{
	((struct loop_end *)end)->trips = trips;
	return run(end);
}

static int loop_open(struct rival_end *end)
{
	struct loop_end *e = (struct loop_end *)end;

	if (eventfd_open(end) < 0)
		return -1;
	e->base = event_base_new();
	if (!e->base)
		return rival_fail("event_base_new");
	e->event = event_new(e->base, e->fds.in, EV_READ | EV_PERSIST, on_readable, e);
	if (!e->event || event_add(e->event, NULL) < 0)
		return rival_fail("event_add");
	return 0;
}

static void loop_close(struct rival_end *end)
{
	struct loop_end *e = (struct loop_end *)end;

	event_free(e->event);
	event_base_free(e->base);
	eventfd_close(end);
}

const struct rival rival_eventfd_libevent = {
	.name = "eventfd libevent",
	.kind = RIVAL_LIMIT,
	.empty = true,
	.largest = EVENTFD_LARGEST,
	.end_size = sizeof(struct loop_end),
	.prepare = eventfd_prepare,
	.open = loop_open,
	.trip = loop_trip,
	.echo = run,
	.close = loop_close,
};
