/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ZeroMQ over its ipc transport
 *
 * PAIR sockets: made for two peers, both ways. PUSH and PULL, which balance a load over
 * many peers, were no faster. Batches are ZeroMQ's own work: its thread sends what has
 * gathered. The high-water mark, which counts messages, is as many as a cache holds: more
 * cost a third of the rate, of 64 KiB with its default of a thousand as of 64 B with a
 * hundred thousand. Buffers of its sockets are left alone, as its authors advise; one
 * thread for input and output is enough for gigabytes a second.
 */
#include "rival.h"
#include "rivals.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define SCHEME "ipc://"
#define QUEUE_BYTES ((size_t)1 << 20)
#define QUEUE_LEAST 4
#define QUEUE_MOST 4000

struct zeromq_end {
	struct rival_end end;
	void *context, *socket; /* owned */
	char address[256];
};

static int zeromq_fail(const char *what)
{
	return rival_fail("%s: %s", what, zmq_strerror(errno));
}

static inline int zeromq_put(struct zeromq_end *e, const void *message, size_t len)
{
	int n;

	do
		n = zmq_send(e->socket, message, len, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? zeromq_fail("zmq_send") : 0;
}

static inline int zeromq_get(struct zeromq_end *e, void *buf, size_t len)
{
	int n;

	do
		n = zmq_recv(e->socket, buf, len, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return zeromq_fail("zmq_recv");
	if ((size_t)n != len)
		return rival_fail("zmq_recv: %d bytes, and not %zu, came", n, len);
	return 0;
}

#define RIVAL zeromq
#include "rival-loops.h"

static int high_water(size_t size)
{
	size_t n = QUEUE_BYTES / size;

	if (n < QUEUE_LEAST)
		return QUEUE_LEAST;
	return n < QUEUE_MOST ? (int)n : QUEUE_MOST;
}

static int set_up(struct zeromq_end *e)
{
	int mark = high_water(e->end.plan->size);

	e->context = zmq_ctx_new();
	e->socket = e->context ? zmq_socket(e->context, ZMQ_PAIR) : NULL;
	if (!e->socket)
		return zeromq_fail("zmq_socket");
	if (zmq_setsockopt(e->socket, ZMQ_SNDHWM, &mark, sizeof(mark)) < 0 ||
	    zmq_setsockopt(e->socket, ZMQ_RCVHWM, &mark, sizeof(mark)) < 0)
		return zeromq_fail("zmq_setsockopt");
	return 0;
}

static int open_end(struct rival_end *end)
{
	struct zeromq_end *e = (struct zeromq_end *)end;
	int n = snprintf(e->address, sizeof(e->address), SCHEME "%s/zeromq",
			 end->plan->folder);

	if (n < 0 || (size_t)n >= sizeof(e->address))
		return rival_fail("%s: the path is too long", end->plan->folder);
	if (set_up(e) < 0)
		return -1;
	if (end->side == RIVAL_SERVER)
		n = zmq_bind(e->socket, e->address);
	else
		n = zmq_connect(e->socket, e->address);
	return n < 0 ? zeromq_fail(e->address) : 0;
}

static void close_end(struct rival_end *end)
{
	struct zeromq_end *e = (struct zeromq_end *)end;

	(void)zmq_close(e->socket);
	(void)zmq_ctx_term(e->context);
	/* Its socket is not removed by itself. */
	if (end->side == RIVAL_SERVER)
		(void)unlink(e->address + strlen(SCHEME));
}

const struct rival rival_zeromq = {
	.name = "zeromq ipc",
	.end_size = sizeof(struct zeromq_end),
	.open = open_end,
	.trip = zeromq_trip,
	.echo = zeromq_echo,
	.send = zeromq_send,
	.receive = zeromq_receive,
	.close = close_end,
};
