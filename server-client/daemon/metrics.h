/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * metrics.h - the server's state over HTTP, for Prometheus
 *
 * GET /metrics, and nothing else. Not by libevent's evhttp: until its version 2.2 it
 * limits neither the number of connections nor how long one may take for its
 * request, and each takes a descriptor that a peer could need. And 2.1.12 dies
 * where a connection comes in and memory is short: in evhttp_request_new(), which
 * frees what it has half built. What is left of HTTP is one line and an end of
 * headers.
 */
#ifndef BELL_METRICS_H
#define BELL_METRICS_H

#include "lines.h"

#include <stddef.h>

/* Descriptors that it takes at most, for who counts them: with its listener. */
#define METRICS_CONNECTIONS 8u
#define METRICS_DESCRIPTORS (METRICS_CONNECTIONS + 2)
#define METRICS_MODE 0660

struct evbuffer;
struct event_base;
struct metrics;
struct server;

/*
 * Whether metrics could be served at that address: "unix:PATH", "127.0.0.1:PORT",
 * "[::1]:PORT". 0, or -BELL_EINVAL with a detail.
 */
int metrics_check(const char *address);

/* Listens there. 0, or as metrics_check(), listener_new(), loopback_listen(). */
int metrics_listen(const char *address, struct listener *out);
/*
 * Takes a socket that a predecessor listened on and leaves -1 in *fd, if it is at
 * that address; a server in its sandbox could open no other. 0, or with *fd left
 * alone and a detail -BELL_EINVAL, or as listener_adopt().
 */
int metrics_adopt(const char *address, int *fd, struct listener *out);
/*
 * Serves on listener, which it takes, on success only; borrows base and server
 * until metrics_free(). 0, or -BELL_ENOMEM with a detail.
 */
int metrics_serve(struct event_base *base, struct server *server,
		  struct listener *listener, struct metrics **out);
/* Both. Needs no further permission from then on. */
int metrics_new(struct event_base *base, struct server *server,
		const char *address, struct metrics **out);
/* Drops who is connected, and removes the socket. NULL is fine. */
void metrics_free(struct metrics *m);

/* Handles one line: a struct lines_wish's line(); arg is a struct server. */
enum lines_next metrics_line(void *server, struct lines_client *client,
			     const char *line, size_t len,
			     struct evbuffer *answer);

#endif
