/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server.h - the server from inside: its parts, and what they share
 *
 *   serverd.c   start and end
 *   admit.c     who comes: accepting, refusing, joining
 *   news.c      who is told what, and when a newcomer is greeted
 *   leave.c     who goes
 *   tend.c      the bus: slots and links of the dead
 *   snapshot.c  what a successor has to know
 *   restore.c   being that successor; handover.c: after execve(2)
 *   inspect.c   for those who look at it
 */
#ifndef BELL_SERVER_H
#define BELL_SERVER_H

#include "client.h"
#include "inspect.h"
#include "peers.h"
#include "serverd.h"
#include "state.h"
#include "steward.h"
#include "store.h"

struct event;

struct server {
	const struct server_config *cfg;
	struct event_base *base;
	struct listener listener;
	int control_fd, metrics_fd; /* of other parts, for a successor; borrowed */
	struct shm shm;
	struct peers *peers;
	struct state *state;
	struct store *store;     /* borrowed */
	size_t max_peers;
	struct vectors *spare;   /* the next client's, made before accepting it */
	struct client_ops ops;
	struct client *clients[PEERS_IDS];
	struct client *dead;     /* to be dropped by leave.c */
	struct client *waiting;  /* to be greeted, in the order of joining */
	struct event *acceptable;
	struct event *resume;    /* accepts again after a while */
	struct event *reap;
	struct event *heard;     /* looks again who can be greeted */
	struct event *tend;      /* looks again at the bus */
	uint64_t next_join;
	uint64_t started_ns;
	struct steward_watch watch; /* of the bus' header */
	uint64_t full_ns;        /* since when newcomers wait for room; 0: they don't */
	struct inspect_counters counters;
	unsigned look_us;        /* how long news.c waited at last to look again */
	bool few_ids;            /* was told */
	bool draining;
	bool successor;
	bool lost;               /* the bus; was told */
	server_drained_fn *drained;
	void *drained_arg;
};

/* ---- news.c ---- */

/* Queues news, and sends them soon. */
void news_distribute(struct server *s, const struct peers_list *list);
/* c has joined: it is greeted when the others have heard of it. */
void news_greet_later(struct server *s, struct client *c);
/* Whoever waits and need not wait any longer is greeted. */
void news_greet_waiting(struct server *s);
/* c is no longer to be greeted. */
void news_wait_no_more(struct server *s, const struct client *c);
/* For the event heard. */
void news_on_heard(int none, short what, void *server);

/* ---- admit.c ---- */

void admit_on_acceptable(int sock, short what, void *server);
/* The server stops: refuses all who were told nothing yet. */
void admit_nobody(struct server *s);
/* Tries again to accept. */
void admit_on_resume(int none, short what, void *server);
/* Somebody left: there is room, perhaps. */
void admit_again(struct server *s);
/*
 * A client that was accepted: joins it, or refuses it. Takes *sock. s->spare must
 * be there. join: the number by which the store has its socket, or 0: a new one.
 */
void admit(struct server *s, int *sock, uint64_t join);

/* ---- leave.c ---- */

void leave_doomed(void *server, struct client *c);
void leave_on_reap(int none, short what, void *server);
/* Drops those whose fate is known, now. */
void leave_reap(struct server *s);

/* ---- tend.c ---- */

/* That peer is gone. */
void tend_mark_dead(struct server *s, uint32_t id);
/* Gives back what is nobody's any more, and mends what can be. */
void tend(struct server *s);
/* And tells all: a former server may have died before it did. */
void tend_after_restart(struct server *s);
void tend_on_time(int none, short what, void *server);

/* ---- snapshot.c ---- */

/* Saves all into s->state; a state_save_fn. */
int snapshot_save(void *server);
/* "p17" */
void snapshot_name(uint64_t join, char out[24]);

/* ---- restore.c ---- */

/*
 * Becomes what the former server was, by its state and what it left. Needs base,
 * cfg, ops and state; gives peers, shm, listener and clients. 0, or a code with a
 * detail: then the server is half built.
 */
int restore(struct server *s, struct inherit *in);
/* Then, when the loop can be used: greets, sends, and drops who left meanwhile. */
void restore_go_on(struct server *s, struct inherit *in);

#endif
