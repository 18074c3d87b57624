/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call-set.h - what the files of the calls share
 *
 *   call.c    the set, and what the bus asks of it
 *   caller.c  the side that calls and gets the answers
 *   flight.c  the calls in flight, by their id
 *   request.c the side that answers: requests until they are answered
 *   handler.c which function serves a method
 *   answer.c  replies and refusals, and what is owed until there is space
 *   due.c     deadlines of both sides
 *
 * Frames are seen at any time and only change state; callbacks run in
 * call_tell() alone. What waits for one of them is in a queue.
 */
#ifndef BELL_CALL_SET_H
#define BELL_CALL_SET_H

#include "bus.h"
#include "call-wire.h"
#include "call.h"
#include "due.h"

/* A queue, and the first member of what may be in one of them at a time. */
struct queue {
	struct queue *prev, *next;
};

static inline void queue_init(struct queue *q)
{
	q->prev = q->next = q;
}

static inline bool queue_empty(const struct queue *q)
{
	return q->next == q;
}

static inline void queue_add(struct queue *q, struct queue *item)
{
	item->prev = q->prev;
	item->next = q;
	q->prev->next = item;
	q->prev = item;
}

/* From whatever queue it is in; fine if it is in none. */
static inline void queue_remove(struct queue *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	queue_init(item);
}

/* All of from to the empty queue to: what comes meanwhile is for the next round. */
static inline void queue_move(struct queue *from, struct queue *to)
{
	queue_add(from, to);
	queue_remove(from);
}

#define REQUEST_BUCKETS 256u

struct call_set {
	struct due_heap dues;

	struct call **calls; /* buckets by id */
	size_t call_room;    /* of them, a power of two */
	size_t call_count;
	uint64_t next_id;
	struct queue ended; /* calls whose callback is due */

	struct call_handler *handlers; /* by method */
	size_t handler_count;
	struct bell_request *requests[REQUEST_BUCKETS];
	size_t request_count; /* not answered, or the answer was not sent yet */
	size_t request_bytes;
	size_t refusal_count; /* not sent yet */
	struct queue fresh; /* requests for their handler */
	struct queue moot;  /* whose cancel callback is due */
	struct queue owed;  /* whose answer found no space */
};

/* ---- call.c ---- */

/* The bus's calls, made if need be. 0, or -BELL_ENOMEM. */
int call_set_need(struct bell_bus *bus, struct call_set **set);

/* A frame to send. */
struct call_out {
	enum call_op op;
	uint16_t method;
	uint64_t word[2]; /* the id, and what else the op has */
	const void *data; /* borrowed */
	size_t len;
};

/* Sends it or has it kept; as frame_send(). */
int call_out_send(struct bell_bus *bus, const struct bus_remote *to,
		  const struct call_out *out);
/* As frame_try(). */
int call_out_try(struct bell_bus *bus, const struct bus_remote *to,
		 const struct call_out *out);
/* Bytes of it in the ring, without the record's header. */
size_t call_out_size(const struct call_out *out);

bool call_same_remote(const struct bus_remote *x, const struct bus_remote *y);

/* link_remote_gone() for many, of which most are the same. */
struct call_gone {
	struct bus_remote last;
	bool gone;
};
bool call_gone(const struct bell_bus *bus, struct call_gone *memo,
	       const struct bus_remote *r);

/* ---- caller.c ---- */

/* CALL_REPLY, CALL_FAILED or CALL_REFUSED came. */
void caller_answer(struct bell_bus *bus, const struct bus_in *in,
		   const struct ring_record *rec, uint64_t id);
void caller_review(struct bell_bus *bus);
void caller_lost(struct bell_bus *bus, const struct bus_remote *r);
int caller_tell(struct bell_bus *bus);
void caller_done(struct call_set *set);

/* ---- request.c ---- */

void request_came(struct bell_bus *bus, const struct bus_in *in,
		  const struct ring_record *rec, uint64_t id);
void request_cancelled(struct bell_bus *bus, const struct bus_in *in, uint64_t id);
void request_review(struct bell_bus *bus);
void request_lost(struct bell_bus *bus, const struct bus_remote *r);
int request_tell(struct bell_bus *bus);
void request_done(struct call_set *set);

#endif
