/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serverd.h - the server as the process around it sees it
 */
#ifndef BELL_SERVERD_H
#define BELL_SERVERD_H

#include "access.h"
#include "inherit.h"
#include "layout.h"
#include "listener.h"
#include "shm.h"
#include "store.h"

struct event_base;
struct server;

struct server_config {
	struct listener_wish socket;
	struct access_wish access;
	struct shm_wish memory;
	unsigned vectors;        /* of each peer, 1..256 */
	size_t max_peers;        /* 0: as many as descriptors allow */
	size_t queue_bytes;      /* that a peer may leave unread after its greeting */
	bool raw;                /* no bus in the memory */
	struct layout_wish bus;
};

/* A server that drains lost its last peer. */
typedef void server_drained_fn(void *arg);

/*
 * Says whether such a server could be, without starting it. 0, or
 * -BELL_EINVAL, -BELL_ELAYOUT with a detail.
 */
int server_check(const struct server_config *cfg);

/*
 * Listens, makes the memory, adds itself to the loop; or goes on where a former
 * server was, if that left its state in *in. Takes what it needs out of *in. Borrows cfg, base and store
 * until server_free(). Returns 0, or as listener_new(), shm_new(), layout_plan().
 */
int server_new(const struct server_config *cfg, struct event_base *base,
	       struct store *store, struct inherit *in, struct server **out);
void server_on_drained(struct server *s, server_drained_fn *fn, void *arg);
size_t server_memory_size(const struct server *s);
bool server_memory_is_sealed(const struct server *s);
/* It went on where a former one was. */
bool server_is_successor(const struct server *s);
/*
 * A descriptor of another part, "control" or "metrics", for a successor to find in
 * its struct inherit; borrowed. known: it comes from there, the store has it.
 */
void server_keep(struct server *s, const char *name, int fd, bool known);
/* Who has no predecessor gives what it has to the store, for a successor. */
void server_give_to_store(struct server *s);
/* Before it is freed for good: who was told nothing yet is refused. */
void server_stop(struct server *s);
/* Drops all clients and removes the socket. NULL and half-built are fine. */
void server_free(struct server *s);

/*
 * Before execve(2): saves the state and lets all that a successor needs be open in
 * it. Returns the state's descriptor for server_resume(), or -BELL_ENOMEM,
 * -BELL_EIO with a detail. server_keep_on() if it did not come to that.
 */
int server_prepare_exec(struct server *s);
void server_keep_on(struct server *s);
/* After it: finds all that in the state, which it takes. 0, or a code. */
int server_resume(int *state_fd, struct inherit *in);

#endif
