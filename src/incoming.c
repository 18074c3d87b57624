/* SPDX-License-Identifier: BSD-2-Clause */
/* What a record is of a message: all of it, a piece, or nothing for us. */
#include "bus.h"

#include "error.h"
#include "topic.h"

#include <stdlib.h>

/* False: the record became shorter than what was handed out of it already. */
static bool fill(struct bus_piece *p, const struct bus_in *in,
		 const struct ring_record *rec, uint32_t prefix)
{
	uint32_t at = prefix + in->taken;

	if (at > rec->len)
		return false;
	p->at = at;
	p->env = (struct bell_envelope){
		.peer = in->from.id,
		.incarnation = slot_incarnation(in->from.word),
		.tag = rec->tag,
		.len = rec->len - at,
		.offset = in->taken,
		.total = rec->len - prefix,
	};
	return true;
}

static int topic_piece(struct bell_bus *bus, struct bus_in *in,
		       const struct ring_record *rec, struct bus_piece *p)
{
	const char *name;
	uint64_t hash;

	if (rec->len < TOPIC_PREFIX)
		return bus_corrupt(bus, in);
	ring_copy_out(rec, 0, &hash, sizeof(hash));
	name = topic_name(bus, hash);
	if (!name) {
		bus_release(bus, in, rec);
		return 0;
	}
	if (!fill(p, in, rec, TOPIC_PREFIX))
		return bus_corrupt(bus, in);
	p->env.topic = name;
	p->topic = hash;
	return 1;
}

/* The sender died, or gave the message up. */
static int broken_piece(const struct bus_in *in, struct bus_piece *p)
{
	p->at = 0;
	p->env = (struct bell_envelope){
		.peer = in->from.id,
		.incarnation = slot_incarnation(in->from.word),
		.tag = in->part.tag,
		.flags = BELL_BROKEN,
		.offset = in->part.got,
		.total = in->part.total,
	};
	return 1;
}

static void open_part(struct bus_in *in, const struct ring_record *rec)
{
	if (in->part.open)
		return; /* looked at before */
	in->part = (struct bus_part){ .open = true, .pos = rec->pos, .tag = rec->tag };
	ring_copy_out(rec, 0, &in->part.total, sizeof(in->part.total));
}

/* Fields before a piece's bytes; UINT32_MAX: it is too short for them. */
static uint32_t part_prefix(const struct ring_record *rec)
{
	uint32_t prefix = 0;

	if (rec->flags & PART_FIRST)
		prefix += (uint32_t)sizeof(uint64_t);
	if (rec->flags & PART_LAST)
		prefix += (uint32_t)sizeof(uint64_t);
	return prefix <= rec->len ? prefix : UINT32_MAX;
}

static int part_piece(struct bell_bus *bus, struct bus_in *in,
		      const struct ring_record *rec, struct bus_piece *p)
{
	uint32_t prefix;
	uint64_t end;

	if ((rec->flags & PART_BROKEN) && !in->part.open) {
		bus_release(bus, in, rec); /* told by what came before it */
		return 0;
	}
	if (rec->flags & PART_BROKEN)
		return broken_piece(in, p);
	prefix = part_prefix(rec);
	if (prefix == UINT32_MAX || (!(rec->flags & PART_FIRST) && !in->part.open))
		return bus_corrupt(bus, in);
	if (rec->flags & PART_FIRST)
		open_part(in, rec);
	end = in->part.got + rec->len - prefix;
	if (!fill(p, in, rec, prefix) || end > in->part.total ||
	    ((rec->flags & PART_LAST) && in->part.total != BELL_UNKNOWN &&
	     end != in->part.total))
		return bus_corrupt(bus, in);
	p->env.tag = in->part.tag;
	p->env.offset += in->part.got;
	p->env.total = in->part.total;
	if (rec->flags & PART_LAST) {
		ring_copy_out(rec, prefix - (uint32_t)sizeof(uint64_t), &p->env.check,
			      sizeof(p->env.check));
		p->env.total = end;
	} else {
		p->env.flags = BELL_MORE;
	}
	return 1;
}

int incoming_piece(struct bell_bus *bus, struct bus_in *in,
		   const struct ring_record *rec, struct bus_piece *p)
{
	switch (rec->kind) {
	case RECORD_DATA:
		return fill(p, in, rec, 0) ? 1 : bus_corrupt(bus, in);
	case RECORD_TOPIC:
		return topic_piece(bus, in, rec, p);
	case RECORD_PART:
		return part_piece(bus, in, rec, p);
	default:
		return broken_piece(in, p);
	}
}

void incoming_pass(struct bell_bus *bus, struct bus_in *in,
		   const struct ring_record *rec, const struct bus_piece *p)
{
	bool ends = !(p->env.flags & BELL_MORE);

	in->taken = 0;
	if (rec->kind == RECORD_TOPIC)
		topic_received(bus, p->topic);
	if (ends && !(p->env.flags & BELL_BROKEN))
		bus->stats.received++;
	if (rec->kind == RECORD_PART && !ends)
		in->part.got = p->env.offset + p->env.len;
	else if (rec->kind == RECORD_PART || rec->kind == 0)
		incoming_close(in);
}

void incoming_done(struct bell_bus *bus, struct bus_in *in,
		   const struct ring_record *rec, const struct bus_piece *p)
{
	incoming_pass(bus, in, rec, p);
	if (rec->kind != 0)
		bus_release(bus, in, rec);
}

void incoming_close(struct bus_in *in)
{
	free(in->part.buf);
	in->part = (struct bus_part){ .open = false };
}

bool incoming_begins(const struct bus_in *in, const struct ring_record *rec)
{
	return rec->kind == RECORD_DATA ||
	       (rec->kind == RECORD_PART && (rec->flags & PART_FIRST) &&
		rec->pos != in->part.pos);
}
