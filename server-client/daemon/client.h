/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client.h - one client's connection: what it is sent, and how it ends
 */
#ifndef BELL_CLIENT_H
#define BELL_CLIENT_H

#include "access.h"
#include "queue.h"
#include "vectors.h"

#include <event2/event_struct.h>
#include <stdbool.h>

struct event_base;
struct client;
struct state;

/* What a client asks of its server. */
struct client_ops {
	/* Called once, when its fate is known; must not free it at once. */
	void (*doomed)(void *arg, struct client *c);
	/* The descriptor that goes with a message; -1: none, or none any more. */
	int (*descriptor)(void *arg, const struct queue_message *m);
	/* So many messages were sent. */
	void (*sent)(void *arg, unsigned messages);
	/* Too many descriptors were sent that nobody has read yet. */
	void (*crowded)(void *arg, const struct client *c);
	void *arg;
	struct state *state; /* where it is noted what was sent */
};

struct client {
	uint32_t id;             /* the server's to set */
	uint64_t join;           /* number of its joining; the server's to set */
	struct access_who who;
	int sock;
	size_t bound;            /* of the queue, bytes; the server's to set */
	uint64_t joined_ns;      /* os_now_ns(); the server's to set, as these: */
	uint64_t greeted_ns;     /* 0: not yet */
	uint64_t behind_ns;      /* when it had last read all before more was queued */
	struct vectors *vectors;
	uint64_t *idents;        /* of the vectors, for a store without order; or NULL */
	struct queue queue;
	struct event readable;
	struct event writable;
	struct event retry;
	const char *fate;        /* why it is to be dropped; NULL: it lives */
	bool left;               /* by itself */
	struct client *next_dead, *next_waiting; /* in the server's lists */
	const struct client_ops *ops;
};

/*
 * Takes *sock and *vectors, on success only; NULL if out of memory. Borrows ops.
 * Watches nothing yet.
 */
struct client *client_new(struct event_base *base, int *sock,
			  struct vectors **vectors, const struct client_ops *ops);
void client_free(struct client *c);
/* No more than so many messages lie in its socket; the rest waits in the queue. */
void client_limit_unread(const struct client *c, unsigned messages);
/* From here on it can leave. */
void client_watch(struct client *c);

/* Notices now if it left, or said something. */
void client_look(struct client *c);
/* It is to be dropped for that reason (static text): sends and hears no more. */
void client_doom(struct client *c, const char *why);
/* Sends what is queued, soon. */
void client_send(struct client *c);
/* Messages that lie in its socket, about; 0 if that cannot be told. */
unsigned client_unread(const struct client *c);
/* It has read all that it was ever sent, and nothing waits to be sent. */
bool client_has_read_all(const struct client *c);

#endif
