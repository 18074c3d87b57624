/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of streams that came: what another peer wrote, checked before it is
 * believed. One that breaks the rules costs its stream, nothing else.
 */
#include "stream-set.h"

#include "error.h"

bool stream_is_over(const struct bell_stream *s)
{
	return s->write_error && (s->read_error || s->fin);
}

void stream_end(struct bell_stream *s, int code)
{
	if (stream_is_over(s))
		return;
	if (!s->write_error)
		s->write_error = code;
	if (!s->read_error)
		s->read_error = code;
	s->owed &= OWED_RESET;
	stream_paid(s);
	stream_due(s, BELL_STREAM_READABLE | BELL_STREAM_ENDED);
}

bool stream_break(struct bell_stream *s, int code)
{
	if (stream_is_over(s))
		return false;
	stream_end(s, code);
	s->reset = STREAM_ABORTED;
	stream_owe(s, OWED_RESET);
	return true;
}

/* The number of bytes is what was checked; false: more than was granted. */
static bool take_bytes(struct bell_stream *s, const struct ring_record *rec,
		       uint32_t len)
{
	uint32_t at = STREAM_HEAD, direct = 0;

	if (len > s->granted - s->received)
		return false;
	if (s->sink && s->in.len == 0) {
		size_t room = s->sink_room - s->sink_got;

		direct = len < room ? len : (uint32_t)room;
		ring_copy_out(rec, at, s->sink + s->sink_got, direct);
		s->sink_got += direct;
	}
	s->received += direct;
	if (stream_buffer_put(&s->in, rec, at + direct, len - direct) < 0) {
		stream_break(s, BELL_ENOMEM);
		return true;
	}
	s->received += len - direct;
	if (direct > 0)
		stream_grant(s);
	if (len > direct)
		stream_due(s, BELL_STREAM_READABLE);
	return true;
}

static bool take_data(struct bell_stream *s, const struct ring_record *rec)
{
	if (!s->open || s->fin)
		return false;
	return s->read_error || take_bytes(s, rec, rec->len - STREAM_HEAD);
}

/* Absolute, so that it can only be news or nothing; it never goes back. */
static bool take_limit(struct bell_stream *s, uint64_t limit)
{
	if (limit < s->limit)
		return false;
	s->limit = limit;
	if (s->want_write && s->sent < s->limit)
		stream_due(s, BELL_STREAM_WRITABLE);
	return true;
}

static bool take_accept(struct bell_stream *s, uint64_t limit)
{
	if (!s->ours || s->open)
		return false;
	s->open = true;
	stream_due(s, BELL_STREAM_OPENED);
	return take_limit(s, limit);
}

static bool take_fin(struct bell_stream *s)
{
	if (!s->open || s->fin)
		return false;
	s->fin = true;
	s->owed &= ~OWED_CREDIT;
	stream_paid(s);
	stream_due(s, BELL_STREAM_READABLE);
	return true;
}

/* Not accepted by the program yet, and worth nothing now. */
static void drop_from_backlog(struct bell_stream *s)
{
	if (!s->listener)
		return;
	stream_backlog_remove(s);
	s->held = false;
}

static bool take_reset(struct bell_stream *s, uint64_t code)
{
	switch (code) {
	case STREAM_REFUSED:
		if (s->open)
			return false;
		stream_end(s, BELL_ENOSERVICE);
		return true;
	case STREAM_CLOSED:
		if (!s->open)
			return false;
		stream_end(s, BELL_EPIPE);
		s->fin = true; /* what it wrote counts */
		return true;
	case STREAM_ABORTED:
		stream_end(s, BELL_EPIPE); /* what came before can be read */
		drop_from_backlog(s);
		return true;
	default:
		return false;
	}
}

/* False: it breaks the rules. */
static bool take(struct bell_stream *s, const struct stream_head *head,
		 const struct ring_record *rec)
{
	switch (rec->flags) {
	case STREAM_ACCEPT:
		return take_accept(s, head->value);
	case STREAM_DATA:
		return take_data(s, rec);
	case STREAM_CREDIT:
		return s->open && take_limit(s, head->value);
	case STREAM_FIN:
		return take_fin(s);
	case STREAM_RESET:
		return take_reset(s, head->value);
	default: /* OPEN of a number that is taken, or nothing we know */
		return false;
	}
}

/* Copies the head out. False: too short, or bits that nobody may set. */
static bool read_head(const struct ring_record *rec, struct stream_head *head)
{
	bool bare = rec->flags == STREAM_DATA || rec->flags == STREAM_FIN;
	uint32_t len = bare ? STREAM_HEAD : STREAM_VALUE_HEAD;

	*head = (struct stream_head){ 0, 0, 0 };
	if (rec->len < len)
		return false;
	ring_copy_out(rec, 0, head, len);
	return (head->bits & ~STREAM_BY_OPENER) == 0;
}

void stream_frame(struct bell_bus *bus, struct bus_in *in,
		  const struct ring_record *rec)
{
	struct stream_head head;
	struct bell_stream *s;

	if (!read_head(rec, &head))
		return;
	s = stream_find(bus, &in->from, head.number, !(head.bits & STREAM_BY_OPENER));
	if (s) {
		if (!take(s, &head, rec)) {
			stream_break(s, BELL_ECORRUPT);
			stream_push(s);
		}
		stream_settle(s);
	} else if (rec->flags == STREAM_OPEN) {
		if (head.bits & STREAM_BY_OPENER)
			stream_take_open(bus, &in->from, &head, rec);
	} else if (rec->flags == STREAM_DATA) {
		/* A stray, or crossed by our reset; an answer may get lost. */
		stream_refuse(bus, &in->from, &head, STREAM_ABORTED, false);
	}
}
