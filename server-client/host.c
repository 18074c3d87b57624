/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.c - the port "unix:PATH": a peer on the host, by an ivshmem server
 *
 * The only global is bell_port_unix. Everything the server sends is checked by
 * proto.c; what it cannot know, as that a descriptor is an eventfd, is checked
 * where it is taken in.
 *
 * A doorbell must not be lost because the news of the peer's joining is on its
 * way: whoever finds a peer in the directory in the memory rings it once, and
 * that peer may sleep for ever. So ring() takes in by itself what the server has
 * said, and a doorbell for a peer (or vector) that is unknown even then is
 * -BELL_ENOPEER, but is remembered and rung if that vector comes (remotes.h).
 */
#include "host.h"

#include "dial.h"
#include "error.h"
#include "fd.h"
#include "os.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT_MS 5000
#define TAGS 64
#define SERVER_TAG EVENTSET_OTHER
#define UNTOLD_TAG (EVENTSET_OTHER + 1)

extern const struct bell_port_ops bell_port_unix; /* last in this file */

static struct host *host_of(const struct bell_port *port)
{
	return (struct host *)(uintptr_t)port;
}

/* Puts the address before what the last failure said. */
static int blame(const struct host *h, int rc)
{
	char why[700];

	snprintf(why, sizeof(why), "%s", bell_detail());
	return error_detail(-rc, "unix:%s: %s", h->path,
			    why[0] ? why : bell_strerror(rc));
}

/* ---- opening and closing -------------------------------------------------- */

static void host_close(struct bell_port *port)
{
	struct host *h = host_of(port);

	if (!h)
		return;
	if (h->port.memory)
		munmap(h->port.memory, h->port.size);
	if (h->has_remotes)
		remotes_done(&h->remotes);
	proto_done(&h->proto);
	eventset_done(&h->set);
	fd_close(&h->sock);
	fd_close(&h->untold_fd);
	if (h->has_intake)
		pthread_mutex_destroy(&h->intake);
	free(h->path);
	free(h);
}

static struct host *host_new(const char *path)
{
	struct host *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->port.ops = &bell_port_unix;
	h->port.kind = BELL_KIND_HOST;
	h->sock = -1;
	h->untold_fd = -1;
	proto_init(&h->proto);
	eventset_clear(&h->set);
	h->path = strdup(path);
	if (h->path)
		return h;
	host_close(&h->port);
	return NULL;
}

/* What makes taking in by any thread possible. */
static int prepare_intake(struct host *h)
{
	int err = pthread_mutex_init(&h->intake, NULL);

	if (err != 0)
		return error_detail(BELL_ENOMEM, "pthread_mutex_init: %s",
				    strerror(err));
	h->has_intake = true;
	h->untold_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (h->untold_fd < 0)
		return error_detail(from_errno(errno), "eventfd: %s",
				    strerror(errno));
	return eventset_add_other(&h->set, UNTOLD_TAG, h->untold_fd);
}

static int host_start(struct host *h, int timeout_ms)
{
	uint64_t deadline = os_now_ns() + (uint64_t)timeout_ms * 1000000;
	int rc;

	rc = remotes_init(&h->remotes);
	if (rc < 0)
		return rc;
	h->has_remotes = true;
	rc = eventset_init(&h->set);
	if (rc < 0)
		return rc;
	rc = prepare_intake(h);
	if (rc < 0)
		return rc;
	rc = dial(h->path, deadline, &h->sock);
	if (rc < 0)
		return rc;
	rc = greeting_take(h, deadline);
	if (rc < 0)
		return rc;
	h->greeted = true;
	return eventset_add_other(&h->set, SERVER_TAG, h->sock);
}

static int host_open(const char *rest, int timeout_ms, struct bell_port **out)
{
	struct host *h = host_new(rest);
	int rc;

	if (!h)
		return error_detail(BELL_ENOMEM, "unix:%s: out of memory", rest);
	rc = host_start(h, timeout_ms < 0 ? DEFAULT_TIMEOUT_MS : timeout_ms);
	if (rc < 0) {
		rc = blame(h, rc);
		host_close(&h->port);
		return rc;
	}
	*out = &h->port;
	return 0;
}

/* ---- in use ---------------------------------------------------------------- */

static int host_ring(struct bell_port *port, uint32_t id, unsigned vector)
{
	struct host *h = host_of(port);
	int rc;

	if (id != port->id) {
		rc = remotes_ring(&h->remotes, id, vector);
		if (rc != -BELL_ENOPEER)
			return rc;
		/* The news is told by wait(), for which the handle wakes. */
		if (intake_all(h))
			(void)eventfd_signal(h->untold_fd);
		return remotes_ring_or_note(&h->remotes, id, vector);
	}
	/* As in a guest, whose device rings itself too. */
	if (vector >= port->vectors)
		return error_detail(BELL_ENOPEER,
				    "peer %u: has no vector %u; it has %u",
				    id, vector, port->vectors);
	return eventfd_signal(h->set.vector_fd[vector]);
}

static bell_handle_t host_handle(const struct bell_port *port)
{
	return host_of(port)->set.epoll_fd;
}

/* Without the lock: the sink may call all but close(). */
static int tell_news(struct host *h, const struct port_sink *sink)
{
	struct news news;
	int told = 0;

	for (; intake_next(h, &news); told++)
		sink->peer(sink->arg, news.id, news.event);
	return told;
}

static int on_event(struct host *h, uint32_t tag, const struct port_sink *sink)
{
	uint64_t count;

	switch (tag) {
	case SERVER_TAG:
		(void)intake_all(h);
		return tell_news(h, sink);
	case UNTOLD_TAG:
		/* First quiet, then look. If another was quicker, that is fine. */
		(void)!read(h->untold_fd, &count, sizeof(count));
		return tell_news(h, sink);
	default:
		sink->interrupt(sink->arg, tag);
		return 1;
	}
}

static int host_wait(struct bell_port *port, int timeout_ms,
		     const struct port_sink *sink)
{
	struct host *h = host_of(port);
	uint32_t tags[TAGS];
	int total = 0, n;

	/* More than fit into tags are taken in turns; edges come round-robin. */
	for (unsigned turn = 0; turn <= EVENTSET_VECTORS / TAGS; turn++) {
		n = eventset_wait(&h->set, turn == 0 ? timeout_ms : 0, tags,
				  TAGS);
		if (n < 0)
			return blame(h, n);
		for (int i = 0; i < n; i++)
			total += on_event(h, tags[i], sink);
		if (n < TAGS)
			break;
	}
	return total;
}

static size_t host_peers(const struct bell_port *port,
			 struct bell_peer_info *list, size_t max)
{
	return remotes_list(&host_of(port)->remotes, list, max);
}

const struct bell_port_ops bell_port_unix = {
	.name = "unix",
	.scheme = "unix",
	.form = "unix:PATH (an ivshmem server's socket)",
	.open = host_open,
	.ring = host_ring,
	.handle = host_handle,
	.wait = host_wait,
	.peers = host_peers,
	.close = host_close,
};
