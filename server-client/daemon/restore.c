/* SPDX-License-Identifier: BSD-2-Clause */
/* restore.c - becoming what a former server was */
#include "error.h"
#include "fd.h"
#include "inherit.h"
#include "log.h"
#include "os.h"
#include "proto.h"
#include "server.h"
#include "snapshot.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

static int damaged(const char *what)
{
	return error_detail(BELL_ECORRUPT, "state: %s", what);
}

static bool is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* ---- one peer's descriptors ------------------------------------------------ */

/* The service manager gives them in any order; only the eventfd itself tells. */
static int find_slot(const struct snapshot_vector *v, unsigned count, int fd,
		     const struct vectors *have)
{
	bool ordered = v[0].ident == 0;
	uint64_t ident = ordered ? 0 : vectors_ident(fd);

	for (unsigned i = 0; i < count; i++)
		if (have->fd[i] < 0 && (ordered || v[i].ident == ident))
			return (int)i;
	return -1;
}

static void collect(struct inherit *in, uint64_t join,
		    const struct snapshot_vector *v, int *sock,
		    struct vectors *vectors)
{
	char name[24];
	int fd;

	snapshot_name(join, name);
	while ((fd = inherit_take(in, name)) >= 0) {
		int at = is_socket(fd) ? -1 :
					 find_slot(v, vectors->count, fd, vectors);

		if (at >= 0)
			vectors->fd[at] = fd_take(&fd);
		else if (*sock < 0 && is_socket(fd))
			*sock = fd_take(&fd);
		fd_close(&fd);
	}
}

static bool is_complete(int sock, const struct vectors *vectors)
{
	for (unsigned i = 0; i < vectors->count; i++)
		if (vectors->fd[i] < 0)
			return false;
	return sock >= 0;
}

/* ---- one peer --------------------------------------------------------------- */

static int read_items(struct snapshot_reader *r, struct client *c, uint64_t count)
{
	struct snapshot_item item;
	int rc = 0;

	for (uint64_t i = 0; i < count && rc == 0; i++) {
		rc = snapshot_read(r, &item, sizeof(item));
		if (rc == 0 && item.sent >= item.count)
			rc = damaged("a message was sent more often than there is");
		if (rc == 0 && item.what == QUEUE_VECTORS)
			rc = queue_vectors(&c->queue, (uint32_t)item.number,
					   item.sent, item.count);
		else if (rc == 0)
			rc = queue_number(&c->queue, item.number,
					  (enum queue_what)item.what);
	}
	return rc;
}

static void fill_in(struct client *c, const struct snapshot_member *m,
		    const struct snapshot_vector *v)
{
	c->id = m->id;
	c->join = m->join;
	c->joined_ns = m->joined_ns;
	c->greeted_ns = m->greeted_ns;
	c->behind_ns = m->behind_ns;
	c->bound = (size_t)m->bound;
	if (c->sock >= 0)
		access_who(c->sock, &c->who);
	c->idents = v[0].ident == 0 ? NULL :
				      calloc(m->vectors, sizeof(*c->idents));
	for (unsigned i = 0; c->idents && i < m->vectors; i++)
		c->idents[i] = v[i].ident;
}

/* A peer that is gone, or was not kept whole, is there still: to be told of. */
static int add_client(struct server *s, struct inherit *in,
		      const struct snapshot_member *m,
		      const struct snapshot_vector *v)
{
	struct vectors *vectors = vectors_empty(m->vectors);
	struct client *c;
	int sock = -1, rc;
	bool whole;

	if (!vectors)
		return error_plain(BELL_ENOMEM);
	collect(in, m->join, v, &sock, vectors);
	whole = is_complete(sock, vectors);
	c = client_new(s->base, &sock, &vectors, &s->ops);
	if (!c) {
		vectors_free(vectors);
		fd_close(&sock);
		return error_plain(BELL_ENOMEM);
	}
	fill_in(c, m, v);
	rc = peers_restore(s->peers, m->id, m->greeted);
	if (rc < 0) {
		client_free(c);
		return rc;
	}
	s->clients[m->id] = c;
	if (!whole)
		client_doom(c, "dropped: its descriptors were not kept");
	return 0;
}

static int read_member(struct server *s, struct inherit *in,
		       struct snapshot_reader *r)
{
	struct snapshot_vector v[PROTO_VECTORS];
	struct snapshot_member m;
	int rc = snapshot_read(r, &m, sizeof(m));

	if (rc < 0)
		return rc;
	if (m.vectors < 1 || m.vectors > PROTO_VECTORS)
		return damaged("a peer with no such number of vectors");
	rc = snapshot_read(r, v, m.vectors * sizeof(v[0]));
	if (rc == 0)
		rc = add_client(s, in, &m, v);
	if (rc == 0)
		rc = read_items(r, s->clients[m.id], m.items);
	return rc;
}

/* ---- the whole -------------------------------------------------------------- */

static void on_sent(void *arg, uint32_t id)
{
	struct server *s = arg;
	struct client *c = id < PEERS_IDS ? s->clients[id] : NULL;

	if (c && c->queue.head)
		queue_sent(&c->queue, 1);
}

static int read_members(struct server *s, struct inherit *in,
			struct snapshot_reader *r,
			const struct snapshot_head *head)
{
	size_t max = s->max_peers;
	int rc;

	/* Too many ones are too many for peers_new(), whatever a size_t holds. */
	if (head->members > max)
		max = head->members > PEERS_IDS ? SIZE_MAX : (size_t)head->members;
	rc = peers_new(max, state_left(s->state), &s->peers);
	for (uint64_t i = 0; i < head->members && rc == 0; i++)
		rc = read_member(s, in, r);
	if (rc < 0)
		return rc;
	peers_restore_book(s->peers, &head->book);
	state_each_sent(s->state, on_sent, s);
	return 0;
}

