/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* accept4 */

#include "serverd.h"

#include "client.h"
#include "error.h"
#include "fd.h"
#include "fdlimit.h"
#include "layout.h"
#include "listener.h"
#include "log.h"
#include "os.h"
#include "peers.h"
#include "steward.h"
#include "vectors.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#define ACCEPTS_A_TURN 64
#define FEW_IDS 4096u

/* When the system is short of something, nothing tells when that is over. */
static const struct timeval retry_time = { .tv_usec = 100000 };

/*
 * How long a newcomer waits for the others to hear of it, how often we look, and
 * when it is useless: who has not read for that long is stopped, or hangs.
 */
#define HEARD_NS UINT64_C(50000000)
#define HOPELESS_NS UINT64_C(1000000000)
static const struct timeval heard_time = { .tv_usec = 1000 };

struct server {
	const struct server_config *cfg;
	struct event_base *base;
	struct listener listener;
	struct shm shm;
	struct peers *peers;
	struct vectors *spare;   /* the next client's, made before accepting it */
	struct client *clients[PEERS_IDS];
	struct client *dead;     /* to be dropped by on_reap() */
	struct client *waiting;  /* to be greeted, in the order of joining */
	struct event *acceptable;
	struct event *resume;    /* accepts again after a while */
	struct event *reap;
	struct event *heard;     /* looks again who can be greeted */
	bool few_ids;            /* was told */
};

/* ---- news ------------------------------------------------------------------ */

static int queue_greeting(const struct server *s, struct client *c)
{
	int rc = queue_number(&c->queue, PROTO_VERSION, -1);

	if (rc == 0)
		rc = queue_number(&c->queue, c->id, -1);
	if (rc == 0)
		rc = queue_number(&c->queue, PROTO_MEMORY, s->shm.fd);
	return rc;
}

static int queue_news(struct server *s, struct client *to,
		      const struct peers_news *news)
{
	switch (news->kind) {
	case PEERS_GREETING:
		return queue_greeting(s, to);
	case PEERS_VECTORS:
		return queue_vectors(&to->queue, news->about,
				     s->clients[news->about]->vectors);
	case PEERS_LEFT:
		if (queue_forget(&to->queue, news->about))
			return 0;
		return queue_number(&to->queue, news->about, -1);
	}
	return 0;
}

static void distribute(struct server *s, const struct peers_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct peers_news *news = &list->news[i];
		struct client *to = s->clients[news->to];

		if (to->fate)
			continue;
		if (client_has_read_all(to))
			to->behind_ns = os_now_ns();
		if (queue_news(s, to, news) < 0)
			client_doom(to, "dropped: out of memory for its news");
		else if (to->queue.bytes > to->bound)
			client_doom(to, "dropped: it does not read what it is sent");
		else
			client_send(to);
	}
}

/* ---- greeting -----------------------------------------------------------------
 *
 * A newcomer is greeted only when the others have heard of it: the device of a
 * guest's QEMU drops a doorbell to a peer that it has not been told of, without
 * a word (ivshmem_io_write() in hw/misc/ivshmem.c). Nobody knows of a newcomer
 * before it is greeted, so from then on it may take it that all can ring it.
 */

static void wait_for_others(struct server *s, struct client *c)
{
	struct client **at = &s->waiting;

	while (*at)
		at = &(*at)->next_waiting;
	*at = c;
}

static void wait_no_more(struct server *s, const struct client *c)
{
	struct client **at = &s->waiting;

	while (*at && *at != c)
		at = &(*at)->next_waiting;
	if (*at)
		*at = c->next_waiting;
}

/*
 * Whether other may soon hear of c, who has joined. Who was greeted later hears
 * of it in that greeting, without which it can do nothing.
 */
static bool is_unaware(const struct client *other, const struct client *c,
		       uint64_t now)
{
	return other->greeted_ns != 0 && other->greeted_ns <= c->joined_ns &&
	       !other->fate && now - other->behind_ns < HOPELESS_NS &&
	       !client_has_read_all(other);
}

/* NULL if there is none. */
static const struct client *find_unaware(const struct server *s,
					 const struct client *c, uint64_t now)
{
	for (size_t i = 0; i < peers_count(s->peers); i++) {
		const struct client *other = s->clients[peers_id(s->peers, i)];

		if (is_unaware(other, c, now))
			return other;
	}
	return NULL;
}

