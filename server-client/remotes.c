/* SPDX-License-Identifier: BSD-2-Clause */
#include "remotes.h"

#include "error.h"
#include "fd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct remote {
	unsigned vectors;
	int fd[PROTO_VECTORS];
};

int eventfd_signal(int fd)
{
	const uint64_t one = 1;
	ssize_t n;

	/*
	 * The kernel takes the eventfd's lock to add and the reader takes it to
	 * look, so what was stored before is seen by whoever is woken.
	 */
	do
		n = write(fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
	/* EAGAIN: the counter is at its maximum, so the interrupt is pending. */
	if (n < 0 && errno != EAGAIN)
		return error_detail(BELL_EIO, "eventfd: write: %s",
				    strerror(errno));
	return 0;
}

static void remote_free(struct remote *remote)
{
	if (!remote)
		return;
	for (unsigned i = 0; i < remote->vectors; i++)
		fd_close(&remote->fd[i]);
	free(remote);
}

int remotes_init(struct remotes *r)
{
	int err = pthread_rwlock_init(&r->lock, NULL);
	int rc;

	if (err != 0)
		return error_detail(BELL_ENOMEM, "pthread_rwlock_init: %s",
				    strerror(err));
	rc = pending_init(&r->pending);
	if (rc < 0)
		pthread_rwlock_destroy(&r->lock);
	return rc;
}

void remotes_done(struct remotes *r)
{
	for (uint32_t id = 0; id < PROTO_IDS; id++)
		remote_free(r->by_id[id]);
	pending_done(&r->pending);
	pthread_rwlock_destroy(&r->lock);
}

int remotes_add(struct remotes *r, uint32_t id, unsigned vector, int *fd)
{
	struct remote *remote = r->by_id[id];

	if (!remote)
		remote = calloc(1, sizeof(*remote));
	if (!remote) {
		fd_close(fd);
		return error_detail(BELL_ENOMEM, "peer %u: out of memory", id);
	}
	pthread_rwlock_wrlock(&r->lock);
	r->by_id[id] = remote;
	remote->fd[vector] = fd_take(fd);
	remote->vectors = vector + 1;
	/* It was rung before we knew of it; a failure has nobody to be told to. */
	if (pending_take(&r->pending, id, vector) && remote->fd[vector] >= 0)
		(void)eventfd_signal(remote->fd[vector]);
	pthread_rwlock_unlock(&r->lock);
	return 0;
}

void remotes_remove(struct remotes *r, uint32_t id)
{
	struct remote *remote;

	pthread_rwlock_wrlock(&r->lock);
	remote = r->by_id[id];
	r->by_id[id] = NULL;
	pending_forget(&r->pending, id);
	pthread_rwlock_unlock(&r->lock);
	remote_free(remote);
}

static int ring_locked(const struct remote *remote, uint32_t id, unsigned vector)
{
	if (!remote)
		return error_detail(BELL_ENOPEER, "peer %u: not connected", id);
	if (vector >= remote->vectors)
		return error_detail(BELL_ENOPEER,
				    "peer %u: has no vector %u; it has %u",
				    id, vector, remote->vectors);
	if (remote->fd[vector] < 0)
		return error_detail(BELL_EIO,
				    "peer %u: vector %u: its descriptor was lost; "
				    "raise the limit of open files (ulimit -n)",
				    id, vector);
	return eventfd_signal(remote->fd[vector]);
}

int remotes_ring(struct remotes *r, uint32_t id, unsigned vector)
{
	int rc;

	pthread_rwlock_rdlock(&r->lock);
	rc = ring_locked(r->by_id[id], id, vector);
	pthread_rwlock_unlock(&r->lock);
	return rc;
}

int remotes_ring_or_note(struct remotes *r, uint32_t id, unsigned vector)
{
	int rc;

	/* Alone: a vector that comes is seen here, or sees what is noted here. */
	pthread_rwlock_wrlock(&r->lock);
	rc = ring_locked(r->by_id[id], id, vector);
	if (rc == -BELL_ENOPEER)
		pending_note(&r->pending, id, vector);
	pthread_rwlock_unlock(&r->lock);
	return rc;
}

size_t remotes_list(struct remotes *r, struct bell_peer_info *list, size_t max)
{
	size_t n = 0;

	pthread_rwlock_rdlock(&r->lock);
	for (uint32_t id = 0; id < PROTO_IDS; id++) {
		if (!r->by_id[id])
			continue;
		if (n < max)
			list[n] = (struct bell_peer_info){
				.id = id,
				.vectors = r->by_id[id]->vectors,
				.state = BELL_STATE_RAW,
			};
		n++;
	}
	pthread_rwlock_unlock(&r->lock);
	return n;
}
