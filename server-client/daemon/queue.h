/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue.h - what one client has still to be sent, message by message
 *
 * Knows neither socket nor descriptor: the caller looks at the next messages,
 * sends what it can of them, and says how many that were. A message is sent
 * whole or not at all; of that it has to make sure.
 */
#ifndef BELL_QUEUE_H
#define BELL_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum queue_what {
	QUEUE_PLAIN = 0, /* a number alone */
	QUEUE_MEMORY,    /* a number, beside it the memory */
	QUEUE_VECTORS    /* a peer's id, beside it its vectors, one a message */
};

struct queue_item {
	struct queue_item *next;
	int64_t number;
	enum queue_what what;
	unsigned count; /* messages */
	unsigned sent;  /* of these */
};

struct queue {
	struct queue_item *head;
	struct queue_item **tail;
	size_t items;
	size_t bytes; /* that wait, on the wire */
};

struct queue_message {
	int64_t number;
	enum queue_what what;
	unsigned vector; /* of QUEUE_VECTORS */
};

void queue_init(struct queue *q);
void queue_done(struct queue *q);

/* Adds one message, QUEUE_PLAIN or QUEUE_MEMORY. -BELL_ENOMEM. */
int queue_number(struct queue *q, int64_t number, enum queue_what what);
/* Adds the messages with vectors first..count-1 of peer id. -BELL_ENOMEM. */
int queue_vectors(struct queue *q, uint32_t id, unsigned first, unsigned count);
/*
 * Peer id left: takes out what was not sent of its vectors. Returns whether that
 * is all of them, so that the client need not know of that peer at all.
 */
bool queue_forget(struct queue *q, uint32_t id);

/* Gives the next messages, up to room; returns how many. */
size_t queue_peek(const struct queue *q, struct queue_message *out, size_t room);
/* So many of them are sent. */
void queue_sent(struct queue *q, size_t messages);

#endif