/* One that does not read delays nobody for longer than that. */
static bool may_greet(const struct server *s, const struct client *c)
{
	uint64_t now = os_now_ns();
	const struct client *other = find_unaware(s, c, now);

	if (!other)
		return true;
	if (now - c->joined_ns < HEARD_NS)
		return false;
	log_debug("client %u: is greeted, though client %u does not read what it "
		  "is sent", c->id, other->id);
	return true;
}

static void greet(struct server *s, struct client *c)
{
	struct peers_list list;

	if (peers_greet(s->peers, c->id, &list) < 0) {
		client_doom(c, "dropped: it cannot be greeted");
		return;
	}
	c->bound = s->cfg->queue_bytes +
		   (3 + peers_count(s->peers) * s->cfg->vectors) * PROTO_SIZE;
	c->greeted_ns = os_now_ns();
	distribute(s, &list);
}

/* In order: whoever is waited for by one is waited for by all behind it. */
static void greet_waiting(struct server *s)
{
	while (s->waiting) {
		struct client *c = s->waiting;

		if (!c->fate && !may_greet(s, c)) {
			event_add(s->heard, &heard_time);
			return;
		}
		wait_no_more(s, c);
		if (!c->fate)
			greet(s, c);
	}
}

static void on_heard(evutil_socket_t none, short what, void *arg)
{
	(void)none;
	(void)what;
	greet_waiting(arg);
}

/* ---- leaving ----------------------------------------------------------------- */

static void ring_client(void *arg, uint32_t id, unsigned vector)
{
	const uint64_t one = 1;
	struct server *s = arg;
	struct client *c = id < PEERS_IDS ? s->clients[id] : NULL;

	if (!c || vector >= c->vectors->count)
		return;
	/* A full counter (EAGAIN) is a pending interrupt; there is no other error. */
	if (write(c->vectors->fd[vector], &one, sizeof(one)) < 0)
		log_debug("client %u: ringing vector %u: %s", id, vector,
			  strerror(errno));
}

/*
 * So that guests, whom no socket tells, learn of it too. The header is read
 * again each time, since a peer may have formatted the memory anew.
 */
static void mark_dead(struct server *s, uint32_t id)
{
	struct layout layout;

	if (layout_read(s->shm.memory, s->shm.size, &layout) < 0)
		return;
	if (steward_mark_dead(s->shm.memory, &layout, id, ring_client, s))
		log_debug("client %u: was on the bus; its slot is marked dead", id);
}

static void drop(struct server *s, struct client *c)
{
	struct peers_list list;

	log_info("client %u (pid %ld, uid %lu): %s", c->id, (long)c->pid,
		 (unsigned long)c->uid, c->fate);
	s->clients[c->id] = NULL;
	wait_no_more(s, c);
	if (peers_leave(s->peers, c->id, &list) == 0)
		distribute(s, &list);
	mark_dead(s, c->id);
	client_free(c);
	event_active(s->resume, 0, 0);
}

static void on_doomed(struct client *c, void *arg)
{
	struct server *s = arg;

	c->next_dead = s->dead;
	s->dead = c;
	event_active(s->reap, 0, 0);
}

static void on_reap(evutil_socket_t none, short what, void *arg)
{
	struct server *s = arg;

	(void)none;
	(void)what;
	while (s->dead) {
		struct client *c = s->dead;

		s->dead = c->next_dead;
		drop(s, c);
	}
}

/* ---- joining ------------------------------------------------------------------ */

/* Every leave accepts again; so does time, if that is all that can help. */
static void pause_accept(struct server *s, const struct timeval *how_long)
{
	event_del(s->acceptable);
	if (how_long)
		event_add(s->resume, how_long);
}

/* Once, and again after there were enough; there is one client at least. */
static void warn_of_few_ids(struct server *s)
{
	uint32_t oldest = 0, left = peers_ids_left(s->peers, &oldest);

	if (left < FEW_IDS && !s->few_ids)
		log_error("ids run out: %u left; client %u (pid %ld) has been here "
			  "longest", left, oldest, (long)s->clients[oldest]->pid);
	s->few_ids = left < FEW_IDS;
}

/* Takes *sock. */
static void admit(struct server *s, int *sock)
{
	struct client *c = client_new(s->base, sock, &s->spare, on_doomed, s);
	struct peers_list list;

	if (!c) {
		log_error("newcomer: dropped: out of memory");
		fd_close(sock);
		return;
	}
	if (peers_join(s->peers, &c->id, &list) < 0) {
		log_error("newcomer: dropped: %s", bell_detail());
		client_free(c);
		return;
	}
	s->clients[c->id] = c;
	c->joined_ns = os_now_ns();
	log_info("client %u (pid %ld, uid %lu): joined, %u vectors", c->id,
		 (long)c->pid, (unsigned long)c->uid, c->vectors->count);
	warn_of_few_ids(s);
	client_watch(c);
	distribute(s, &list);
	wait_for_others(s, c);
	greet_waiting(s);
}

