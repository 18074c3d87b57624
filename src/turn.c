/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose turn it is: the next record of the senders that have something. */
#include "bus.h"

#include "error.h"


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
	if (bus->active_count > HOT_LINKS && !in->gone && !bus->poll_only) {
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
			      "peer %s wrote garbage into its link, which was closed",
			      ID_TEXT(in->from.id));
	struct bus_remote was = in->from;
	uint32_t link = in->link;
	bool gone = in->gone, lost = in->lost;

	bus->corrupt_id = was.id;
	link_lost(bus, &was);
	link_drop_in(bus, in, LINK_BROKEN);
	bus->review = true;
	/* Garbage everywhere? Then it is not that peer's doing. */
	if (!layout_same(bus->memory, &bus->layout))
		return bus_reset(bus);
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
		if (bus->active_count > 1 && bus_turn_is_over(bus)) {
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
