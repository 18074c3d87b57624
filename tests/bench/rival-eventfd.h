/* SPDX-License-Identifier: BSD-2-Clause */
/* rival-eventfd.h - a limit: two eventfds, which carry nothing but a wake-up */
#ifndef BENCH_RIVAL_EVENTFD_H
#define BENCH_RIVAL_EVENTFD_H

#include "rival.h"

#include <unistd.h>

struct eventfd_end {
	struct rival_end end;
	int in, out;
	int epoll_fd; /* with "in"; -1: none */
};

/** For prepare: one eventfd each way, which block. */
int eventfd_prepare(struct rival_end *client, struct rival_end *server);

/** For open. eventfd_open_epoll: with the incoming one in an epoll instance. */
int eventfd_open(struct rival_end *end);
int eventfd_open_epoll(struct rival_end *end);
void eventfd_close(struct rival_end *end);

static inline int eventfd_ring(const struct eventfd_end *e)
{
	uint64_t one = 1;

	if (write(e->out, &one, sizeof(one)) != sizeof(one))
		return rival_fail("writing to an eventfd failed");
	return 0;
}

static inline int eventfd_take(const struct eventfd_end *e)
{
	uint64_t count;

	if (read(e->in, &count, sizeof(count)) != sizeof(count))
		return rival_fail("reading an eventfd failed");
	return 0;
}

/* It carries no number: the one that its reader expects comes back. */
#define EVENTFD_LARGEST 4096

#endif
