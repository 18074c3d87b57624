/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* struct mmsghdr */

#include "client.h"

#include "bellring.h"
#include "fd.h"
#include "log.h"
#include "proto.h"
#include "state.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define BATCH 64u
#define MESSAGE_COST 768u /* of a socket's buffer: SKB_TRUESIZE() of a small one */

/* When the system is short of something, nothing tells when that is over. */
static const struct timeval retry_time = { .tv_usec = 100000 };

/*
 * Only notes it: the news of its leaving must not be told in the middle of
 * other news, but after them.
 */
void client_doom(struct client *c, const char *why)
{
	if (c->fate)
		return;
	c->fate = why;
	event_del(&c->readable);
	event_del(&c->writable);
	event_del(&c->retry);
	c->ops->doomed(c->ops->arg, c);
}

static void leave(struct client *c)
{
	c->left = true;
	client_doom(c, "left");
}

/* ---- sending -------------------------------------------------------------- */

union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

/* What a batch of messages consists of while the kernel reads it. */
struct parcel {
	unsigned char bytes[PROTO_SIZE];
	struct iovec iov;
	union control control;
};

static void add_descriptor(struct msghdr *msg, union control *control, int fd)
{
	struct cmsghdr *c;

	memset(control, 0, sizeof(*control));
	msg->msg_control = control;
	msg->msg_controllen = sizeof(control->room);
	c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
}

/* False: what should go with it is not there. Alone it would mean another thing. */
static bool pack(const struct client *c, const struct queue_message *m,
		 struct parcel *p, struct msghdr *msg)
{
	int fd = m->what == QUEUE_PLAIN ? -1 :
					  c->ops->descriptor(c->ops->arg, m);

	if (fd < 0 && m->what != QUEUE_PLAIN)
		return false;
	proto_encode(m->number, p->bytes);
	p->iov = (struct iovec){ p->bytes, PROTO_SIZE };
	*msg = (struct msghdr){ .msg_iov = &p->iov, .msg_iovlen = 1 };
	if (fd >= 0)
		add_descriptor(msg, &p->control, fd);
	return true;
}

/*
 * A UNIX stream socket takes 8 bytes whole or not at all: unix_stream_sendmsg()
 * in Linux' net/unix/af_unix.c, as a buffer is never smaller than a packet.
 * Returns how many were sent, or -1 with errno.
 */
static int send_batch(struct client *c, const struct queue_message *messages,
		      unsigned wanted)
{
	struct parcel parcels[BATCH];
	struct mmsghdr *log;
	unsigned room, packed = 0;
	int n = -1;

	log = state_sending(c->ops->state, c->id, wanted, &room);
	while (packed < room && pack(c, &messages[packed], &parcels[packed],
				     &log[packed].msg_hdr))
		packed++;
	errno = EBADF;
	if (packed > 0)
		n = sendmmsg(c->sock, log, packed, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		queue_sent(&c->queue, (size_t)n);
	state_sent(c->ops->state, n > 0 ? (unsigned)n : 0);
	return n;
}

static void failed(struct client *c, int err)
{
	switch (err) {
	case EINTR:
	case EAGAIN:
		event_add(&c->writable, NULL);
		return;
	case ETOOMANYREFS: /* too many descriptors in flight: unix(7) */
		c->ops->crowded(c->ops->arg, c);
		/* fall through */
	case ENOBUFS:
	case ENOMEM:
		log_debug("client %u: sending: %s; trying again", c->id,
			  strerror(err));
		event_add(&c->retry, &retry_time);
		return;
	case EPIPE:
	case ECONNRESET:
		leave(c);
		return;
	default:
		client_doom(c, "dropped: sending failed");
	}
}

static void flush(struct client *c)
{
	struct queue_message messages[BATCH];
	size_t n;

	while ((n = queue_peek(&c->queue, messages, BATCH)) > 0) {
		int sent = send_batch(c, messages, (unsigned)n);

		if (sent < 0) {
			failed(c, errno);
			return;
		}
		c->ops->sent(c->ops->arg, (unsigned)sent);
	}
}

static void on_writable(evutil_socket_t sock, short what, void *arg)
{
	struct client *c = arg;

	(void)sock;
	(void)what;
	if (!c->fate)
		flush(c);
}

/*
 * The protocol goes one way: whatever a client says, it means that it left. It
 * stays in the socket, so that a successor of this server hears it too.
 */
static void on_readable(evutil_socket_t sock, short what, void *arg)
{
	struct client *c = arg;
	char byte;
	ssize_t n = recv((int)sock, &byte, 1, MSG_DONTWAIT | MSG_PEEK);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		client_doom(c, "dropped: it sent data, and a client must not");
	else
		leave(c);
}

void client_look(struct client *c)
{
	if (!c->fate)
		on_readable(c->sock, EV_READ, c);
}

/* ---- life ------------------------------------------------------------------ */

struct client *client_new(struct event_base *base, int *sock,
			  struct vectors **vectors, const struct client_ops *ops)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->ops = ops;
	queue_init(&c->queue);
	c->sock = fd_take(sock);
	c->vectors = *vectors;
	*vectors = NULL;
	event_assign(&c->readable, base, c->sock, EV_READ | EV_PERSIST,
		     on_readable, c);
	event_assign(&c->writable, base, c->sock, EV_WRITE, on_writable, c);
	event_assign(&c->retry, base, -1, 0, on_writable, c);
	return c;
}

void client_free(struct client *c)
{
	event_del(&c->readable);
	event_del(&c->writable);
	event_del(&c->retry);
	fd_close(&c->sock);
	queue_done(&c->queue);
	vectors_free(c->vectors);
	free(c->idents);
	free(c);
}

/* A buffer of the socket is double of what is asked for: socket(7). */
void client_limit_unread(const struct client *c, unsigned messages)
{
	int bytes = (int)(messages * MESSAGE_COST / 2);

	if (setsockopt(c->sock, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) < 0)
		log_debug("client %u: SO_SNDBUF: %s", c->id, strerror(errno));
}

void client_watch(struct client *c)
{
	event_add(&c->readable, NULL);
}

void client_send(struct client *c)
{
	event_active(&c->writable, EV_WRITE, 0);
}

/*
 * A UNIX socket counts what it has sent until the other side has read it:
 * unix_ioctl() in Linux' net/unix/af_unix.c. If it cannot be asked, nobody is
 * to wait for it.
 */
static int unread_bytes(const struct client *c)
{
	int bytes = 0;

	return ioctl(c->sock, SIOCOUTQ, &bytes) < 0 ? 0 : bytes;
}

unsigned client_unread(const struct client *c)
{
	return ((unsigned)unread_bytes(c) + MESSAGE_COST - 1) / MESSAGE_COST;
}

bool client_has_read_all(const struct client *c)
{
	return !c->queue.head && unread_bytes(c) == 0;
}
