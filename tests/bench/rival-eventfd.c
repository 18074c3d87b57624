/* SPDX-License-Identifier: BSD-2-Clause */
#include "rival-eventfd.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

int eventfd_prepare(struct rival_end *client, struct rival_end *server)
{
	struct eventfd_end *c = (struct eventfd_end *)client;
	struct eventfd_end *s = (struct eventfd_end *)server;
	int to_server = eventfd(0, EFD_CLOEXEC), to_client = eventfd(0, EFD_CLOEXEC);

	if (to_server < 0 || to_client < 0)
		return rival_fail("eventfd: %s", strerror(errno));
	c->out = s->in = to_server;
	s->out = c->in = to_client;
	return 0;
}

int eventfd_open(struct rival_end *end)
{
	((struct eventfd_end *)end)->epoll_fd = -1;
	return 0;
}

int eventfd_open_epoll(struct rival_end *end)
{
	struct eventfd_end *e = (struct eventfd_end *)end;
	struct epoll_event event = { .events = EPOLLIN };

	e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (e->epoll_fd < 0 || epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, e->in, &event) < 0)
		return rival_fail("epoll: %s", strerror(errno));
	return 0;
}

void eventfd_close(struct rival_end *end)
{
	struct eventfd_end *e = (struct eventfd_end *)end;

	close(e->in);
	close(e->out);
	if (e->epoll_fd >= 0)
		close(e->epoll_fd);
}
