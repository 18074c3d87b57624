/* SPDX-License-Identifier: BSD-2-Clause */
#include "snapshot.h"

#include "error.h"
#include "server.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void snapshot_name(uint64_t join, char out[24])
{
	snprintf(out, 24, "p%" PRIu64, join);
}

static const struct client *member(const struct server *s, size_t i)
{
	return s->clients[peers_id(s->peers, i)];
}

static size_t size_of(const struct server *s)
{
	size_t size = sizeof(struct snapshot_head);

	for (size_t i = 0; i < peers_count(s->peers); i++) {
		const struct client *c = member(s, i);

		size += sizeof(struct snapshot_member) +
			c->vectors->count * sizeof(struct snapshot_vector) +
			c->queue.items * sizeof(struct snapshot_item);
	}
	return size;
}

static unsigned char *put(unsigned char *at, const void *from, size_t n)
{
	memcpy(at, from, n);
	return at + n;
}

static unsigned char *put_head(unsigned char *at, const struct server *s)
{
	struct snapshot_head head = {
		.members = peers_count(s->peers),
		.next_join = s->next_join,
		.started_ns = s->started_ns,
		.session = s->watch.session,
		.book = peers_book(s->peers),
		.counters = s->counters,
		.draining = s->draining,
		.owns_socket = s->listener.file.path != NULL,
		.memory = s->shm.fd,
		.socket = s->listener.fd,
		.control = s->control_fd,
		.metrics = s->metrics_fd,
	};

	return put(at, &head, sizeof(head));
}

static unsigned char *put_member(unsigned char *at, const struct server *s,
				 size_t i)
{
	const struct client *c = member(s, i);
	struct snapshot_member m = {
		.join = c->join,
		.greeted = peers_greeted(s->peers, i),
		.joined_ns = c->joined_ns,
		.greeted_ns = c->greeted_ns,
		.behind_ns = c->behind_ns,
		.bound = c->bound,
		.items = c->queue.items,
		.id = c->id,
		.vectors = c->vectors->count,
		.sock = c->sock,
	};

	at = put(at, &m, sizeof(m));
	for (unsigned v = 0; v < c->vectors->count; v++) {
		struct snapshot_vector vector = {
			.ident = c->idents ? c->idents[v] : 0,
			.fd = c->vectors->fd[v],
		};

		at = put(at, &vector, sizeof(vector));
	}
	for (const struct queue_item *q = c->queue.head; q; q = q->next) {
		struct snapshot_item item = { .number = q->number, .what = q->what,
					      .count = q->count, .sent = q->sent };

		at = put(at, &item, sizeof(item));
	}
	return at;
}

int snapshot_save(void *server)
{
	struct server *s = server;
	unsigned char *at = state_begin(s->state, size_of(s));

	if (!at)
		return -BELL_ENOMEM;
	at = put_head(at, s);
	for (size_t i = 0; i < peers_count(s->peers); i++)
		at = put_member(at, s, i);
	state_commit(s->state);
	return 0;
}

int snapshot_read(struct snapshot_reader *r, void *out, size_t n)
{
	if (n > r->left)
		return error_detail(BELL_ECORRUPT, "state: the snapshot is cut short");
	memcpy(out, r->at, n);
	r->at += n;
	r->left -= n;
	return 0;
}
