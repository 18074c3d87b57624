/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames of streams that go: control now or once there is space, and data. */
#include "stream-set.h"

#include "error.h"

#include <string.h>

/* Pieces: several in the ring at once, so that both sides work. */
#define PIECES_IN_RING 8u
#define PIECE_MAX 65536u

#define WINDOW_MIN 65536u
#define WINDOW_MAX (1u << 20)
/* From many streams of one peer on each gets less, down to WINDOW_LEAST. */
#define WINDOWS_OF_PEER (UINT64_C(64) << 20)
#define WINDOW_LEAST 16384u

uint32_t stream_window(const struct bell_bus *bus, uint32_t others)
{
	uint64_t window = bus->layout.ring_size, share;

	if (window < WINDOW_MIN)
		window = WINDOW_MIN;
	if (window > WINDOW_MAX)
		window = WINDOW_MAX;
	share = WINDOWS_OF_PEER / (others + 1);
	if (window > share)
		window = share;
	return window < WINDOW_LEAST ? WINDOW_LEAST : (uint32_t)window;
}

static uint64_t stream_header(enum stream_op op)
{
	return record_header(RECORD_STREAM, (uint8_t)op, 0, 0);
}

static struct stream_head head_of(const struct bell_stream *s, uint64_t value)
{
	return (struct stream_head){ .number = s->number,
				     .bits = s->ours ? STREAM_BY_OPENER : 0,
				     .value = value };
}

static int send_control(struct bell_stream *s, enum stream_op op, uint64_t value,
			size_t len)
{
	struct stream_head head = head_of(s, value);
	struct bell_part part = { &head, len };

	return frame_send(s->bus, &s->remote, stream_header(op), &part, 1);
}

int stream_send_open(struct bell_stream *s)
{
	struct stream_head head = head_of(s, s->granted);
	struct bell_part parts[2] = { { &head, STREAM_VALUE_HEAD },
				      { s->service, strlen(s->service) } };

	return frame_send(s->bus, &s->remote, stream_header(STREAM_OPEN), parts, 2);
}

void stream_refuse(struct bell_bus *bus, const struct bus_remote *to,
		   const struct stream_head *head, enum stream_reset code, bool keep)
{
	struct stream_head answer = { .number = head->number,
				      .bits = head->bits ^ STREAM_BY_OPENER,
				      .value = code };
	struct bell_part part = { &answer, STREAM_VALUE_HEAD };
	uint64_t header = stream_header(STREAM_RESET);

	/* Too much waits for it already, or it is gone: so be it. */
	if (keep)
		(void)frame_send(bus, to, header, &part, 1);
	else
		(void)frame_try(bus, to, header, &part, 1);
}

/* Sends the first thing of owed. As frame_send(). */
static int push_first(struct bell_stream *s, unsigned *bit)
{
	*bit = s->owed & (~s->owed + 1);
	switch (*bit) {
	case OWED_ACCEPT:
		return send_control(s, STREAM_ACCEPT, s->granted, STREAM_VALUE_HEAD);
	case OWED_CREDIT:
		return send_control(s, STREAM_CREDIT, s->granted, STREAM_VALUE_HEAD);
	case OWED_FIN:
		return send_control(s, STREAM_FIN, 0, STREAM_HEAD);
	default:
		return send_control(s, STREAM_RESET, s->reset, STREAM_VALUE_HEAD);
	}
}

/* Could a write send something now? */
static bool has_space(struct bell_stream *s)
{
	uint32_t len = STREAM_HEAD + stream_piece(s, SIZE_MAX);
	struct bus_out *out;

	/* An error shows at the next write. */
	if (link_to_remote(s->bus, &s->remote, &out) < 0)
		return true;
	if (!out->kept && out->reserved_count == 0 &&
	    ring_has_space(&out->w, len) != 0)
		return true;
	bus_want_space(s->bus, out, len);
	return false;
}

/* Asks for a look at owed once there is space. */
static void push_later(struct bell_stream *s)
{
	struct bus_out *out;

	if (link_to_remote(s->bus, &s->remote, &out) == 0)
		bus_want_space(s->bus, out, STREAM_VALUE_HEAD);
}

void stream_push(struct bell_stream *s)
{
	while (s->owed & ~OWED_SPACE) {
		unsigned bit;
		int rc = push_first(s, &bit);

		if (rc == -BELL_EBUSY || rc == -BELL_ENOMEM || rc == -BELL_ENOSPC) {
			push_later(s);
			return;
		}
		if (rc == -BELL_ECORRUPT && bit != OWED_RESET)
			stream_lost(s->bus, &s->remote); /* now a reset is left */
		else if (rc < 0)
			s->owed = 0; /* nobody is there to be told */
		else
			s->owed &= ~bit;
	}
	if (s->owed & OWED_SPACE && (s->write_error || has_space(s))) {
		s->owed = 0;
		if (s->want_write)
			stream_due(s, BELL_STREAM_WRITABLE);
	}
	stream_paid(s);
}

void stream_send(struct bell_stream *s, unsigned owed)
{
	stream_owe(s, owed);
	stream_push(s);
}

uint32_t stream_piece(const struct bell_stream *s, size_t len)
{
	uint64_t n = s->bus->layout.ring_size / PIECES_IN_RING;

	if (n > PIECE_MAX)
		n = PIECE_MAX;
	n -= STREAM_HEAD + RECORD_HEADER;
	if (n > s->limit - s->sent)
		n = s->limit - s->sent;
	return n < len ? (uint32_t)n : (uint32_t)len;
}

static bool is_reserved(struct bell_stream *s)
{
	struct bus_out *out;

	return link_to_remote(s->bus, &s->remote, &out) == 0 &&
	       out->reserved_count > 0;
}

int stream_send_data(struct bell_stream *s, const void *data, uint32_t len)
{
	struct stream_head head = head_of(s, 0);
	struct bell_part parts[2] = { { &head, STREAM_HEAD }, { data, len } };
	int rc;

	if (s->owed & OWED_ACCEPT)
		return -BELL_EAGAIN; /* that comes first */
	rc = frame_try(s->bus, &s->remote, stream_header(STREAM_DATA), parts, 2);
	if (rc == 0)
		s->sent += len;
	else if (rc == -BELL_EAGAIN && is_reserved(s))
		rc = error_detail(BELL_EBUSY,
				  "stream to peer %s: a bell_reserve() to it is not committed",
				  ID_TEXT(s->remote.id));
	else if (rc == -BELL_ECORRUPT)
		stream_lost(s->bus, &s->remote);
	else if (rc == -BELL_ENOPEER)
		s->write_error = BELL_ENOPEER; /* what it wrote can still be read */
	return rc;
}

void stream_want_write(struct bell_stream *s)
{
	s->want_write = true;
	if (s->sent < s->limit && !s->write_error)
		stream_send(s, OWED_SPACE);
}

void stream_grant(struct bell_stream *s)
{
	uint64_t limit = s->received - s->in.len + s->window;

	if (s->fin || s->read_error || limit - s->granted < s->window / 2)
		return;
	s->granted = limit;
	stream_send(s, OWED_CREDIT);
}
