/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program does with a stream. */
#include "stream-set.h"

#include "error.h"

#include <string.h>

int stream_idle(struct bell_bus *bus, const struct bus_remote *space_to,
		uint32_t len, uint64_t deadline)
{
	int rc = deadline != 0 ? bus_idle(bus, space_to, len, deadline) : -BELL_EAGAIN;

	if (rc != -BELL_EAGAIN)
		return rc;
	/* In a callback: the dispatch around it arms. */
	if (bus->calling || bus_rest(bus) == 0)
		return error_plain(BELL_EAGAIN);
	if (!bus->flooded && ++bus->looks % BUS_LOOKS_MAX != 0)
		return 0;
	return bus_remind(bus) < 0 ? -BELL_EIO : error_plain(BELL_EAGAIN);
}

/* ---- open ---- */

static int open_new(struct bell_bus *bus, const struct bus_remote *r,
		    const char *service, struct bell_stream **out)
{
	struct bell_stream *s;
	int rc;

	if (!stream_set_need(bus))
		return error_plain(BELL_ENOMEM);
	s = stream_new(bus, r, stream_next_number(bus, r), true, service);
	if (!s)
		return error_plain(BELL_ENOMEM);
	rc = stream_send_open(s);
	if (rc < 0) {
		stream_free(s);
		/* Too much is kept for it. */
		return rc == -BELL_EBUSY ? -BELL_EAGAIN : rc;
	}
	s->want_write = true;
	*out = s;
	return 0;
}

static int failed(const struct bell_stream *s, int code)
{
	switch (code) {
	case BELL_ENOSERVICE:
		return error_detail(code, "peer %s: service %s: not offered, or too "
				    "many wait for it", ID_TEXT(s->remote.id), s->service);
	case BELL_ENOPEER:
		return error_detail(code, "stream to peer %s: it left", ID_TEXT(s->remote.id));
	case BELL_EPIPE:
		return error_detail(code, "stream to peer %s: reset by the other side",
				    ID_TEXT(s->remote.id));
	case BELL_ECORRUPT:
		return error_detail(code, "stream to peer %s: it broke the rules, or "
				    "its link is broken", ID_TEXT(s->remote.id));
	default:
		return error_plain(code);
	}
}

static int await_answer(struct bell_stream *s, uint64_t deadline)
{
	for (;;) {
		int rc = bus_scan(s->bus);

		/* Accepted and closed at once it is open all the same. */
		if (rc == 0 && s->write_error && !s->open)
			rc = failed(s, s->write_error);
		if (rc < 0 || s->open)
			return rc;
		rc = bus_idle(s->bus, NULL, 0, deadline);
		if (rc == -BELL_EAGAIN)
			return error_detail(BELL_EAGAIN, "peer %s: service %s: no answer "
					    "in time", ID_TEXT(s->remote.id), s->service);
		if (rc < 0)
			return rc;
	}
}

int bell_stream_open(struct bell_bus *bus, uint32_t to, const char *service,
		     int timeout_ms, struct bell_stream **out)
{
	uint64_t deadline = bus_deadline(timeout_ms);
	struct bus_call call = bus_begin(bus);
	struct bell_stream *s = NULL;
	struct bus_remote remote;
	int rc = stream_check_service(service, strlen(service));

	if (rc == 0)
		rc = link_find_remote(bus, to, &remote);
	if (rc == 0)
		rc = open_new(bus, &remote, service, &s);
	if (rc == 0 && timeout_ms != 0) {
		rc = await_answer(s, deadline);
		s->told_open = true;
	}
	if (rc == 0)
		*out = s;
	else
		bell_stream_reset(s);
	bus_end(bus, call);
	return rc;
}

/* ---- write ---- */

/* What can be sent now. How many bytes, or -BELL_EAGAIN, or why not. */
static int64_t write_some(struct bell_stream *s, const unsigned char *data,
			  size_t len)
{
	size_t done = 0;
	int rc = 0;

	while (rc == 0 && done < len) {
		uint32_t n = stream_piece(s, len - done);

		if (s->write_error)
			rc = failed(s, s->write_error);
		else if (n == 0)
			rc = -BELL_EAGAIN;
		else
			rc = stream_send_data(s, data + done, n);
		if (rc == 0)
			done += n;
	}
	return done > 0 ? (int64_t)done : rc;
}

static int64_t write_waiting(struct bell_stream *s, const void *data, size_t len,
			     int timeout_ms)
{
	uint64_t deadline = bus_deadline(timeout_ms);

	for (;;) {
		uint32_t piece;
		int64_t n = bus_scan(s->bus);

		if (n == 0)
			n = write_some(s, data, len);
		if (n != -BELL_EAGAIN)
			return n;
		if (timeout_ms == 0)
			stream_want_write(s); /* before it is armed */
		piece = stream_piece(s, len);
		n = stream_idle(s->bus, piece > 0 ? &s->remote : NULL,
				frame_need(s->bus, &s->remote, STREAM_HEAD + piece),
				deadline);
		if (n == -BELL_EAGAIN && timeout_ms != 0)
			stream_want_write(s);
		if (n == -BELL_EAGAIN)
			return error_detail(BELL_EAGAIN, "stream to peer %s: %s",
					    ID_TEXT(s->remote.id),
					    piece > 0 ? "the ring is full" :
							"the other side does not read");
		if (n < 0)
			return n;
	}
}

