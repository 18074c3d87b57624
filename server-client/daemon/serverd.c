/* SPDX-License-Identifier: BSD-2-Clause */
/* serverd.c - the server's start and its end */
#include "error.h"
#include "fd.h"
#include "fdlimit.h"
#include "layout.h"
#include "log.h"
#include "os.h"
#include "proto.h"
#include "server.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

int server_check(const struct server_config *cfg)
{
	struct layout plan;

	if (cfg->vectors < 1 || cfg->vectors > PROTO_VECTORS)
		return error_detail(BELL_EINVAL, "%u vectors: not in 1..%u",
				    cfg->vectors, PROTO_VECTORS);
	if (cfg->raw)
		return 0;
	return layout_plan(shm_round(cfg->memory.size), &cfg->bus, &plan);
}

#define UNREAD_NS UINT64_C(5000000000)

/* ---- what the loop calls --------------------------------------------------------- */

static int descriptor(void *server, const struct queue_message *m)
{
	struct server *s = server;
	const struct client *c;

	if (m->what == QUEUE_MEMORY)
		return s->shm.fd;
	c = m->number >= 0 && m->number < PEERS_IDS ? s->clients[m->number] : NULL;
	return c && m->vector < c->vectors->count ? c->vectors->fd[m->vector] : -1;
}

static void sent(void *server, unsigned messages)
{
	struct server *s = server;

	s->counters.messages += messages;
}

/* Who has left something unread for longest, and for long; NULL: nobody. */
static struct client *slowest(struct server *s, const struct client *not)
{
	uint64_t longest = UNREAD_NS, now = os_now_ns();
	struct client *worst = NULL;

	for (size_t i = 0; i < peers_count(s->peers); i++) {
		struct client *c = s->clients[peers_id(s->peers, i)];

		if (c == not || c->fate || client_unread(c) == 0 ||
		    now - c->behind_ns < longest)
			continue;
		longest = now - c->behind_ns;
		worst = c;
	}
	return worst;
}

/*
 * Those who do not read hold descriptors that others need: one of them goes, and
 * perhaps another one the next time. But not for what others on this machine hold.
 */
static void crowded(void *server, const struct client *c)
{
	struct server *s = server;
	struct client *worst = slowest(s, c);
	size_t unread = 0;

	for (size_t i = 0; i < peers_count(s->peers); i++)
		unread += client_unread(s->clients[peers_id(s->peers, i)]);
	if (worst && unread >= fdlimit_raise() / 2)
		client_doom(worst, "dropped: it does not read, and others need the "
				   "descriptors that wait for it");
}

static int add_events(struct server *s)
{
	s->reap = event_new(s->base, -1, 0, leave_on_reap, s);
	s->resume = event_new(s->base, -1, 0, admit_on_resume, s);
	s->heard = event_new(s->base, -1, 0, news_on_heard, s);
	s->tend = event_new(s->base, -1, 0, tend_on_time, s);
	if (!s->reap || !s->resume || !s->heard || !s->tend)
		return error_detail(BELL_ENOMEM, "event loop: out of memory");
	return 0;
}

static int accept_from_now_on(struct server *s)
{
	s->acceptable = event_new(s->base, s->listener.fd, EV_READ | EV_PERSIST,
				  admit_on_acceptable, s);
	if (!s->acceptable || event_add(s->acceptable, NULL) < 0)
		return error_detail(BELL_ENOMEM, "event loop: out of memory");
	return 0;
}

/* ---- start ----------------------------------------------------------------------- */

/*
 * Of a former server, then ours to remove; else of the service manager; else our
 * own. If another server listens there, this has to fail before anything else: its
 * memory may be ours too.
 */
static int open_listener(struct server *s, struct inherit *in)
{
	int fd = inherit_take(in, "socket"), rc;
	bool owned = fd >= 0;

	if (fd < 0)
		fd = inherit_take_listener(in);
	if (fd < 0)
		return listener_new(&s->cfg->socket, &s->listener);
	rc = listener_adopt(&fd, owned, &s->listener);
	fd_close(&fd);
	return rc;
}

static int format(struct server *s)
{
	struct layout plan;
	int rc;

	if (s->cfg->raw)
		return 0;
	rc = layout_plan(s->shm.size, &s->cfg->bus, &plan);
	if (rc == 0)
		rc = shm_hold(&s->shm, plan.ring_offset);
	if (rc < 0)
		return rc;
	plan.server_vectors = s->cfg->vectors;
	do
		s->watch.session = os_random();
	while (s->watch.session == 0);
	layout_format(s->shm.memory, &plan, s->watch.session);
	return 0;
}

static int begin_anew(struct server *s)
{
	int rc = state_new(&s->state);

	if (rc == 0)
		rc = peers_new(s->max_peers, state_left(s->state), &s->peers);
	if (rc == 0)
		rc = shm_new(&s->cfg->memory, &s->shm);
	if (rc == 0)
		rc = format(s);
	s->next_join = 1;
	s->started_ns = os_now_ns();
	return rc;
}

