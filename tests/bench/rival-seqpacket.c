/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pair of UNIX sockets that keep messages apart. One call a message, or sendmmsg().
 */
#define _GNU_SOURCE /* sendmmsg() */
#include "rival.h"
#include "rivals.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH_MOST 64

struct seqpacket_end {
	struct rival_end end;
	int fd, others_fd; /* owned; the other one until open_end() */
};

static inline int seqpacket_put(struct seqpacket_end *e, const void *message,
				     size_t len)
{
	ssize_t n;

	do
		n = send(e->fd, message, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? rival_fail("send: %s", strerror(errno)) : 0;
}

static inline int seqpacket_get(struct seqpacket_end *e, void *buf, size_t len)
{
	ssize_t n;

	do
		n = recv(e->fd, buf, len, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return rival_fail("recv: %s", strerror(errno));
	if ((size_t)n != len)
		return rival_fail("recv: %zd bytes, and not %zu, came", n, len);
	return 0;
}

static int send_some(int fd, struct mmsghdr *calls, unsigned count)
{
	int n;

	do
		n = sendmmsg(fd, calls, count, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? rival_fail("sendmmsg: %s", strerror(errno)) : n;
}

static inline int seqpacket_put_batch(struct seqpacket_end *e,
					   unsigned char *messages, size_t len,
					   unsigned count)
{
	struct mmsghdr calls[BATCH_MOST];
	struct iovec parts[BATCH_MOST];
	unsigned done = 0;
	int n;

	for (unsigned k = 0; k < count; k++) {
		parts[k] = (struct iovec){ messages + k * len, len };
		calls[k] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &parts[k],
							  .msg_iovlen = 1 } };
	}
	for (; done < count; done += (unsigned)n) {
		n = send_some(e->fd, calls + done, count - done);
		if (n < 0)
			return -1;
	}
	return 0;
}

#define RIVAL seqpacket
#include "rival-loops.h"
#include "rival-batch.h"

_Static_assert(BATCH_MOST >= RIVAL_BATCH, "a batch is one sendmmsg()");

static int prepare(struct rival_end *client, struct rival_end *server)
{
	struct seqpacket_end *c = (struct seqpacket_end *)client;
	struct seqpacket_end *s = (struct seqpacket_end *)server;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return rival_fail("socketpair: %s", strerror(errno));
	c->fd = s->others_fd = fds[0];
	s->fd = c->others_fd = fds[1];
	return 0;
}

static int open_end(struct rival_end *end)
{
	(void)close(((struct seqpacket_end *)end)->others_fd);
	return 0;
}

static void close_end(struct rival_end *end)
{
	(void)close(((struct seqpacket_end *)end)->fd);
}

const struct rival rival_unix_seqpacket = {
	.name = "unix seqpacket",
	/* What fits into a socket's buffer as Linux makes it. */
	.largest = (size_t)128 << 10,
	.end_size = sizeof(struct seqpacket_end),
	.prepare = prepare,
	.open = open_end,
	.trip = seqpacket_trip,
	.echo = seqpacket_echo,
	.send = seqpacket_send,
	.receive = seqpacket_receive,
	.send_batch = seqpacket_send_batch,
	.close = close_end,
};
