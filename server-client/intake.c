/* SPDX-License-Identifier: BSD-2-Clause */
#include "host.h"

#include "error.h"
#include "fd.h"
#include "fdcheck.h"
#include "layout.h"
#include "sockfd.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define MESSAGES_A_TURN 4096 /* others than the server get their turn */

/*
 * If the server did not seal the memory, whoever holds its descriptor can cut
 * it short and kill us by SIGBUS; QEMU is in the same position. bellring-server
 * seals it.
 */
static int take_memory(struct host *h, int fd)
{
	struct layout layout;
	size_t size = 0;
	void *at;
	int rc;

	if (fd < 0)
		return error_detail(BELL_ENOMEM,
				    "no room for the memory's descriptor; raise the "
				    "limit of open files (ulimit -n)");
	rc = fdcheck_memory(fd, &size);
	if (rc < 0)
		goto out;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		rc = error_detail(from_errno(errno), "memory: mmap of %zu bytes: %s",
				  size, strerror(errno));
		goto out;
	}
	h->port.memory = at;
	h->port.size = size;
	if (layout_read(at, size, &layout) == 0 &&
	    layout.server_vectors <= PROTO_VECTORS)
		h->promised = layout.server_vectors;
out:	fd_close(&fd);
	return rc;
}

static int take_peer_vector(struct host *h, struct proto_event *ev)
{
	int rc = ev->fd >= 0 ? fdcheck_eventfd(ev->fd) : 0;

	if (rc < 0) {
		fd_close(&ev->fd);
		return rc;
	}
	if (ev->vector >= h->others)
		h->others = ev->vector + 1;
	return remotes_add(&h->remotes, ev->id, ev->vector, &ev->fd);
}

static int take_own_vector(struct host *h, struct proto_event *ev)
{
	int rc;

	if (ev->fd < 0)
		return error_detail(BELL_ENOMEM,
				    "no room for own vector %u's descriptor; raise "
				    "the limit of open files (ulimit -n)",
				    ev->vector);
	rc = fdcheck_eventfd(ev->fd);
	if (rc < 0) {
		fd_close(&ev->fd);
		return rc;
	}
	rc = eventset_add_vector(&h->set, ev->vector, &ev->fd);
	if (rc == 0)
		h->port.vectors = ev->vector + 1;
	return rc;
}

static void push(struct host *h, uint32_t id, enum bell_peer_event event)
{
	unsigned at = (h->untold_first + h->untold_count++) % UNTOLD_MAX;

	h->untold[at] = (struct news){ id, event };
}

/* Takes ev's descriptor. Leaves at most one piece of news. */
static int apply(struct host *h, struct proto_event *ev)
{
	int rc;

	switch (ev->kind) {
	case PROTO_NOTHING:
	case PROTO_GREETED:
		return 0;
	case PROTO_OWN_ID:
		h->port.id = ev->id;
		return 0;
	case PROTO_MEMORY_FD:
		return take_memory(h, fd_take(&ev->fd));
	case PROTO_PEER_VECTOR:
		rc = take_peer_vector(h, ev);
		if (rc == 0 && h->greeted && ev->vector == 0)
			push(h, ev->id, BELL_PEER_JOINED);
		return rc;
	case PROTO_OWN_VECTOR:
		if (!h->greeted)
			return take_own_vector(h, ev);
		fd_close(&ev->fd); /* too late: the number of vectors is told */
		return 0;
	case PROTO_PEER_LEFT:
		remotes_remove(&h->remotes, ev->id);
		if (h->greeted)
			push(h, ev->id, BELL_PEER_LEFT);
		return 0;
	}
	return error_detail(BELL_EPROTO, "unknown event");
}

int intake_one(struct host *h)
{
	unsigned char bytes[PROTO_SIZE];
	struct proto_event ev;
	int fd, n, rc;

	n = sockfd_recv(h->sock, bytes, proto_wants(&h->proto), &fd);
	if (n < 0)
		return n;
	if (n == 0) {
		fd_close(&fd);
		return error_plain(BELL_EGONE);
	}
	rc = proto_feed(&h->proto, bytes, (size_t)n, &fd, &ev);
	return rc < 0 ? rc : apply(h, &ev);
}

/* With no room for news left, the rest stays in the socket. */
static void take_in(struct host *h)
{
	for (int i = 0; i < MESSAGES_A_TURN && h->untold_count < UNTOLD_MAX &&
			!h->lost; i++) {
		int rc = intake_one(h);

		if (rc == -BELL_EAGAIN)
			return;
		if (rc == 0)
			continue;
		/* A server that breaks the protocol is as good as gone. */
		h->lost = true;
		push(h, 0, BELL_SERVER_LOST);
	}
}

bool intake_all(struct host *h)
{
	unsigned before;
	bool more;

	pthread_mutex_lock(&h->intake);
	before = h->untold_count;
	take_in(h);
	more = h->untold_count > before;
	pthread_mutex_unlock(&h->intake);
	return more;
}

bool intake_next(struct host *h, struct news *out)
{
	bool any;

	pthread_mutex_lock(&h->intake);
	any = h->untold_count > 0;
	if (any) {
		*out = h->untold[h->untold_first];
		h->untold_first = (h->untold_first + 1) % UNTOLD_MAX;
		h->untold_count--;
	}
	if (any && out->event == BELL_SERVER_LOST) {
		eventset_remove_other(&h->set, h->sock);
		fd_close(&h->sock);
	}
	pthread_mutex_unlock(&h->intake);
	return any;
}