static int take_memory(struct server *s, struct inherit *in)
{
	int fd = inherit_take(in, "memory"), rc;

	if (fd < 0)
		return error_detail(BELL_ENODEV, "state: the memory was not kept");
	rc = shm_adopt(&fd, &s->shm);
	fd_close(&fd);
	return rc;
}

int restore(struct server *s, struct inherit *in)
{
	struct snapshot_reader r = { 0 };
	struct snapshot_head head;
	int rc;

	r.at = state_snapshot(s->state, &r.left);
	if (!r.at)
		return damaged("the former server left none");
	rc = snapshot_read(&r, &head, sizeof(head));
	if (rc == 0 && head.members > PEERS_IDS)
		rc = damaged("more peers than there can be");
	if (rc == 0)
		rc = take_memory(s, in);
	if (rc < 0)
		return rc;
	s->counters = head.counters;
	s->next_join = head.next_join;
	s->started_ns = head.started_ns;
	s->watch.session = head.session;
	s->draining = head.draining != 0;
	return read_members(s, in, &r, &head);
}

/* ---- what came and went meanwhile ---------------------------------------------- */

static void resume_members(struct server *s)
{
	for (size_t i = 0; i < peers_count(s->peers); i++) {
		struct client *c = s->clients[peers_id(s->peers, i)];

		if (c->fate)
			continue;
		client_watch(c);
		if (c->queue.head)
			client_send(c);
		if (peers_greeted(s->peers, i) == PEERS_WAITING)
			news_greet_later(s, c);
	}
}

/* A store may hold one socket twice. */
static bool is_known(const struct server *s, int sock)
{
	struct stat one, other;

	if (fstat(sock, &one) < 0)
		return true;
	for (size_t i = 0; i < peers_count(s->peers); i++) {
		int fd = s->clients[peers_id(s->peers, i)]->sock;

		if (fd >= 0 && fstat(fd, &other) == 0 &&
		    one.st_ino == other.st_ino && one.st_dev == other.st_dev)
			return true;
	}
	return false;
}

/*
 * Nobody has been told of the vectors that are kept with it, so any order is right;
 * but a later successor without idents would take them for the ones that are used.
 */
static void use_kept_vectors(struct server *s, struct inherit *in, uint64_t join,
			     int *sock)
{
	static const struct snapshot_vector by_order;
	struct vectors *vectors = vectors_empty(s->cfg->vectors);
	char name[24];

	if (vectors)
		collect(in, join, &by_order, sock, vectors);
	if (vectors && is_complete(*sock, vectors)) {
		vectors_free(s->spare);
		s->spare = vectors;
		return;
	}
	vectors_free(vectors);
	snapshot_name(join, name);
	store_remove(s->store, name);
}

/* It was accepted, and nothing said to it yet. */
static void take_newcomer(struct server *s, struct inherit *in, int *sock,
			  uint64_t join)
{
	if (is_known(s, *sock))
		return;
	use_kept_vectors(s, in, join, sock);
	if (!s->spare && vectors_new(s->cfg->vectors, &s->spare) < 0) {
		log_error("newcomer: dropped: %s", bell_detail());
		return;
	}
	admit(s, sock, join);
}

static bool is_member(const struct server *s, uint64_t join)
{
	for (size_t i = 0; i < peers_count(s->peers); i++)
		if (s->clients[peers_id(s->peers, i)]->join == join)
			return true;
	return false;
}

/* All of that name are closed, here and, unless it is a peer's now, in the store. */
static void let_go(struct server *s, struct inherited *one, int *fd, uint64_t number)
{
	fd_close(fd);
	if (!is_member(s, number))
		store_remove(s->store, one->name);
}

static void take_newcomers(struct server *s, struct inherit *in, uint64_t next_join)
{
	for (size_t i = 0; i < in->count; i++) {
		struct inherited *one = &in->fds[i];
		uint64_t number;
		int fd;

		if (one->fd < 0 || !inherit_number(one->name, &number) ||
		    number < next_join || !is_socket(one->fd))
			continue;
		fd = fd_take(&one->fd);
		take_newcomer(s, in, &fd, number);
		let_go(s, one, &fd, number);
	}
}

static void forget_rest(struct server *s, struct inherit *in)
{
	for (size_t i = 0; i < in->count; i++) {
		struct inherited *one = &in->fds[i];
		uint64_t number = 0;

		if (one->fd < 0 || inherit_is_part(one->name))
			continue;
		inherit_number(one->name, &number);
		let_go(s, one, &one->fd, number);
	}
}

static uint64_t after_all(const struct inherit *in, uint64_t next)
{
	uint64_t number;

	for (size_t i = 0; i < in->count; i++)
		if (inherit_number(in->fds[i].name, &number) && number >= next)
			next = number + 1;
	return next;
}

void restore_go_on(struct server *s, struct inherit *in)
{
	uint64_t next_join = s->next_join;

	s->counters.restarts++;
	resume_members(s);
	/* Not saved before all are members whose numbers are below the next. */
	take_newcomers(s, in, next_join);
	s->next_join = after_all(in, next_join);
	forget_rest(s, in);
	leave_reap(s);
	tend_after_restart(s);
	news_greet_waiting(s);
	log_info("%zu peers go on", peers_count(s->peers));
}
