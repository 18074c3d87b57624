/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving many messages with one call. */
#include "error.h"
#include "plain.h"

/* Each begins where a struct can. */
#define BATCH_ALIGN 8u

/* What bell_recv_batch() has so far. */
struct batch {
	unsigned char *buf;
	size_t size, at; /* bytes of buf, used ones */
	struct bell_part *msgs;
	size_t count, n; /* room for messages, how many there are */
	uint64_t bytes;  /* of them together */
};

static ALWAYS_INLINE void add(struct batch *b, size_t len)
{
	b->msgs[b->n++] = (struct bell_part){ b->buf + b->at, len };
	b->at += (len + BATCH_ALIGN - 1) / BATCH_ALIGN * BATCH_ALIGN;
	b->bytes += len;
}

/*
 * What follows and is like a message of that tag. On copies of both, which no byte of
 * a message can be taken to change: they stay in registers.
 */
static void take_alike(struct ring_reader *reader, struct batch *batch, uint16_t tag)
{
	const uint32_t alike = (uint32_t)(record_header(RECORD_DATA, 0, tag, 0) >> 32);
	struct ring_reader r = *reader;
	struct batch b = *batch;
	uint64_t header;

	while (b.n < b.count && b.at < b.size) {
		header = ring_next_header(&r);
		if (header >> 32 != alike ||
		    !ring_pull_straight(&r, header, b.buf + b.at, b.size - b.at, false))
			break;
		add(&b, (uint32_t)header);
		/* So that both sides work. */
		if (r.pos - r.freed >= r.size / 8)
			ring_publish_freed(&r, r.pos);
	}
	if (r.freed != r.pos)
		ring_publish_freed(&r, r.pos);
	*reader = r;
	*batch = b;
}

/* What is there beside the first one, of the same sender and nothing special. */
static void take_rest(struct bell_bus *bus, struct batch *b, const struct bell_envelope *env)
{
	struct bus_in *in = bus_plain_in(bus);
	size_t first = b->n, count = b->count;

	if (!in || in->plain.peer != env->peer || in->plain.incarnation != env->incarnation ||
	    in->r.held > 0 || env->topic || env->check)
		return;
	/* Others wait: no more than a turn. */
	if (bus->active_count > 1 && count > first + TURN_LENGTH - bus->taken)
		b->count = first + TURN_LENGTH - bus->taken;
	take_alike(&in->r, b, env->tag);
	b->count = count;
	bus->stats.received += b->n - first;
	bus->taken += (uint32_t)(b->n - first);
	if (ring_space_due(&in->r))
		bus_tell_space(bus, in);
}

int64_t bell_recv_batch(struct bell_bus *bus, void *buf, size_t size, struct bell_part *msgs,
			size_t count, struct bell_envelope *env, int timeout_ms)
{
	struct batch b = { .buf = buf, .size = size, .msgs = msgs, .count = count };
	struct bell_envelope own;
	int64_t len;

	if (count == 0)
		return error_detail(BELL_EINVAL, "no room for a message");
	if (!env)
		env = &own;
	len = bell_recv(bus, buf, size, env, timeout_ms);
	if (len < 0)
		return len;
	add(&b, (size_t)len);
	take_rest(bus, &b, env);
	env->len = env->total = b.bytes;
	return (int64_t)b.n;
}
