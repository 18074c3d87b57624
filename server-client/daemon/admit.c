/* SPDX-License-Identifier: BSD-2-Clause */
/* admit.c - who comes: accepting, refusing, joining */
#define _GNU_SOURCE /* accept4 */

#include "error.h"
#include "fd.h"
#include "fdlimit.h"
#include "log.h"
#include "os.h"
#include "proto.h"
#include "server.h"
#include "sockfd.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ACCEPTS_A_TURN 64
#define FEW_IDS 4096u

/* When the system is short of something, nothing tells when that is over. */
static const struct timeval retry_time = { .tv_usec = 100000 };

/*
 * A machine that is started again comes before its former self has left, perhaps.
 * So who finds no room waits a little before it is refused.
 */
#define ROOM_NS UINT64_C(500000000)

/* Every leave accepts again; so does time, if that is all that can help. */
static void pause_accept(struct server *s)
{
	event_del(s->acceptable);
	event_add(s->resume, &retry_time);
}

void admit_again(struct server *s)
{
	s->full_ns = 0;
	event_active(s->resume, 0, 0);
}

/*
 * Whoever is sent away is told why, by a number in place of the version: QEMU
 * prints it and exits, where a connection that is only closed makes it spin for
 * ever. The log says it in words.
 */
static void refuse(struct server *s, int *sock, const struct access_who *who,
		   enum proto_refusal why)
{
	unsigned char bytes[PROTO_SIZE];

	s->counters.refusals++;
	log_info("newcomer (pid %ld, uid %lu): refused: %s", (long)who->pid,
		 (unsigned long)who->uid, bell_detail());
	proto_encode(why, bytes);
	sockfd_send(*sock, bytes, sizeof(bytes), -1);
	fd_close(sock);
}

static size_t peers_of(const struct server *s, uid_t uid)
{
	size_t n = 0;

	for (size_t i = 0; i < peers_count(s->peers); i++)
		n += s->clients[peers_id(s->peers, i)]->who.uid == uid;
	return n;
}

/* 0, or why not, with a detail. */
static enum proto_refusal judge(const struct server *s, int sock,
				const struct access_who *who)
{
	size_t max = s->cfg->access.max_peers_per_user;

	if (s->draining) {
		error_detail(BELL_EBUSY, "the server is draining");
		return PROTO_REFUSED_DRAINING;
	}
	if (access_check(&s->cfg->access, sock, who) < 0)
		return PROTO_REFUSED_ACCESS;
	if (max > 0 && peers_of(s, who->uid) >= max) {
		error_detail(BELL_ENOSPC, "uid %lu has %zu peers, more are not "
			     "allowed (--max-peers-per-user)",
			     (unsigned long)who->uid, max);
		return PROTO_REFUSED_USER_FULL;
	}
	if (peers_count(s->peers) >= s->max_peers) {
		error_detail(BELL_ENOSPC, "%zu peers are connected, more are not "
			     "allowed (--max-peers)", peers_count(s->peers));
		return PROTO_REFUSED_FULL;
	}
	if (!peers_has_room(s->peers)) {
		error_detail(BELL_ENOSPC, "each of the %u ids was seen by a peer "
			     "that is still connected", PEERS_IDS);
		return PROTO_REFUSED_NO_ID;
	}
	return PROTO_NOT_REFUSED;
}

/* Once, and again after there were enough; there is one client at least. */
static void warn_of_few_ids(struct server *s)
{
	bool few = !peers_has_ids(s->peers, FEW_IDS);
	uint32_t oldest = 0, left;

	if (few && !s->few_ids) {
		left = peers_ids_left(s->peers, &oldest);
		log_error("ids run out: %u left; client %u (pid %ld) has been here "
			  "longest", left, oldest,
			  (long)s->clients[oldest]->who.pid);
	}
	s->few_ids = few;
}

/* The service manager knows no order; without idents a successor takes any. */
static void identify(struct client *c)
{
	c->idents = calloc(c->vectors->count, sizeof(*c->idents));
	for (unsigned i = 0; c->idents && i < c->vectors->count; i++)
		c->idents[i] = vectors_ident(c->vectors->fd[i]);
}

static void keep(struct server *s, struct client *c)
{
	int fds[1 + PROTO_VECTORS];
	char name[24];

	if (s->store->kind == STORE_SYSTEMD)
		identify(c);
	fds[0] = c->sock;
	memcpy(fds + 1, c->vectors->fd, c->vectors->count * sizeof(int));
	snapshot_name(c->join, name);
	store_add(s->store, name, fds, 1 + c->vectors->count);
}

