/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client.h - one client's connection: what it is sent, and how it ends
 */
#ifndef BELL_CLIENT_H
#define BELL_CLIENT_H

#include "queue.h"

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/types.h>

struct event_base;
struct client;

/* Called once, when a client's fate is known; it must not free it at once. */
typedef void client_doomed_fn(struct client *c, void *arg);

struct client {
	uint32_t id;             /* the server's to set */
	pid_t pid;
	uid_t uid;
	int sock;
	size_t bound;            /* of the queue, bytes; the server's to set */
	uint64_t joined_ns;      /* os_now_ns(); the server's to set, as these: */
	uint64_t greeted_ns;     /* 0: not yet */
	uint64_t behind_ns;      /* when it had last read all before more was queued */
	struct vectors *vectors;
	struct queue queue;
	struct event readable;
	struct event writable;
	struct event retry;
	const char *fate;        /* why it is to be dropped; NULL: it lives */
	struct client *next_dead, *next_waiting; /* in the server's lists */
	client_doomed_fn *doomed;
	void *arg;
};

/*
 * Takes *sock and *vectors, on success only; NULL if out of memory. Watches
 * nothing yet.
 */
struct client *client_new(struct event_base *base, int *sock,
			  struct vectors **vectors, client_doomed_fn *doomed,
			  void *arg);
void client_free(struct client *c);
/* From here on it can leave. */
void client_watch(struct client *c);

/* It is to be dropped for that reason (static text): sends and hears no more. */
void client_doom(struct client *c, const char *why);
/* Sends what is queued, soon. */
void client_send(struct client *c);
/* It has read all that it was ever sent. */
bool client_has_read_all(const struct client *c);

#endif
