/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serverd.h - the server: sockets and a loop around peers.h
 */
#ifndef BELL_SERVERD_H
#define BELL_SERVERD_H

#include "access.h"
#include "layout.h"
#include "listener.h"
#include "shm.h"

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

/*
 * Says whether such a server could be, without starting it. 0, or
 * -BELL_EINVAL, -BELL_ELAYOUT with a detail.
 */
int server_check(const struct server_config *cfg);

/*
 * Listens, makes the memory, adds itself to the loop. Borrows cfg and base until
 * server_free(). Returns 0, or as listener_new(), shm_new() and layout_plan().
 */
int server_new(const struct server_config *cfg, struct event_base *base,
	       struct server **out);
size_t server_memory_size(const struct server *s);
/* Drops all clients and removes the socket. NULL and half-built are fine. */
void server_free(struct server *s);

#endif
