/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The polling ring that Bellring grew from, written anew
 *
 * Two positions of 8 bytes at the begin of the memory, head and tail, which never wrap,
 * and a ring of bytes behind them. The writer copies in what there is room for, 1 MiB at
 * most, and then moves the head; the reader does the same with the tail; both spin.
 * Bytes have no edges: a message is as long as both sides have agreed on.
 */
#include "rival.h"
#include "rivals.h"

#include "atomic.h"

#include <string.h>

#define CHUNK ((size_t)1 << 20)
#define RING_BYTES ((size_t)64 << 20)
/* The way back, which it did not have. */
#define BACK_AT ((size_t)72 << 20)
#define BACK_BYTES ((size_t)4 << 20)

/* Positions one beside the other, as they were: both sides write one cache line. */
struct seed_header {
	shm_u64 head, tail;
};

struct seed_way {
	struct seed_header *header;
	unsigned char *bytes;
	size_t size; /* of bytes; a power of two */
};

struct seed_end {
	struct rival_end end;
	struct seed_way in, out;
};

static inline size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline void copy_in(const struct seed_way *w, uint64_t at, const unsigned char *p,
			   size_t len)
{
	size_t begin = (size_t)at & (w->size - 1), first = least(len, w->size - begin);

	memcpy(w->bytes + begin, p, first);
	memcpy(w->bytes, p + first, len - first);
}

static inline void copy_out(const struct seed_way *w, uint64_t at, unsigned char *p,
			    size_t len)
{
	size_t begin = (size_t)at & (w->size - 1), first = least(len, w->size - begin);

	memcpy(p, w->bytes + begin, first);
	memcpy(p + first, w->bytes, len - first);
}

static inline int seed_put(struct seed_end *e, const void *message, size_t len)
{
	const struct seed_way *w = &e->out;
	const unsigned char *p = message;
	uint64_t head = shm_peek(&w->header->head);
	size_t n;

	for (; len > 0; len -= n) {
		n = least(len, CHUNK);
		while (w->size - (head - shm_acquire(&w->header->tail)) < n)
			cpu_relax();
		copy_in(w, head, p, n);
		head += n;
		p += n;
		shm_release(&w->header->head, head);
	}
	return 0;
}

static inline int seed_get(struct seed_end *e, void *buf, size_t len)
{
	const struct seed_way *w = &e->in;
	unsigned char *p = buf;
	uint64_t tail = shm_peek(&w->header->tail);
	size_t n;

	for (; len > 0; len -= n) {
		n = least(len, CHUNK);
		while (shm_acquire(&w->header->head) - tail < n)
			cpu_relax();
		copy_out(w, tail, p, n);
		tail += n;
		p += n;
		shm_release(&w->header->tail, tail);
	}
	return 0;
}

#define RIVAL seed
#include "rival-loops.h"

static struct seed_way way(unsigned char *memory, size_t size)
{
	return (struct seed_way){ (struct seed_header *)memory,
				  memory + sizeof(struct seed_header), size };
}

static int open_end(struct rival_end *end)
{
	struct seed_end *e = (struct seed_end *)end;
	struct seed_way to_server = way(end->shared, RING_BYTES);
	struct seed_way to_client = way((unsigned char *)end->shared + BACK_AT, BACK_BYTES);

	e->out = end->side == RIVAL_CLIENT ? to_server : to_client;
	e->in = end->side == RIVAL_CLIENT ? to_client : to_server;
	return 0;
}

static void close_end(struct rival_end *end)
{
	(void)end;
}

const struct rival rival_seed = {
	.name = "seed ring",
	.polls = true,
	.end_size = sizeof(struct seed_end),
	.open = open_end,
	.trip = seed_trip,
	.echo = seed_echo,
	.send = seed_send,
	.receive = seed_receive,
	.close = close_end,
};