void server_give_to_store(struct server *s)
{
	int state = state_fd(s->state);

	store_add(s->store, "state", &state, 1);
	store_add(s->store, "memory", &s->shm.fd, 1);
	/* A service manager's own socket has no file of ours, and comes again. */
	if (s->listener.file.path)
		store_add(s->store, "socket", &s->listener.fd, 1);
}

/* in has the state, or not. */
static int start(struct server *s, struct inherit *in, int *state_fd)
{
	int rc = fdlimit_clients(s->cfg->vectors, s->cfg->max_peers, &s->max_peers);

	if (rc == 0)
		rc = add_events(s);
	if (rc == 0 && *state_fd >= 0)
		rc = state_adopt(state_fd, &s->state);
	if (rc == 0 && s->state)
		state_on_save(s->state, snapshot_save, s);
	if (rc == 0)
		s->ops = (struct client_ops){ leave_doomed, descriptor, sent,
					      crowded, s,
					      s->state };
	if (rc == 0 && s->state)
		rc = restore(s, in);
	if (rc == 0)
		rc = open_listener(s, in);
	if (rc == 0 && !s->state)
		rc = begin_anew(s);
	s->ops.state = s->state;
	if (rc == 0)
		state_on_save(s->state, snapshot_save, s);
	if (rc == 0)
		rc = accept_from_now_on(s);
	return rc;
}

static struct server *alloc(const struct server_config *cfg,
			    struct event_base *base, struct store *store)
{
	struct server *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->cfg = cfg;
	s->base = base;
	s->store = store;
	s->listener.fd = -1;
	s->shm.fd = -1;
	s->control_fd = s->metrics_fd = -1;
	return s;
}

/* What a former server left and nobody can use any more, without its sockets. */
static void forget(struct store *store, const struct inherit *in)
{
	for (size_t i = 0; i < in->count; i++) {
		const char *name = in->fds[i].name;

		if (strcmp(name, "socket") != 0 && strcmp(name, "control") != 0 &&
		    strcmp(name, "metrics") != 0)
			store_remove(store, name);
	}
}

static int try(const struct server_config *cfg, struct event_base *base,
	       struct store *store, struct inherit *in, int *state_fd,
	       struct server **out)
{
	struct server *s = alloc(cfg, base, store);
	int rc;

	if (!s)
		return error_detail(BELL_ENOMEM, "server: out of memory");
	rc = start(s, in, state_fd);
	if (rc < 0)
		server_free(s);
	else
		*out = s;
	return rc;
}

int server_new(const struct server_config *cfg, struct event_base *base,
	       struct store *store, struct inherit *in, struct server **out)
{
	int none = -1, state_fd = inherit_take(in, "state"), rc = -1;
	bool successor = state_fd >= 0;

	if (successor)
		rc = try(cfg, base, store, in, &state_fd, out);
	/* For want of something that another start may have, nobody is to be lost. */
	if (successor && rc < 0 && rc != -BELL_ECORRUPT && rc != -BELL_EVERSION &&
	    rc != -BELL_ENODEV) {
		fd_close(&state_fd);
		return rc;
	}
	if (successor && rc < 0) {
		log_error("%s; starting afresh: the peers of before are lost",
			  bell_detail());
		successor = false;
	}
	if (!successor)
		forget(store, in);
	fd_close(&state_fd);
	if (rc < 0)
		rc = try(cfg, base, store, in, &none, out);
	if (rc < 0)
		return rc;
	if (successor)
		restore_go_on(*out, in);
	(*out)->successor = successor;
	state_change((*out)->state);
	state_save((*out)->state);
	log_debug("up to %zu peers", (*out)->max_peers);
	return 0;
}

/* ---- the rest --------------------------------------------------------------------- */

void server_on_drained(struct server *s, server_drained_fn *fn, void *arg)
{
	s->drained = fn;
	s->drained_arg = arg;
	/* A successor may have nobody left already. */
	if (s->draining)
		event_active(s->reap, 0, 0);
}

size_t server_memory_size(const struct server *s)
{
	return s->shm.size;
}

bool server_memory_is_sealed(const struct server *s)
{
	return s->shm.sealed;
}

bool server_is_successor(const struct server *s)
{
	return s->successor;
}

void server_keep(struct server *s, const char *name, int fd, bool known)
{
	if (strcmp(name, "control") == 0)
		s->control_fd = fd;
	else
		s->metrics_fd = fd;
	state_change(s->state);
	if (!known)
		store_add(s->store, name, &fd, 1);
}

void server_stop(struct server *s)
{
	admit_nobody(s);
}

static void free_events(struct server *s)
{
	struct event **events[] = { &s->acceptable, &s->resume, &s->reap,
				   &s->heard, &s->tend };

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (*events[i])
			event_free(*events[i]);
}

void server_free(struct server *s)
{
	if (!s)
		return;
	free_events(s);
	for (uint32_t id = 0; id < PEERS_IDS; id++)
		if (s->clients[id])
			client_free(s->clients[id]);
	vectors_free(s->spare);
	peers_free(s->peers);
	state_free(s->state);
	shm_done(&s->shm);
	listener_done(&s->listener);
	free(s);
}
