/* SPDX-License-Identifier: BSD-2-Clause */
/* Two eventfds: epoll, level-triggered, then read(2). */
#include "rivals.h"

#include "rival-eventfd.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#define RIVAL eventfd

static inline int eventfd_put(struct eventfd_end *e, const void *msg, size_t len)
{
	(void)msg;
	(void)len;
	return eventfd_ring(e);
}

static inline int eventfd_get(struct eventfd_end *e, void *buf, size_t len)
{
	struct epoll_event event;

	(void)buf;
	(void)len;
	if (epoll_wait(e->epoll_fd, &event, 1, -1) != 1)
		return rival_fail("epoll_wait: %s", strerror(errno));
	return eventfd_take(e);
}

#include "rival-loops.h"

const struct rival rival_eventfd_epoll = {
	.name = "eventfd epoll",
	.kind = RIVAL_LIMIT,
	.empty = true,
	.largest = EVENTFD_LARGEST,
	.end_size = sizeof(struct eventfd_end),
	.prepare = eventfd_prepare,
	.open = eventfd_open_epoll,
	.trip = eventfd_trip,
	.echo = eventfd_echo,
	.close = eventfd_close,
};