int64_t bell_stream_write(struct bell_stream *s, const void *data, size_t len,
			  int timeout_ms)
{
	struct bell_bus *bus = s->bus;
	struct bus_call call;
	int64_t n;

	if (s->write_error)
		return failed(s, s->write_error);
	if (s->shut)
		return error_detail(BELL_EINVAL, "stream to peer %s: was shut down",
				    ID_TEXT(s->remote.id));
	if (len == 0)
		return 0;
	if (!data)
		return error_detail(BELL_EINVAL, "%zu bytes at NULL", len);
	call = bus_begin(bus);
	n = write_some(s, data, len);
	if (n == -BELL_EAGAIN)
		n = write_waiting(s, data, len, timeout_ms);
	bus_end(bus, call);
	return n;
}

/* ---- read ---- */

/* What is there, the end, or -BELL_EAGAIN. */
static int64_t read_some(struct bell_stream *s, void *buf, size_t size)
{
	size_t n = stream_buffer_take(&s->in, buf, size);

	if (n > 0) {
		stream_grant(s);
		return (int64_t)n;
	}
	if (s->fin)
		return 0;
	return s->read_error ? failed(s, s->read_error) : -BELL_EAGAIN;
}

/* Frames that come meanwhile are copied straight to the caller. */
static int64_t read_waiting(struct bell_stream *s, void *buf, size_t size,
			    int timeout_ms)
{
	uint64_t deadline = bus_deadline(timeout_ms);
	/* Of another read, around the callback of an interrupt that made this one. */
	unsigned char *outer = s->sink;
	size_t outer_room = s->sink_room, outer_got = s->sink_got;
	int64_t n;

	s->sink = buf;
	s->sink_room = size;
	s->sink_got = 0;
	do {
		n = bus_scan(s->bus);
		if (s->sink_got > 0)
			n = (int64_t)s->sink_got;
		else if (n == 0)
			n = read_some(s, buf, size);
		if (n != -BELL_EAGAIN)
			break;
		n = stream_idle(s->bus, NULL, 0, deadline);
	} while (n == 0);
	if (s->sink_got > 0)
		n = (int64_t)s->sink_got;
	s->sink = outer;
	s->sink_room = outer_room;
	s->sink_got = outer_got;
	return n;
}

int64_t bell_stream_read(struct bell_stream *s, void *buf, size_t size,
			 int timeout_ms)
{
	struct bell_bus *bus = s->bus;
	struct bus_call call;
	int64_t n;

	if (size == 0 || !buf)
		return error_detail(BELL_EINVAL, "no room to read into");
	call = bus_begin(bus);
	n = read_some(s, buf, size);
	if (n == -BELL_EAGAIN)
		n = read_waiting(s, buf, size, timeout_ms);
	bus_end(bus, call);
	return n;
}

size_t bell_stream_readable(const struct bell_stream *s)
{
	return s->in.len;
}

/* ---- the end ---- */

int bell_stream_shutdown(struct bell_stream *s)
{
	if (s->shut)
		return 0;
	if (s->write_error)
		return failed(s, s->write_error);
	s->shut = true;
	stream_send(s, OWED_FIN);
	return 0;
}

/* The program lets go; what is left to be sent still is. */
static void let_go(struct bell_stream *s)
{
	s->held = false;
	bell_on_stream(s, NULL, NULL);
	stream_buffer_drop(&s->in);
	stream_push(s);
	stream_settle(s);
}

static void let_go_by_reset(struct bell_stream *s, enum stream_reset code)
{
	s->reset = code;
	s->write_error = s->read_error = BELL_EPIPE; /* what comes is not for us */
	s->owed &= OWED_ACCEPT; /* the answer to an OPEN comes first */
	stream_owe(s, OWED_RESET);
	let_go(s);
}

void bell_stream_close(struct bell_stream *s)
{
	if (!s)
		return;
	if (stream_is_over(s)) {
		let_go(s);
	} else if (!s->open) {
		let_go_by_reset(s, STREAM_ABORTED);
	} else if (s->fin && s->in.len == 0) {
		if (!s->shut)
			stream_owe(s, OWED_FIN);
		let_go(s);
	} else {
		let_go_by_reset(s, STREAM_CLOSED);
	}
}

void bell_stream_reset(struct bell_stream *s)
{
	if (!s)
		return;
	if (stream_is_over(s))
		let_go(s);
	else
		let_go_by_reset(s, STREAM_ABORTED);
}

uint32_t bell_stream_peer(const struct bell_stream *s)
{
	return s->remote.id;
}

const char *bell_stream_service(const struct bell_stream *s)
{
	return s->service;
}
