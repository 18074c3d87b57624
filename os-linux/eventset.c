/* SPDX-License-Identifier: BSD-2-Clause */
#include "eventset.h"

#include "error.h"
#include "fd.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#define WAIT_MAX 64

void eventset_clear(struct eventset *set)
{
	set->epoll_fd = -1;
	for (unsigned i = 0; i < EVENTSET_VECTORS; i++)
		set->vector_fd[i] = -1;
}

int eventset_init(struct eventset *set)
{
	eventset_clear(set);
	set->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (set->epoll_fd < 0)
		return error_detail(from_errno(errno), "epoll_create1: %s",
				    strerror(errno));
	return 0;
}

static int add(struct eventset *set, int fd, uint32_t tag, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u32 = tag };

	if (epoll_ctl(set->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return error_detail(from_errno(errno), "epoll_ctl: %s",
				    strerror(errno));
	return 0;
}

int eventset_add_vector(struct eventset *set, unsigned vector, int *fd)
{
	int rc;

	if (vector >= EVENTSET_VECTORS || set->vector_fd[vector] >= 0) {
		fd_close(fd);
		return error_detail(BELL_EINVAL, "vector %u: given twice or out of range",
				    vector);
	}
	rc = add(set, *fd, vector, EPOLLIN | EPOLLET);
	if (rc < 0)
		fd_close(fd);
	else
		set->vector_fd[vector] = fd_take(fd);
	return rc;
}

int eventset_add_other(struct eventset *set, uint32_t tag, int fd)
{
	return add(set, fd, tag, EPOLLIN | EPOLLRDHUP);
}

void eventset_remove_other(struct eventset *set, int fd)
{
	(void)epoll_ctl(set->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

int eventset_wait(struct eventset *set, int timeout_ms, uint32_t *tags, int max)
{
	struct epoll_event ev[WAIT_MAX];
	int n;

	n = epoll_wait(set->epoll_fd, ev, max < WAIT_MAX ? max : WAIT_MAX,
		       timeout_ms);
	if (n < 0 && errno == EINTR)
		return error_plain(BELL_EINTR);
	if (n < 0)
		return error_detail(from_errno(errno), "epoll_wait: %s",
				    strerror(errno));
	for (int i = 0; i < n; i++)
		tags[i] = ev[i].data.u32;
	return n;
}

void eventset_done(struct eventset *set)
{
	fd_close(&set->epoll_fd);
	for (unsigned i = 0; i < EVENTSET_VECTORS; i++)
		fd_close(&set->vector_fd[i]);
}
