/* SPDX-License-Identifier: BSD-2-Clause */
/* Bellring in a program that watches bell_handle() itself, by poll(2). */
#include "rivals.h"

#include "rival-bellring.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

struct poll_end {
	struct bellring_end b;
};

static inline int poll_sleep(struct poll_end *e)
{
	struct pollfd p = { .fd = bell_handle(e->b.peer), .events = POLLIN };

	return poll(&p, 1, -1) == 1 ? 0 : rival_fail("poll: %s", strerror(errno));
}

/* As bell_dispatch() has it: look, sleep when nothing is there, dispatch. */
static inline int poll_get(struct poll_end *e, void *buf, size_t len)
{
	struct bellring_end *b = &e->b;
	int64_t n;

	for (;;) {
		n = bell_recv(b->bus, buf, len, NULL, 0);
		if (n != -BELL_EAGAIN)
			return n < 0 ? bellring_fail(n, "bell_recv") : 0;
		if (poll_sleep(e) < 0)
			return -1;
		n = bell_dispatch(b->peer);
		if (n < 0)
			return bellring_fail(n, "bell_dispatch");
	}
}

static inline int poll_put(struct poll_end *e, const void *msg, size_t len)
{
	return bellring_put(&e->b, msg, len);
}

#define RIVAL poll
#include "rival-loops.h"

static int poll_open(struct rival_end *end)
{
	return bellring_open(end, BELL_INTERRUPT);
}

static void poll_close(struct rival_end *end)
{
	bellring_close(end);
}

const struct rival rival_bellring_poll = {
	.name = "bellring poll(2)",
	.kind = RIVAL_BELLRING,
	.end_size = sizeof(struct poll_end),
	.open = poll_open,
	.trip = poll_trip,
	.echo = poll_echo,
	.close = poll_close,
	.tally = bellring_tally,
};