static void join(struct server *s, struct client *c)
{
	struct peers_list list;
	char name[24];

	keep(s, c);
	if (peers_join(s->peers, &c->id, &list) < 0) {
		log_error("newcomer: dropped: %s", bell_detail());
		snapshot_name(c->join, name);
		store_remove(s->store, name);
		client_free(c);
		return;
	}
	s->clients[c->id] = c;
	c->joined_ns = os_now_ns();
	s->counters.joins++;
	log_info("client %u (pid %ld, uid %lu): joined, %u vectors", c->id,
		 (long)c->who.pid, (unsigned long)c->who.uid, c->vectors->count);
	warn_of_few_ids(s);
	client_limit_unread(c, fdlimit_unread(s->max_peers));
	client_watch(c);
	news_distribute(s, &list);
	news_greet_later(s, c);
	news_greet_waiting(s);
}

/* Who left before the newcomer came may not have had its turn in the loop yet. */
static void notice_leaves(struct server *s)
{
	for (size_t i = 0; i < peers_count(s->peers); i++)
		client_look(s->clients[peers_id(s->peers, i)]);
	leave_reap(s);
}

void admit(struct server *s, int *sock, uint64_t number)
{
	struct access_who who = { 0 };
	enum proto_refusal why = PROTO_REFUSED_ACCESS;
	struct client *c;

	if (access_who(*sock, &who) == 0)
		why = judge(s, *sock, &who);
	if (why == PROTO_REFUSED_FULL || why == PROTO_REFUSED_USER_FULL) {
		notice_leaves(s);
		why = judge(s, *sock, &who);
	}
	if (why != PROTO_NOT_REFUSED) {
		refuse(s, sock, &who, why);
		return;
	}
	c = client_new(s->base, sock, &s->spare, &s->ops);
	if (!c) {
		log_error("newcomer: dropped: out of memory");
		fd_close(sock);
		return;
	}
	c->who = who;
	c->join = number ? number : s->next_join++;
	join(s, c);
}

/* Whether to look who is at the door. Vectors are made before, as they may fail. */
static bool ready_for_one(struct server *s)
{
	if (!s->spare && vectors_new(s->cfg->vectors, &s->spare) < 0) {
		log_error("newcomer: waits: %s", bell_detail());
		s->counters.accept_pauses++;
		pause_accept(s);
		return false;
	}
	if (peers_count(s->peers) < s->max_peers && peers_has_room(s->peers)) {
		s->full_ns = 0;
		return true;
	}
	if (s->full_ns == 0) {
		s->full_ns = os_now_ns();
		log_info("%zu peers are connected and no further one can be served: "
			 "newcomers wait a moment for one to leave",
			 peers_count(s->peers));
	}
	if (os_now_ns() - s->full_ns >= ROOM_NS)
		return true;
	pause_accept(s);
	return false;
}

/* Returns whether to go on. */
static bool accept_one(struct server *s)
{
	int sock;

	if (!ready_for_one(s))
		return false;
	sock = accept4(s->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (sock >= 0) {
		admit(s, &sock, 0);
		return true;
	}
	if (errno == EINTR || errno == ECONNABORTED)
		return true;
	s->full_ns = 0; /* all were refused: the next one waits a little again */
	if (errno != EAGAIN) {
		log_error("accept: %s; trying again", strerror(errno));
		s->counters.accept_pauses++;
		pause_accept(s);
	}
	return false;
}

void admit_on_acceptable(int sock, short what, void *server)
{
	(void)sock;
	(void)what;
	for (int i = 0; i < ACCEPTS_A_TURN && accept_one(server); i++)
		;
}

void admit_on_resume(int none, short what, void *server)
{
	struct server *s = server;

	(void)none;
	(void)what;
	event_add(s->acceptable, NULL);
}

/*
 * A QEMU whose greeting is cut off spins for ever: see refuse(). The backlog of a
 * service manager's socket is for its next server.
 */
void admit_nobody(struct server *s)
{
	struct access_who who = { 0 };
	unsigned char bytes[PROTO_SIZE];
	int sock;

	proto_encode(PROTO_REFUSED_DRAINING, bytes);
	for (const struct client *c = s->waiting; c; c = c->next_waiting)
		if (c->sock >= 0)
			sockfd_send(c->sock, bytes, sizeof(bytes), -1);
	error_detail(BELL_EBUSY, "the server stops");
	while (s->listener.file.path &&
	       (sock = accept4(s->listener.fd, NULL, NULL,
			       SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		refuse(s, &sock, &who, PROTO_REFUSED_DRAINING);
}
