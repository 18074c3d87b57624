/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lines.h - a socket whose clients send lines and are answered
 *
 * Under the control socket and the metrics. Whoever connects there can cost the
 * peers nothing: connections, bytes and time of each are bounded, and a client
 * is given no second answer before it has taken the first.
 */
#ifndef BELL_LINES_H
#define BELL_LINES_H

#include "listener.h"

#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct evbuffer;
struct lines;

enum lines_next {
	LINES_GO_ON,
	LINES_END, /* once the answer is read */
	LINES_DROP /* at once, as without memory for an answer */
};

enum lines_refusal {
	LINES_CROWDED,    /* as many connections as may be are there */
	LINES_TOO_LONG,   /* a line that is longer than may be */
	LINES_UNFINISHED, /* the client's last line has no end */
	LINES_BUSY        /* others have not read their answers */
};

/* A client, as its lines are handled. */
struct lines_client {
	int sock; /* borrowed */
	int state; /* the handler's own; 0 at first */
};

struct lines_wish {
	const char *name;       /* in the log */
	size_t connections;     /* at once */
	size_t line_max;        /* bytes of a line without its end, at most 4096 */
	unsigned time_ms;       /* for a request, and then for its answer */
	size_t waiting_max;     /* bytes of answers that all have not read */
	/* One line, NUL behind it and maybe within it. */
	enum lines_next (*line)(void *arg, struct lines_client *client,
				const char *line, size_t len,
				struct evbuffer *answer);
	/* Says why to a client that is dropped then. */
	void (*refuse)(enum lines_refusal why, struct evbuffer *answer);
};

/*
 * Serves; takes *listener, on success only; borrows the rest until lines_free().
 * 0, or -BELL_ENOMEM with a detail.
 */
int lines_new(struct event_base *base, const struct lines_wish *wish, void *arg,
	      struct listener *listener, struct lines **out);
/* Drops all clients, and the listener. NULL is fine. */
void lines_free(struct lines *l);

#endif