/*
 * A newcomer that cannot be served stays in the backlog: QEMU, once accepted
 * and then closed before the greeting is complete, spins for ever.
 */
static bool ready_for_one(struct server *s)
{
	if (!peers_has_room(s->peers)) {
		log_error("%zu clients are connected and no further one can be "
			  "served; newcomers wait until one leaves",
			  peers_count(s->peers));
		pause_accept(s, NULL);
		return false;
	}
	if (!s->spare && vectors_new(s->cfg->vectors, &s->spare) < 0) {
		log_error("newcomer: waits: %s", bell_detail());
		pause_accept(s, &retry_time);
		return false;
	}
	return true;
}

/* Returns whether to go on. */
static bool accept_one(struct server *s)
{
	int sock;

	if (!ready_for_one(s))
		return false;
	sock = accept4(s->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (sock >= 0) {
		admit(s, &sock);
		return true;
	}
	if (errno == EINTR || errno == ECONNABORTED)
		return true;
	if (errno != EAGAIN) {
		log_error("accept: %s; trying again", strerror(errno));
		pause_accept(s, &retry_time);
	}
	return false;
}

static void on_acceptable(evutil_socket_t sock, short what, void *arg)
{
	(void)sock;
	(void)what;
	for (int i = 0; i < ACCEPTS_A_TURN && accept_one(arg); i++)
		;
}

static void on_resume(evutil_socket_t none, short what, void *arg)
{
	struct server *s = arg;

	(void)none;
	(void)what;
	event_add(s->acceptable, NULL);
}

/* ---- start and end --------------------------------------------------------------- */

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

static int format(struct server *s)
{
	struct layout plan;
	uint64_t session;
	int rc;

	if (s->cfg->raw)
		return 0;
	rc = layout_plan(s->shm.size, &s->cfg->bus, &plan);
	if (rc < 0)
		return rc;
	plan.server_vectors = s->cfg->vectors;
	do
		session = os_random();
	while (session == 0);
	layout_format(s->shm.memory, &plan, session);
	return 0;
}

static int add_events(struct server *s)
{
	s->reap = event_new(s->base, -1, 0, on_reap, s);
	s->resume = event_new(s->base, -1, 0, on_resume, s);
	s->heard = event_new(s->base, -1, 0, on_heard, s);
	s->acceptable = event_new(s->base, s->listener.fd, EV_READ | EV_PERSIST,
				  on_acceptable, s);
	if (!s->reap || !s->resume || !s->heard || !s->acceptable ||
	    event_add(s->acceptable, NULL) < 0)
		return error_detail(BELL_ENOMEM, "event loop: out of memory");
	return 0;
}

static int server_start(struct server *s)
{
	size_t max;
	int rc;

	rc = fdlimit_clients(s->cfg->vectors, s->cfg->max_peers, &max);
	if (rc < 0)
		return rc;
	rc = peers_new(max, &s->peers);
	if (rc < 0)
		return rc;
	/* First: if another server listens here, its memory may be ours too. */
	rc = listener_new(&s->cfg->socket, &s->listener);
	if (rc < 0)
		return rc;
	rc = shm_new(&s->cfg->memory, &s->shm);
	if (rc < 0)
		return rc;
	rc = format(s);
	if (rc < 0)
		return rc;
	log_debug("up to %zu clients", max);
	return add_events(s);
}

int server_new(const struct server_config *cfg, struct event_base *base,
	       struct server **out)
{
	struct server *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return error_detail(BELL_ENOMEM, "server: out of memory");
	s->cfg = cfg;
	s->base = base;
	s->listener.fd = -1;
	s->shm.fd = -1;
	rc = server_start(s);
	if (rc < 0)
		server_free(s);
	else
		*out = s;
	return rc;
}

size_t server_memory_size(const struct server *s)
{
	return s->shm.size;
}

void server_free(struct server *s)
{
	struct event **events[] = { &s->acceptable, &s->resume, &s->reap,
				   &s->heard };

	if (!s)
		return;
	for (uint32_t id = 0; id < PEERS_IDS; id++)
		if (s->clients[id])
			client_free(s->clients[id]);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (*events[i])
			event_free(*events[i]);
	vectors_unref(s->spare);
	peers_free(s->peers);
	shm_done(&s->shm);
	listener_done(&s->listener);
	free(s);
}
