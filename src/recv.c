/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving: whose turn it is, and the next record of that sender. */
#include "bus.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

/* Records of one sender in a row while others wait too. */
#define TURN_LENGTH 64
/* Links looked at in band while polling; colder ones are armed instead. */
#define HOT_LINKS 4
/* Frames, and pieces of nothing, in one look: hostile memory can hold no end. */
#define CONTROL_MAX 4096
#define CONTROL_LEAST 64 /* of each link, if many have some */

static void next_turn(struct bell_bus *bus)
{
	bus->active[bus->turn]->served = bus->round;
	bus->taken = 0;
	if (++bus->turn >= bus->active_count) {
		bus->turn = 0;
		bus->round++;
	}
}

void bus_tell_space(struct bell_bus *bus, struct bus_in *in)
{
	if (ring_space_wanted(&in->r) && !in->gone)
		bus_wake(bus, &in->from, in->link);
}

void bus_release(struct bell_bus *bus, struct bus_in *in,
		 const struct ring_record *rec)
{
	ring_release(&in->r, rec);
	if (ring_space_due(&in->r))
		bus_tell_space(bus, in);
}

/*
 * Nothing in this link: tells the sender of the space, frees the link of one
 * that is gone, and lets a cold link be told by the wake word. True if there
 * is something after all.
 */
static bool empty(struct bell_bus *bus, struct bus_in *in)
{
	bus_tell_space(bus, in);
	if (in->gone && in->r.held == 0) {
		/* All it had committed was there before we knew it gone. */
		if (!ring_has_data(&in->r)) {
			link_drop_in(bus, in, LINK_FREE);
			bus->review = true;
		}
		return true;
	}
	if (bus->active_count > HOT_LINKS && !in->gone) {
		if (ring_arm(&in->r))
			return true;
		in->served = bus->round;
		link_deactivate(bus, in);
		return true; /* another one has its turn now */
	}
	next_turn(bus);
	return false;
}

int bus_corrupt(struct bell_bus *bus, struct bus_in *in)
{
	int rc = error_detail(BELL_ECORRUPT,
			      "peer %u wrote garbage into its link, which was closed",
			      in->from.id);
	struct bus_remote was = in->from;
	uint32_t link = in->link;
	bool gone = in->gone, lost = in->lost;

	bus->corrupt_id = was.id;
	link_lost(bus, &was);
	link_drop_in(bus, in, LINK_BROKEN);
	bus->review = true;
	/* Garbage everywhere? Then it is not that peer's doing. */
	if (!layout_same(bus->memory, &bus->layout))
		return error_plain(BELL_ERESET);
	if (lost) {
		/* What the link became meanwhile was not looked at. */
		(void)shm_fetch_or(&bus->self->wake, wake_bit(link));
		return rc;
	}
	/* The sender may sleep until there is space, which now never comes. */
	if (!gone)
		bus_wake(bus, &was, link);
	return rc;
}

void bus_take_frames(struct bell_bus *bus, struct bus_in *in)
{
	struct ring_record rec;
	int controls = CONTROL_MAX / (int)(bus->active_count + 1) + CONTROL_LEAST;
	int rc = 0;

	if (in->lost)
		return;
	bus->stats.looks++;
	while (--controls > 0 && (rc = ring_peek(&in->r, &rec)) == 1 &&
	       !bus_is_message(&rec)) {
		if (rec.pos >= in->r.scanned)
			bus_control(bus, in, &rec);
		bus_release(bus, in, &rec);
	}
	while (controls > 0 && rc == 1 && --controls > 0 &&
	       (rc = ring_scan(&in->r, &rec)) == 1)
		if (!bus_is_message(&rec))
			bus_control(bus, in, &rec);
	if (controls <= 0)
		bus->flooded = true;
	if (controls > 0 && rc < 0 && !in->broken) {
		in->broken = true;
		link_lost(bus, &in->from);
	}
}

/* A record that says: the message under way ends here, unfinished. */
static int break_off(const struct bus_in *in, struct ring_record *rec)
{
	*rec = (struct ring_record){ .kind = 0, .tag = in->part.tag, .pos = in->r.pos };
	return 1;
}

/*
 * The record at the head of a link, past frames. As ring_peek(), and 0 with
 * *controls at 0 if it was enough for one look.
 */
static int head(struct bell_bus *bus, struct bus_in *in, struct ring_record *rec,
		int *controls)
{
	int rc;

	if (in->lost)
		return -BELL_ECORRUPT;
	bus->stats.looks++;
	while ((rc = ring_peek(&in->r, rec)) == 1 && !bus_is_message(rec)) {
		bool seen = rec->pos < in->r.scanned;

		if (--*controls == 0)
			return 0;
		if (!seen)
			bus_control(bus, in, rec);
		bus_release(bus, in, rec);
	}
	if (rc == 0 && in->broken)
		rc = -BELL_ECORRUPT;
	if (!in->part.open || (rc == 1 && !incoming_begins(in, rec)) ||
	    (rc == 0 && (!in->gone || ring_has_data(&in->r))))
		return rc;
	return break_off(in, rec);
}

int bus_next(struct bell_bus *bus, struct bus_in **result,
	     struct ring_record *rec)
{
	uint32_t idle = 0;
	int controls = CONTROL_MAX;
	int rc = bus_collect(bus);

