/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* struct ucred */

#include "client.h"

#include "bellring.h"
#include "fd.h"
#include "log.h"
#include "sockfd.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

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
	c->doomed(c, c->arg);
}

static void flush(struct client *c)
{
	struct queue_piece piece;

	while (queue_next(&c->queue, &piece)) {
		int n = sockfd_send(c->sock, piece.bytes, piece.len, piece.fd);

		if (n > 0) {
			queue_sent(&c->queue, (size_t)n);
			continue;
		}
		if (n == -BELL_EAGAIN) {
			event_add(&c->writable, NULL);
		} else if (n == -BELL_ENOMEM) {
			log_debug("client %u: sending: %s; trying again", c->id,
				  strerror(errno));
			event_add(&c->retry, &retry_time);
		} else {
			client_doom(c, n == -BELL_EGONE ? "left" :
							  "dropped: sending failed");
		}
		return;
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

/* The protocol goes one way: whatever a client says, it means that it left. */
static void on_readable(evutil_socket_t sock, short what, void *arg)
{
	struct client *c = arg;
	char byte;
	ssize_t n = recv((int)sock, &byte, 1, MSG_DONTWAIT);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	client_doom(c, n > 0 ? "dropped: it sent data, and a client must not" :
			       "left");
}

struct client *client_new(struct event_base *base, int *sock,
			  struct vectors **vectors, client_doomed_fn *doomed,
			  void *arg)
{
	struct client *c = calloc(1, sizeof(*c));
	struct ucred who = { 0 };
	socklen_t len = sizeof(who);

	if (!c)
		return NULL;
	c->doomed = doomed;
	c->arg = arg;
	queue_init(&c->queue);
	if (getsockopt(*sock, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0) {
		c->pid = who.pid;
		c->uid = who.uid;
	}
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
	vectors_unref(c->vectors);
	free(c);
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
bool client_has_read_all(const struct client *c)
{
	int unread = 0;

	if (c->queue.head)
		return false;
	return ioctl(c->sock, SIOCOUTQ, &unread) < 0 || unread == 0;
}
