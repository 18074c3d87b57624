/* SPDX-License-Identifier: BSD-2-Clause */
/* Two eventfds: a blocking read(2). */
#include "rivals.h"

#include "rival-eventfd.h"

#define RIVAL eventfd

static inline int eventfd_put(struct eventfd_end *e, const void *msg, size_t len)
{
	(void)msg;
	(void)len;
	return eventfd_ring(e);
}

static inline int eventfd_get(struct eventfd_end *e, void *buf, size_t len)
{
	(void)buf;
	(void)len;
	return eventfd_take(e);
}

#include "rival-loops.h"

const struct rival rival_eventfd_read = {
	.name = "eventfd read",
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
