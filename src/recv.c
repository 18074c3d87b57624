/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving: what bell_recv() and its sisters make of the next record. */
#include "bus-plain.h"
#include "error.h"
#include "settle.h"

#include <stdlib.h>
#include <string.h>

/* Records looked at by one call: hostile memory can hold no end of them. */
#define TAKE_MAX 4096
#define EAGER_LOOKS 1024 /* less than a microsecond, or two */

/* A call of bell_recv() or one of its sisters. */
struct wanted {
	void *buf;
	size_t size;
	struct bell_envelope *env;
};

/* The next message or piece, or TAKE_ON if that was nothing to hand out. */
typedef int64_t take_fn(struct bell_bus *bus, struct bus_in *in,
			const struct ring_record *rec, struct bus_piece *p,
			const struct wanted *w);

#define TAKE_ON INT64_MIN /* go on: nothing was handed out */

static void tell(const struct wanted *w, const struct bus_piece *p)
{
	if (w->env)
		*w->env = p->env;
}

static void copy_out(const struct ring_record *rec, const struct bus_piece *p,
		     void *buf, size_t len)
{
	if (rec->piece_len[1] == 0 && len > 0)
		ring_copy_long(buf, rec->piece[0] + p->at, len);
	else if (len > 0)
		ring_copy_out(rec, p->at, buf, (uint32_t)len);
}

static int64_t too_small(const struct bus_in *in, const struct wanted *w,
			 const struct bus_piece *p)
{
	tell(w, p);
	if (w->env)
		w->env->len = p->env.total;
	if (p->env.total == BELL_UNKNOWN)
		return error_detail(BELL_EMSGSIZE,
				    "message of unknown size from peer %s: take it in "
				    "pieces", ID_TEXT(in->from.id));
	return error_detail(BELL_EMSGSIZE,
			    "message of %llu bytes from peer %s: the buffer has %zu",
			    (unsigned long long)p->env.total, ID_TEXT(in->from.id), w->size);
}

/* What went straight into the caller's buffer goes on in memory of our own. */
static int set_aside(struct bell_bus *bus)
{
	struct bus_in *in = bus->direct;

	if (!in)
		return 0;
	bus->direct = NULL;
	in->part.buf = malloc((size_t)in->part.total);
	if (!in->part.buf) {
		incoming_close(in);
		return error_plain(BELL_ENOMEM);
	}
	memcpy(in->part.buf, bus->direct_buf, (size_t)in->part.got);
	return 0;
}

/* Where this piece's message is put together; NULL: out of memory. */
static unsigned char *assembly(struct bell_bus *bus, struct bus_in *in,
			       const struct bus_piece *p, const struct wanted *w)
{
	if (bus->direct == in)
		return w->buf;
	if (!in->part.buf && !bus->direct && p->env.offset == 0) {
		bus->direct = in;
		bus->direct_buf = w->buf;
		return w->buf;
	}
	if (!in->part.buf)
		in->part.buf = malloc((size_t)p->env.total);
	return in->part.buf;
}

/* A piece of a large message; its length once it is whole. */
static int64_t assemble(struct bell_bus *bus, struct bus_in *in,
			const struct ring_record *rec, struct bus_piece *p,
			const struct wanted *w)
{
	bool last = !(p->env.flags & BELL_MORE);
	unsigned char *to;

	if (p->env.total > w->size && (last || !in->part.buf))
		return too_small(in, w, p);
	to = assembly(bus, in, p, w);
	if (!to && p->env.total > 0)
		return error_plain(BELL_ENOMEM);
	if (p->env.len > 0)
		copy_out(rec, p, to + p->env.offset, (size_t)p->env.len);
	if (last) {
		if (bus->direct == in)
			bus->direct = NULL;
		else if (set_aside(bus) < 0)
			return -BELL_ENOMEM;
		if (to != w->buf && p->env.total > 0)
			memcpy(w->buf, to, (size_t)p->env.total);
		p->env.len = p->env.total;
		p->env.offset = 0;
		tell(w, p);
	}
	incoming_done(bus, in, rec, p);
	return last ? (int64_t)p->env.total : TAKE_ON;
}