	bus->flooded = false;
	if (rc < 0)
		return rc;
	while (bus->active_count > 0 && idle < bus->active_count) {
		struct bus_in *in = bus->active[bus->turn];

		/*
		 * It was empty in this round, and has something again: without
		 * the wait for the next one a few who do that would keep the turn
		 * from ever getting round to the others.
		 */
		if (in->served == bus->round) {
			next_turn(bus);
			idle = 0;
			continue;
		}
		rc = head(bus, in, rec, &controls);
		if (rc < 0)
			return bus_corrupt(bus, in);
		if (controls == 0) {
			bus->flooded = true;
			break;
		}
		if (rc == 0) {
			if (!empty(bus, in))
				idle++;
			continue;
		}
		if (bus->taken >= TURN_LENGTH && bus->active_count > 1) {
			next_turn(bus);
			idle = 0;
			continue;
		}
		bus->taken++;
		*result = in;
		return 1;
	}
	/* A wiped memory looks empty too. */
	return bus_check(bus);
}

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
		memcpy(buf, rec->piece[0] + p->at, len);
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
				    "message of unknown size from peer %u: take it in "
				    "pieces", in->from.id);
	return error_detail(BELL_EMSGSIZE,
			    "message of %llu bytes from peer %u: the buffer has %zu",
			    (unsigned long long)p->env.total, in->from.id, w->size);
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
			    "pieces of the message from peer %u were taken: take the "
			    "rest with bell_recv_piece(), too", in->from.id);
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
static int64_t take_some(struct bell_bus *bus, take_fn *take,
			 const struct wanted *w)
{
	struct ring_record rec;
	struct bus_piece piece;
	struct bus_in *in;
	int64_t rc = TAKE_ON;

	/* Of what is nothing to hand out hostile memory can hold no end, too. */
	for (int n = 0; rc == TAKE_ON && n < CONTROL_MAX; n++) {
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
	if (rc == -BELL_ECORRUPT && w->env)
		*w->env = (struct bell_envelope){ .peer = bus->corrupt_id };
	return rc;
}

/* Nothing is there, and the time is over: arms. 1: look again. */
static int64_t give_up(struct bell_bus *bus, int *looks)
{
	if (bus->mode == BELL_POLL || bus_arm(bus) == 0)
		return error_plain(BELL_EAGAIN);
	*looks += bus_look(bus);
	if (*looks < BUS_LOOKS_MAX)
		return 1;
	return bus_remind(bus) < 0 ? -BELL_EIO : error_plain(BELL_EAGAIN);
}

static int64_t await(struct bell_bus *bus, take_fn *take, const struct wanted *w,
		     int timeout_ms)
{
	uint64_t deadline = 0;
	int looks = 0;
	int64_t rc;

	for (;;) {
		rc = take_some(bus, take, w);
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

static int64_t receive(struct bell_bus *bus, take_fn *take, const struct wanted *w,
		       int timeout_ms)
{
	int64_t rc = bus_no_callback(bus);

	/* Another call's, around the callback of an interrupt that made this one. */
	if (rc == 0 && set_aside(bus) < 0)
		rc = -BELL_ENOMEM;
	if (rc == 0)
		rc = await(bus, take, w, timeout_ms);
	/* The buffer is the caller's again. */
	if (set_aside(bus) < 0)
		rc = -BELL_ENOMEM;
	bus_count(bus);
	if (bus->pending)
		(void)bus_remind(bus);
	return rc;
}

static void tell_whole(const struct bus_in *in, const struct ring_record *rec,
		       struct bell_envelope *env)
{
	*env = (struct bell_envelope){
		.peer = in->from.id,
		.incarnation = slot_incarnation(in->from.word),
		.tag = rec->tag,
		.len = rec->len,
		.total = rec->len,
	};
}

/*
 * The message that most programs get most of the time: there already, in one
 * record, with room for it. TAKE_ON: anything else, and nothing was done.
 */
static inline int64_t took_at_once(struct bell_bus *bus, const struct wanted *w)
{
	struct ring_record rec;
	struct bus_in *in;
	int rc = bus_next(bus, &in, &rec);

	if (rc < 0) {
		if (rc == -BELL_ECORRUPT && w->env)
			*w->env = (struct bell_envelope){ .peer = bus->corrupt_id };
		return rc;
	}
	if (rc == 0 || rec.kind != RECORD_DATA || rec.len > w->size || in->taken > 0)
		return TAKE_ON;
	if (w->env)
		tell_whole(in, &rec, w->env);
	if (rec.piece_len[1] == 0 && rec.len > 0)
		memcpy(w->buf, rec.piece[0], rec.len);
	else
		ring_copy_out(&rec, 0, w->buf, rec.len);
	bus_release(bus, in, &rec);
	bus->stats.received++;
	bus_count(bus);
	return rec.len;
}

int64_t bell_recv(struct bell_bus *bus, void *buf, size_t size,
		  struct bell_envelope *env, int timeout_ms)
{
	struct wanted w = { buf, size, env };

	if (!bus->calling && !bus->pending) {
		int64_t rc = took_at_once(bus, &w);

		if (rc != TAKE_ON)
			return rc;
	}
	return receive(bus, take_whole, &w, timeout_ms);
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
				    "some of the message from peer %u was taken: take the "
				    "rest with bell_recv() or bell_recv_piece()", in->from.id);
	if (in->r.held == BELL_HOLD_MAX)
		return error_detail(BELL_EBUSY, "%d messages of peer %u are held: "
				    "bell_release() one", BELL_HOLD_MAX, in->from.id);
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
