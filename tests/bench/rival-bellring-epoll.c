/* SPDX-License-Identifier: BSD-2-Clause */
/* Bellring in a program that watches bell_handle() itself, by epoll. */
#include "rivals.h"

#include "rival-bellring.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct epoll_end {
	struct bellring_end b;
	int fd;
};

static inline int epoll_sleep(struct epoll_end *e)
{
	struct epoll_event event;

	if (epoll_wait(e->fd, &event, 1, -1) != 1)
		return rival_fail("epoll_wait: %s", strerror(errno));
	return 0;
}

/* As bell_dispatch() has it: look, sleep when nothing is there, dispatch. */
static inline int epoll_get(struct epoll_end *e, void *buf, size_t len)
{
	struct bellring_end *b = &e->b;
	int64_t n;

	for (;;) {
		n = bell_recv(b->bus, buf, len, NULL, 0);
		if (n != -BELL_EAGAIN)
			return n < 0 ? bellring_fail(n, "bell_recv") : 0;
		if (epoll_sleep(e) < 0)
			return -1;
		n = bell_dispatch(b->peer);
		if (n < 0)
			return bellring_fail(n, "bell_dispatch");
	}
}

static inline int epoll_put(struct epoll_end *e, const void *msg, size_t len)
{
	return bellring_put(&e->b, msg, len);
}

#define RIVAL epoll
#include "rival-loops.h"

static int epoll_open(struct rival_end *end)
{
	struct epoll_end *e = (struct epoll_end *)end;
	struct epoll_event event = { .events = EPOLLIN };

	if (bellring_open(end, BELL_INTERRUPT) < 0)
		return -1;
	e->fd = epoll_create1(EPOLL_CLOEXEC);
	if (e->fd < 0 || epoll_ctl(e->fd, EPOLL_CTL_ADD, bell_handle(e->b.peer), &event) < 0)
		return rival_fail("epoll: %s", strerror(errno));
	return 0;
}

static void epoll_close(struct rival_end *end)
{
	close(((struct epoll_end *)end)->fd);
	bellring_close(end);
}

const struct rival rival_bellring_epoll = {
	.name = "bellring epoll",
	.kind = RIVAL_BELLRING,
	.end_size = sizeof(struct epoll_end),
	.open = epoll_open,
	.trip = epoll_trip,
	.echo = epoll_echo,
	.close = epoll_close,
	.tally = bellring_tally,
};
