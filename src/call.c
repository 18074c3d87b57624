/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of a bus: frames to the side they are for, and what is due. */
#include "request.h"

#include "error.h"
#include "os.h"

#include <stdlib.h>

int call_set_need(struct bell_bus *bus, struct call_set **out)
{
	struct call_set *set = bus->calls;

	if (!set) {
		set = calloc(1, sizeof(*set));
		if (!set)
			return error_plain(BELL_ENOMEM);
		/* Not from 0: a late answer to an earlier incarnation is nobody's. */
		set->next_id = os_random();
		queue_init(&set->ended);
		queue_init(&set->fresh);
		queue_init(&set->moot);
		queue_init(&set->owed);
		bus->calls = set;
	}
	*out = set;
	return 0;
}

static unsigned words(const struct call_out *out)
{
	return out->op == CALL_REQUEST || out->op == CALL_REFUSED ? 2 : 1;
}

size_t call_out_size(const struct call_out *out)
{
	return words(out) * CALL_WORD + out->len;
}

typedef int frame_fn(struct bell_bus *bus, const struct bus_remote *to,
		     uint64_t header, const struct bell_part *parts, size_t count);

static int send_by(frame_fn *fn, struct bell_bus *bus, const struct bus_remote *to,
		   const struct call_out *out)
{
	struct bell_part parts[2] = { { out->word, words(out) * CALL_WORD },
				      { out->data, out->len } };

	return fn(bus, to,
		  record_header(RECORD_CALL, (uint8_t)out->op, out->method,
				(uint32_t)call_out_size(out)),
		  parts, 2);
}

int call_out_send(struct bell_bus *bus, const struct bus_remote *to,
		  const struct call_out *out)
{
	int rc = send_by(frame_send, bus, to, out);

	/* The link was given up; the next one is new. */
	return rc == -BELL_ECORRUPT ? send_by(frame_send, bus, to, out) : rc;
}

int call_out_try(struct bell_bus *bus, const struct bus_remote *to,
		 const struct call_out *out)
{
	return send_by(frame_try, bus, to, out);
}

bool call_same_remote(const struct bus_remote *x, const struct bus_remote *y)
{
	return x->slot == y->slot && x->word == y->word;
}

bool call_gone(const struct bell_bus *bus, struct call_gone *memo,
	       const struct bus_remote *r)
{
	if (!call_same_remote(&memo->last, r)) {
		memo->last = *r;
		memo->gone = link_remote_gone(bus, r);
	}
	return memo->gone;
}

size_t bell_max_call(const struct bell_bus *bus)
{
	uint64_t max = ring_max_message(bus->layout.ring_size);

	/* frame_send() has to be able to keep it, and something else besides. */
	if (max > FRAMES_KEPT_MAX / 2)
		max = FRAMES_KEPT_MAX / 2;
	return (size_t)max - CALL_HEAD;
}

int bell_next_deadline(const struct bell_bus *bus)
{
	return bus_remaining_ms(call_deadline(bus));
}

void call_frame(struct bell_bus *bus, struct bus_in *in,
		const struct ring_record *rec)
{
	uint64_t id;

	if (rec->len < sizeof(id))
		return;
	ring_copy_out(rec, 0, &id, sizeof(id));
	switch (rec->flags) {
	case CALL_REQUEST:
		request_came(bus, in, rec, id);
		break;
	case CALL_CANCEL:
		request_cancelled(bus, in, id);
		break;
	case CALL_REPLY:
	case CALL_FAILED:
	case CALL_REFUSED:
		caller_answer(bus, in, rec, id);
		break;
	default: /* of who knows more, or garbage */
		break;
	}
}

void call_review(struct bell_bus *bus)
{
	if (!bus->calls)
		return;
	caller_review(bus);
	request_review(bus);
}

void call_lost(struct bell_bus *bus, const struct bus_remote *r)
{
	if (!bus->calls)
		return;
	caller_lost(bus, r);
	request_lost(bus, r);
}

void call_flush(struct bell_bus *bus)
{
	if (bus->calls)
		answer_flush(bus);
}

uint64_t call_deadline(const struct bell_bus *bus)
{
	const struct due *first = bus->calls ? due_first(&bus->calls->dues) : NULL;

	return first ? first->at_ns : BUS_FOREVER;
}

static void end_late(struct call_set *set)
{
	struct due *due;
	uint64_t now;

	if (!due_first(&set->dues))
		return;
	now = os_now_ns();
	while ((due = due_first(&set->dues)) != NULL && due->at_ns <= now) {
		due_remove(&set->dues, due);
		due->pass(due->owner);
	}
}

int call_tell(struct bell_bus *bus)
{
	struct call_set *set = bus->calls;
	bool calling = bus->calling;
	int n;

	if (!set)
		return 0;
	end_late(set);
	answer_flush(bus);
	bus->calling = true;
	n = caller_tell(bus);
	n += request_tell(bus);
	bus->calling = calling;
	if (!queue_empty(&set->ended) || !queue_empty(&set->fresh) ||
	    !queue_empty(&set->moot))
		bus_pend(bus);
	return n;
}

void call_done(struct bell_bus *bus)
{
	struct call_set *set = bus->calls;

	if (!set)
		return;
	bus->calls = NULL;
	caller_done(set);
	request_done(set);
	due_done(&set->dues);
	free(set);
}