static int64_t begun_in_pieces(const struct bus_in *in)
{
	return error_detail(BELL_EMSGSIZE,
			    "pieces of the message from peer %s were taken: take the "
			    "rest with bell_recv_piece(), too", ID_TEXT(in->from.id));
}

static int64_t take_whole(struct bell_bus *bus, struct bus_in *in,
			  const struct ring_record *rec, struct bus_piece *p,
			  const struct wanted *w)
{
	if (rec->kind == 0 || (p->env.flags & BELL_BROKEN)) {
		if (bus->direct == in)
			bus->direct = NULL;
		incoming_done(bus, in, rec, p);
		return TAKE_ON;
	}
	if (in->taken > 0 || in->part.in_pieces)
		return begun_in_pieces(in);
	if (rec->kind == RECORD_PART)
		return assemble(bus, in, rec, p, w);
	if (p->env.len > w->size)
		return too_small(in, w, p);
	if (bus->direct && set_aside(bus) < 0)
		return -BELL_ENOMEM;
	copy_out(rec, p, w->buf, (size_t)p->env.len);
	tell(w, p);
	incoming_done(bus, in, rec, p);
	return (int64_t)p->env.len;
}

/* What bell_recv() had put together is handed out first. */
static int64_t give_assembled(struct bus_in *in, struct bus_piece *p,
			      const struct wanted *w)
{
	uint64_t len = in->part.got - in->part.given;

	if (len > w->size)
		len = w->size;
	memcpy(w->buf, in->part.buf + in->part.given, (size_t)len);
	p->env.offset = in->part.given;
	p->env.len = len;
	p->env.total = in->part.total;
	p->env.flags = BELL_MORE;
	p->env.check = 0;
	tell(w, p);
	in->part.given += len;
	if (in->part.given == in->part.got) {
		free(in->part.buf);
		in->part.buf = NULL;
	}
	return (int64_t)len;
}

static int64_t take_piece(struct bell_bus *bus, struct bus_in *in,
			  const struct ring_record *rec, struct bus_piece *p,
			  const struct wanted *w)
{
	size_t len = (size_t)p->env.len;

	in->part.in_pieces = in->part.open;
	if (in->part.buf && rec->kind == RECORD_PART)
		return give_assembled(in, p, w);
	if (len > w->size) {
		/* The rest of it stays queued. */
		len = w->size;
		p->env.len = len;
		p->env.flags |= BELL_MORE;
		p->env.check = 0;
		copy_out(rec, p, w->buf, len);
		tell(w, p);
		in->taken += (uint32_t)len;
		return (int64_t)len;
	}
	copy_out(rec, p, w->buf, len);
	tell(w, p);
	incoming_done(bus, in, rec, p);
	return (int64_t)len;
}

/* Takes what is there; TAKE_ON: nothing. */
static inline int64_t take_some(struct bell_bus *bus, take_fn *take,
			 const struct wanted *w)
{
	struct ring_record rec;
	struct bus_piece piece;
	struct bus_in *in;
	int64_t rc = TAKE_ON;

	/* Of what is nothing to hand out hostile memory can hold no end, too. */
	for (int n = 0; rc == TAKE_ON && n < TAKE_MAX; n++) {
		rc = bus_next(bus, &in, &rec);
		if (rc == 0)
			return TAKE_ON;
		if (rc == 1)
			rc = incoming_piece(bus, in, &rec, &piece);
		if (rc == 1)
			rc = take(bus, in, &rec, &piece, w);
		else if (rc == 0)
			rc = TAKE_ON;
	}
	/* Enough for one look, but more of it may be queued. */
	if (rc == TAKE_ON)
		bus->flooded = true;
	if (rc == -BELL_ECORRUPT && w->env)
		*w->env = (struct bell_envelope){ .peer = bus->corrupt_id };
	return rc;
}

static ALWAYS_INLINE void tell_plain(const struct bus_in *in, uint64_t header,
				     struct bell_envelope *env)
{
	*env = in->plain;
	env->tag = (uint16_t)(header >> 32);
	env->len = (uint32_t)header;
	env->total = (uint32_t)header;
}

