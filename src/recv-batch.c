/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving many messages with one call. */
#include "error.h"
#include "bus-plain.h"

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

/* Where the next one goes. */
static ALWAYS_INLINE unsigned char *room(const struct batch *b)
{
	return b->at > 0 ? b->buf + b->at : b->buf; /* which may be NULL */
}

static ALWAYS_INLINE void add(struct batch *b, size_t len)
{
	b->msgs[b->n++] = (struct bell_part){ room(b), len };
	b->at += (len + BATCH_ALIGN - 1) / BATCH_ALIGN * BATCH_ALIGN;
	b->bytes += len;
}

/* Who was stopped for long, and dropped, has read what is another's by now. */
static bool is_ours(const struct bell_bus *bus, const struct bus_in *in)
{
	return bus_is_same(bus) && shm_peek(&in->r.ctl->word) == in->link_word;
}

/*
 * What follows and is like a message of that tag, and gives it back: up to an eighth of
 * the ring, so that both sides work. On copies of both, which no byte of a message can
 * be taken to change: they stay in registers. True if there may be more.
 */
static bool take_alike(struct bell_bus *bus, struct bus_in *in, struct batch *batch,
		       uint16_t tag)
{
	const uint32_t alike = (uint32_t)(record_header(RECORD_DATA, 0, tag, 0) >> 32);
	struct ring_reader r = in->r;
	struct batch b = *batch;
	bool more = true;

	while (more && r.pos - r.freed < r.size / 8) {
		uint64_t header = ring_next_header(&r);

		more = b.n < b.count && b.at < b.size && header >> 32 == alike &&
		       ring_pull_straight(&r, header, room(&b), b.size - b.at, false);
		if (more)
			add(&b, (uint32_t)header);
	}
	if (b.n == batch->n || !is_ours(bus, in))
		return false;
	ring_publish_freed(&r, r.pos);
	in->r = r;
	*batch = b;
	return more;
}

/* For so many messages more than the one that bell_recv() counts. */
static void count_taken(struct bell_bus *bus, size_t more)
{
	bus->stats.received += more;
	bus->taken += (uint32_t)more;
	bus_count_more(bus, more);
}

/* What is there beside the first one, of the same sender and nothing special. */
static void take_rest(struct bell_bus *bus, struct batch *b, const struct bell_envelope *env)
{
	struct bus_in *in = bus_plain_in(bus);
	size_t first = b->n, count = b->count;

	if (!in || in->plain.peer != env->peer || in->plain.incarnation != env->incarnation ||
	    in->r.held > 0 || env->topic || b->bytes > ring_max_piece(in->r.size))
		return;
	/* Others wait: no more than a turn. */
	if (bus->active_count > 1 && count > first + TURN_LENGTH - bus->taken)
		b->count = first + TURN_LENGTH - bus->taken;
	while (take_alike(bus, in, b, env->tag))
		;
	b->count = count;
	count_taken(bus, b->n - first);
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
