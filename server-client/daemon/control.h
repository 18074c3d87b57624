/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control.h - the server's control socket: one request a line, JSON in answer
 *
 * bellring-server-control(7) describes it.
 */
#ifndef BELL_CONTROL_H
#define BELL_CONTROL_H

#include "lines.h"

#include <stddef.h>

/* Descriptors that it takes at most, for who counts them: with its listener. */
#define CONTROL_CONNECTIONS 16u
#define CONTROL_DESCRIPTORS (CONTROL_CONNECTIONS + 2)

/* Behind the path of the server's socket, for the control socket's default. */
#define CONTROL_SUFFIX ".control"
#define CONTROL_MODE 0600

struct control;
struct event_base;
struct evbuffer;
struct server;

/*
 * Serves on listener, which it takes, on success only; borrows base and server
 * until control_free(). 0, or -BELL_ENOMEM with a detail.
 */
int control_new(struct event_base *base, struct server *server,
		struct listener *listener, struct control **out);
/* Drops who is connected, and removes the socket. NULL is fine. */
void control_free(struct control *c);

/* Handles one line: a struct lines_wish's line(); arg is a struct server. */
enum lines_next control_line(void *server, struct lines_client *client,
			     const char *line, size_t len,
			     struct evbuffer *answer);

#endif
