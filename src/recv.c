/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving: whose turn it is, and the next record of that sender. */
#include "bus.h"

#include "error.h"

#include <string.h>

/* Records of one sender in a row while others wait too. */
#define TURN_LENGTH 64
/* Links looked at in band while polling; colder ones are armed instead. */
#define HOT_LINKS 4
/* Pings answered in one look: hostile memory can hold no end of them. */
#define CONTROL_MAX 256

static void next_turn(struct bell_bus *bus)
{
	bus->taken = 0;
	if (++bus->turn >= bus->active_count)
		bus->turn = 0;
}

static void tell_space(struct bell_bus *bus, struct bus_in *in)
{
	if (ring_space_wanted(&in->r) && !in->gone)
		bus_wake(bus, in->slot, in->id, in->link);
}

void bus_release(struct bell_bus *bus, struct bus_in *in,
		 const struct ring_record *rec)
{
	ring_release(&in->r, rec);
	if (ring_space_due(&in->r))
		tell_space(bus, in);
}

/*
 * Nothing in this link: tells the sender of the space, frees the link of one
 * that is gone, and lets a cold link be told by the wake word. True if there
 * is something after all.
 */
static bool empty(struct bell_bus *bus, struct bus_in *in)
{
	tell_space(bus, in);
	if (in->gone) {
		/* All it had committed was there before we knew it gone. */
		if (!ring_has_data(&in->r))
			link_drop_in(bus, in, LINK_FREE);
		return true;
	}
	if (bus->active_count > HOT_LINKS) {
		if (ring_arm(&in->r))
			return true;
		link_deactivate(bus, in);
		return true; /* another one has its turn now */
	}
	next_turn(bus);
	return false;
}

static int corrupt(struct bell_bus *bus, struct bus_in *in)
{
	int rc = error_detail(BELL_ECORRUPT,
			      "peer %u wrote garbage into its link, which was closed",
			      in->id);
	struct bus_in was = *in;

	bus->corrupt_id = was.id;
	link_drop_in(bus, in, LINK_BROKEN);
	/* Garbage everywhere? Then it is not that peer's doing. */
	if (!layout_same(bus->memory, &bus->layout))
		return error_plain(BELL_ERESET);
	/* The sender may sleep until there is space, which now never comes. */
	if (!was.gone)
		bus_wake(bus, was.slot, was.id, was.link);
	return rc;
}

/*
 * The record at the head of a link, past pings. As ring_peek(), and 0 with
 * *controls at 0 if it was enough for one look.
 */
static int head(struct bell_bus *bus, struct bus_in *in, struct ring_record *rec,
		int *controls)
{
	int rc;

	while ((rc = ring_peek(&in->r, rec)) == 1 && rec->kind != RECORD_DATA) {
		bool seen = rec->pos < in->r.scanned;

		if (--*controls == 0)
			return 0;
		if (!seen)
			bus_control(bus, in, rec);
		bus_release(bus, in, rec);
	}
	return rc == 0 && in->broken ? -BELL_ECORRUPT : rc;
}

int bus_next(struct bell_bus *bus, struct bus_in **result,
	     struct ring_record *rec)
{
	uint32_t idle = 0;
	int controls = CONTROL_MAX;
	int rc = bus_collect(bus);

	if (rc < 0)
		return rc;
	while (bus->active_count > 0 && idle < bus->active_count) {
		struct bus_in *in = bus->active[bus->turn];

		rc = head(bus, in, rec, &controls);
		if (rc < 0)
			return corrupt(bus, in);
		if (controls == 0)
			break;
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

void bus_fill_envelope(struct bell_envelope *env, const struct bus_in *in,
		       const struct ring_record *rec)
{
	env->peer = in->id;
	env->incarnation = link_from_inc(in->link_word);
	env->tag = rec->tag;
	env->flags = rec->flags & BELL_MORE;
	env->len = rec->len;
}

static int64_t take(struct bell_bus *bus, struct bus_in *in,
		    const struct ring_record *rec, void *buf, size_t size,
		    struct bell_envelope *env)
{
	if (env)
		bus_fill_envelope(env, in, rec);
	if (rec->len > size)
		return error_detail(BELL_EMSGSIZE,
				    "message of %u bytes from peer %u: the buffer has %zu",
				    rec->len, in->id, size);
	if (rec->piece_len[1] == 0 && rec->len > 0)
		memcpy(buf, rec->piece[0], rec->len);
	else
		ring_copy_out(rec, 0, buf, rec->len);
	bus_release(bus, in, rec);
	bus->stats.received++;
	return rec->len;
}

int64_t bell_recv(struct bell_bus *bus, void *buf, size_t size,
		  struct bell_envelope *env, int timeout_ms)
{
	uint64_t deadline = 0;
	struct ring_record rec;
	struct bus_in *in;
	int looks = 0, rc;

	if (bus->delivering)
		return error_detail(BELL_EBUSY, "called from a message callback");
	for (;;) {
		rc = bus_next(bus, &in, &rec);
		if (rc == 1)
			return take(bus, in, &rec, buf, size, env);
		if (rc == -BELL_ECORRUPT && env)
			*env = (struct bell_envelope){ .peer = bus->corrupt_id };
		if (rc < 0)
			return rc;
		/* The clock is asked only by who has to wait. */
		if (deadline == 0)
			deadline = bus_deadline(timeout_ms);
		if (timeout_ms == 0) {
			if (bus->mode == BELL_POLL || bus_arm(bus) == 0)
				return error_plain(BELL_EAGAIN);
			if (++looks >= BUS_LOOKS_MAX)
				return bus_remind(bus) < 0 ? -BELL_EIO :
							     error_plain(BELL_EAGAIN);
			continue;
		}
		rc = bus_idle(bus, NULL, 0, deadline);
		if (rc == -BELL_EAGAIN)
			timeout_ms = 0; /* a last look, which arms the bus */
		else if (rc < 0)
			return rc;
	}
}
