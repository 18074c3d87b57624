/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Concurrency Kit's ring for one producer and one consumer, in shared memory
 *
 * Messages of up to 1 KiB, of the sizes that have a type below, lie in the ring itself:
 * a cache line less to move than with a pointer. All others lie in slots, and the ring
 * carries their addresses, which are the same in both processes: the memory was mapped
 * before the fork. The ring waits for nobody: both sides spin.
 */
#include "rival.h"
#include "rivals.h"

#include <ck_pr.h>
#include <ck_ring.h>
#include <string.h>

#define LINE 64
#define RING_BYTES ((size_t)2 << 20) /* of messages; at least ENTRIES_LEAST */
#define ENTRIES_LEAST 4
#define ENTRIES_MOST 16384
#define SIDE_BYTES (RIVAL_SHARED / 2)
#define SLOTS_AT ((size_t)4 << 20) /* behind the ring and what it carries */

/* One direction. */
struct way {
	_Alignas(LINE) struct ck_ring ring;
	_Alignas(LINE) unsigned char entries[];
};

struct ck_end {
	struct rival_end end;
	struct way *in, *out;
	unsigned char *slots; /* of out */
	unsigned next, count; /* the slot to write next, of a power of two */
};

#define IN_PLACE(X) X(8) X(16) X(32) X(64) X(128) X(256) X(512) X(1024)

#define TYPE(size) \
	struct message_##size { \
		unsigned char bytes[size]; \
	}; \
	CK_RING_PROTOTYPE(of_##size, message_##size)
IN_PLACE(TYPE)

#define ENQUEUE(size) \
	case size: \
		return ck_ring_enqueue_spsc_of_##size(&w->ring, (void *)w->entries, \
						      (void *)message);
#define DEQUEUE(size) \
	case size: \
		return ck_ring_dequeue_spsc_of_##size(&w->ring, (void *)w->entries, buf);

/* The ring carries one address less than there are slots: that one is being read. */
static inline bool put_slot(struct ck_end *e, const void *message, size_t len)
{
	unsigned char *slot = e->slots + e->next * len;

	if (ck_ring_size(&e->out->ring) == ck_ring_capacity(&e->out->ring) - 1)
		return false;
	memcpy(slot, message, len);
	(void)ck_ring_enqueue_spsc(&e->out->ring, (void *)e->out->entries, slot);
	e->next = (e->next + 1) & (e->count - 1);
	return true;
}

static inline bool get_slot(struct way *w, void *buf, size_t len)
{
	void *slot;

	if (!ck_ring_dequeue_spsc(&w->ring, (void *)w->entries, &slot))
		return false;
	memcpy(buf, slot, len);
	return true;
}

static inline bool try_put(struct ck_end *e, void *message, size_t len)
{
	struct way *w = e->out;

	switch (len) {
	IN_PLACE(ENQUEUE)
	default:
		return put_slot(e, message, len);
	}
}

static inline bool try_get(struct ck_end *e, void *buf, size_t len)
{
	struct way *w = e->in;

	switch (len) {
	IN_PLACE(DEQUEUE)
	default:
		return get_slot(w, buf, len);
	}
}

static inline int ck_put(struct ck_end *e, void *message, size_t len)
{
	while (!try_put(e, message, len))
		ck_pr_stall();
	return 0;
}

static inline int ck_get(struct ck_end *e, void *buf, size_t len)
{
	while (!try_get(e, buf, len))
		ck_pr_stall();
	return 0;
}

#define RIVAL ck
#include "rival-loops.h"

/* A power of two. */
static unsigned entries(size_t size)
{
	unsigned n = ENTRIES_LEAST;

	while (n < ENTRIES_MOST && n * size < RING_BYTES)
		n *= 2;
	return n;
}

/* The server's comes first, and makes both rings. */
static int open_end(struct rival_end *end)
{
	struct ck_end *e = (struct ck_end *)end;
	unsigned char *side[2] = { end->shared, (unsigned char *)end->shared + SIDE_BYTES };
	unsigned out = end->side == RIVAL_CLIENT ? 0 : 1, n = entries(end->plan->size);

	e->out = (struct way *)side[out];
	e->in = (struct way *)side[!out];
	e->slots = side[out] + SLOTS_AT;
	e->count = n;
	if (end->side == RIVAL_SERVER) {
		ck_ring_init(&e->in->ring, n);
		ck_ring_init(&e->out->ring, n);
	}
	return 0;
}

static void close_end(struct rival_end *end)
{
	(void)end;
}

const struct rival rival_ck = {
	.name = "ck_ring",
	.polls = true,
	.largest = (size_t)4 << 20,
	.end_size = sizeof(struct ck_end),
	.open = open_end,
	.trip = ck_trip,
	.echo = ck_echo,
	.send = ck_send,
	.receive = ck_receive,
	.close = close_end,
};
