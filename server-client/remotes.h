/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * remotes.h - the eventfds of all other peers, to ring them
 *
 * One thread at a time changes the table, any thread rings by it.
 */
#ifndef BELL_REMOTES_H
#define BELL_REMOTES_H

#include "bellring.h"
#include "pending.h"
#include "proto.h"

#include <pthread.h>

struct remote;

struct remotes {
	pthread_rwlock_t lock;
	struct pending pending; /* doorbells for vectors that are not here yet */
	struct remote *by_id[PROTO_IDS]; /* sparse; untouched pages cost nothing */
};

/* For zeroed memory. 0, or -BELL_ENOMEM. */
int remotes_init(struct remotes *r);
/* Only after remotes_init() succeeded. */
void remotes_done(struct remotes *r);

/*
 * Takes *fd (also on failure; may be -1: the peer has this vector, but it can
 * not be rung from here) as the next vector of peer id. 0, or -BELL_ENOMEM.
 */
int remotes_add(struct remotes *r, uint32_t id, unsigned vector, int *fd);
void remotes_remove(struct remotes *r, uint32_t id);
/* As struct bell_port_ops. */
int remotes_ring(struct remotes *r, uint32_t id, unsigned vector);
/* The same, but with -BELL_ENOPEER it is rung later, once remotes_add() has it. */
int remotes_ring_or_note(struct remotes *r, uint32_t id, unsigned vector);
size_t remotes_list(struct remotes *r, struct bell_peer_info *list, size_t max);

/* Signals an eventfd (which does not block). 0, or -BELL_EIO. */
int eventfd_signal(int fd);

#endif