static BELL_COLD int64_t tell_space(struct bell_bus *bus, struct bus_in *in,
				    uint64_t header)
{
	bus_tell_space(bus, in);
	bus_count(bus);
	return (uint32_t)header;
}

static BELL_COLD int64_t look_at_port(struct bell_bus *bus, uint64_t header)
{
	(void)bus_look_at_port(bus);
	return (uint32_t)header;
}

/*
 * The record with that header, at the head of a link from bus_plain_in(). What is rare is
 * left to calls at the very end, for whose sake no register is saved before. is_short
 * as of ring_pull_straight().
 */
static ALWAYS_INLINE int64_t take_record(struct bell_bus *bus, struct bus_in *in,
					 uint64_t header, void *buf, size_t size,
					 struct bell_envelope *env, bool is_short)
{
	if (!ring_take_straight(&in->r, header, buf, size, is_short))
		return TAKE_ON;
	if (env)
		tell_plain(in, header, env);
	bus->stats.received++;
	bus->stats.looks++;
	bus->taken++;
	if (ring_space_due(&in->r))
		return tell_space(bus, in, header);
	if (bus_count_down(bus))
		return look_at_port(bus, header);
	return (uint32_t)header;
}

static ALWAYS_INLINE int64_t take_plain(struct bell_bus *bus, void *buf, size_t size,
					struct bell_envelope *env)
{
	struct bus_in *in = bus_plain_in(bus);

	return in ? take_record(bus, in, ring_next_header(&in->r), buf, size, env,
				false) : TAKE_ON;
}

/*
 * An answer is on its way to somebody who spins for it: nothing but its header is
 * looked at, and all else that a wait does is put off so long.
 */
static inline int64_t take_eagerly(struct bell_bus *bus, void *buf, size_t size,
				   struct bell_envelope *env)
{
	struct bus_in *in = bus->active_count == 1 ? bus_plain_in(bus) : NULL;
	uint64_t header = 0;

	for (int n = 0; in && header == 0 && n < EAGER_LOOKS; n++)
		header = ring_next_header(&in->r);
	bus_caught_up(bus);
	return header != 0 && bus_is_same(bus) ?
		       take_record(bus, in, header, buf, size, env, false) : TAKE_ON;
}

/* Nothing is there, and the time is over. 1: look again. */
static int64_t give_up(struct bell_bus *bus, int *looks)
{
	if (bus_rest(bus) == 0)
		return error_plain(BELL_EAGAIN);
	*looks += bus_look(bus);
	if (*looks < BUS_LOOKS_MAX)
		return 1;
	return bus_remind(bus) < 0 ? -BELL_EIO : error_plain(BELL_EAGAIN);
}

/* A wait is over, and somebody waits for this. */
static int64_t look_again(struct bell_bus *bus, take_fn *take, const struct wanted *w)
{
	int64_t rc = take == take_whole ? take_plain(bus, w->buf, w->size, w->env) : TAKE_ON;

	return rc != TAKE_ON ? rc : take_some(bus, take, w);
}

/* Nothing was there at the first look. */
static int64_t await(struct bell_bus *bus, take_fn *take, const struct wanted *w,
		     int timeout_ms)
{
	uint64_t deadline = 0;
	int looks = 0;
	int64_t rc = TAKE_ON;

	for (;; rc = look_again(bus, take, w)) {
		if (rc != TAKE_ON)
			return rc;
		/* The clock is asked only by who has to wait. */
		if (deadline == 0)
			deadline = bus_deadline(timeout_ms);
		if (timeout_ms == 0) {
			rc = give_up(bus, &looks);
			if (rc < 0)
				return rc;
			continue;
		}
		rc = bus_idle(bus, NULL, 0, deadline);
		if (rc == -BELL_EAGAIN)
			timeout_ms = 0; /* a last look, which arms the bus */
		else if (rc < 0)
			return rc;
	}
}

