/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue.h - what one client has still to be sent, message by message
 *
 * Knows the wire's form, but no socket: the caller takes a piece, sends what it
 * can of it, and says how much that was.
 */
#ifndef BELL_QUEUE_H
#define BELL_QUEUE_H

#include "proto.h"
#include "vectors.h"

#include <stdbool.h>

struct queue_item;

struct queue {
	struct queue_item *head;
	struct queue_item **tail;
	size_t bytes;    /* that wait, on the wire */
	unsigned offset; /* bytes of the first message that are sent */
};

/* The rest of the first message. */
struct queue_piece {
	unsigned char bytes[PROTO_SIZE];
	size_t len;
	int fd; /* to go with it, borrowed; -1: none */
};

void queue_init(struct queue *q);
void queue_done(struct queue *q);

/* Adds one message; fd (-1: none) is borrowed until it is sent. -BELL_ENOMEM. */
int queue_number(struct queue *q, int64_t number, int fd);
/* Adds the messages with all vectors of peer id; refers to v. -BELL_ENOMEM. */
int queue_vectors(struct queue *q, uint32_t id, struct vectors *v);
/*
 * Peer id left: takes its vectors out again if none of them was sent. Returns
 * whether it did, so that the client need not know of that peer at all.
 */
bool queue_forget(struct queue *q, uint32_t id);

/* Gives the next piece; false if all is sent. */
bool queue_next(const struct queue *q, struct queue_piece *out);
/* n bytes of that piece are sent. */
void queue_sent(struct queue *q, size_t n);

#endif
