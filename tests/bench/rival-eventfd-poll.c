/* SPDX-License-Identifier: BSD-2-Clause */
/* Two eventfds: poll(2), then read(2). */
#include "rivals.h"

#include "rival-eventfd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define RIVAL eventfd

static inline int eventfd_put(struct eventfd_end *e, const void *msg, size_t len)
{
	(void)msg;
	(void)len;
	return eventfd_ring(e);
}

static inline int eventfd_get(struct eventfd_end *e, void *buf, size_t len)
{
	struct pollfd p = { .fd = e->in, .events = POLLIN };

	(void)buf;
	(void)len;
	if (poll(&p, 1, -1) != 1)
		return rival_fail("poll: %s", strerror(errno));
	return eventfd_take(e);
}

#include "rival-loops.h"

const struct rival rival_eventfd_poll = {
	.name = "eventfd poll(2)",
	.kind = RIVAL_LIMIT,
	.empty = true,
	.largest = EVENTFD_LARGEST,
	.end_size = sizeof(struct eventfd_end),
	.prepare = eventfd_prepare,
	.open = eventfd_open,
	.trip = eventfd_trip,
	.echo = eventfd_echo,
	.close = eventfd_close,
};