static inline int64_t receive(struct bell_bus *bus, take_fn *take, const struct wanted *w,
		       int timeout_ms)
{
	int64_t rc = bus->calling ? bus_no_callback(bus) : 0;

	/* Another call's, around the callback of an interrupt that made this one. */
	if (rc == 0 && bus->direct && set_aside(bus) < 0)
		rc = -BELL_ENOMEM;
	if (rc == 0)
		rc = take_some(bus, take, w);
	if (rc == TAKE_ON)
		rc = await(bus, take, w, timeout_ms);
	/* The buffer is the caller's again. */
	if (bus->direct && set_aside(bus) < 0)
		rc = -BELL_ENOMEM;
	bus_count(bus);
	if (bus->pending)
		(void)bus_remind(bus);
	return rc;
}

/* Nothing is there, or something special: only the head is looked at again. */
static NEVER_INLINE int64_t receive_slowly(struct bell_bus *bus, void *buf, size_t size,
					   struct bell_envelope *env, int timeout_ms)
{
	struct wanted w = { buf, size, env };
	int64_t rc;

	/* Who slept finds its link by the wake word. An error shows again below. */
	if (bus_has_news(bus) && !bus->calling)
		(void)bus_collect(bus);
	rc = timeout_ms != 0 && bus_is_eager(bus) ? take_eagerly(bus, buf, size, env) :
						    take_plain(bus, buf, size, env);
	return rc != TAKE_ON ? rc : receive(bus, take_whole, &w, timeout_ms);
}

/*
 * At the head of the link whose turn it is. Another function, so that short messages
 * save no registers for a copy's call.
 */
static NEVER_INLINE int64_t take_long(struct bell_bus *bus, void *buf, size_t size,
				      struct bell_envelope *env, int timeout_ms)
{
	struct bus_in *in = bus->active[bus->turn];
	int64_t rc = take_record(bus, in, ring_next_header(&in->r), buf, size, env, false);

	return rc != TAKE_ON ? rc : receive_slowly(bus, buf, size, env, timeout_ms);
}

/* The message that most programs get most of the time comes first. */
int64_t bell_recv(struct bell_bus *bus, void *buf, size_t size,
		  struct bell_envelope *env, int timeout_ms)
{
	struct bus_in *in = bus_plain_in(bus);
	uint64_t header = in ? ring_next_header(&in->r) : 0;
	int64_t rc = TAKE_ON;

	if ((uint32_t)header > RING_SHORT)
		return take_long(bus, buf, size, env, timeout_ms);
	if (header != 0)
		rc = take_record(bus, in, header, buf, size, env, true);
	return rc != TAKE_ON ? rc : receive_slowly(bus, buf, size, env, timeout_ms);
}

int64_t bell_recv_piece(struct bell_bus *bus, void *buf, size_t size,
			struct bell_envelope *env, int timeout_ms)
{
	struct wanted w = { buf, size, env };

	if (size == 0)
		return error_detail(BELL_EINVAL, "no room for a piece");
	return receive(bus, take_piece, &w, timeout_ms);
}

/* As peek: what comes next of that sender is behind it. */
static int64_t take_in_place(struct bell_bus *bus, struct bus_in *in,
			     const struct ring_record *rec, struct bus_piece *p,
			     const struct wanted *w)
{
	const void **data = w->buf;

	if (in->taken > 0 || in->part.buf)
		return error_detail(BELL_EBUSY,
				    "some of the message from peer %s was taken: take the "
				    "rest with bell_recv() or bell_recv_piece()", ID_TEXT(in->from.id));
	if (in->r.held == BELL_HOLD_MAX)
		return error_detail(BELL_EBUSY, "%d messages of peer %s are held: "
				    "bell_release() one", BELL_HOLD_MAX, ID_TEXT(in->from.id));
	*data = inplace_data(in, rec, p);
	if (!*data)
		return error_plain(BELL_ENOMEM);
	in->part.in_pieces = in->part.open;
	tell(w, p);
	incoming_pass(bus, in, rec, p);
	inplace_hold(bus, in, rec);
	return (int64_t)p->env.len;
}

int64_t bell_peek(struct bell_bus *bus, struct bell_envelope *env,
		  const void **data, int timeout_ms)
{
	struct wanted w = { data, 0, env };

	return receive(bus, take_in_place, &w, timeout_ms);
}
