/* SPDX-License-Identifier: BSD-2-Clause */
/* What the bus does by itself: messages and news to callbacks, and pings. */
#include "bus.h"

#include "call.h"
#include "error.h"
#include "os.h"
#include "presence.h"
#include "stream.h"
#include "topic.h"

#include <stdlib.h>

/* Messages a dispatch; then the handle is made readable again for the rest. */
#define DISPATCH_MAX 4096

int bus_no_callback(const struct bell_bus *bus)
{
	return bus->calling ? error_detail(BELL_EBUSY, "called from a callback") : 0;
}

/* ---- frames ---------------------------------------------------------------- */

static void answer_ping(struct bell_bus *bus, struct bus_in *in, uint64_t nonce)
{
	struct bell_part part = { &nonce, sizeof(nonce) };

	/* No space, no answer: whoever pings waits for a bounded time. */
	(void)frame_send(bus, &in->from, record_header(RECORD_PONG, 0, 0, 0), &part, 1);
}

void bus_control(struct bell_bus *bus, struct bus_in *in,
		 const struct ring_record *rec)
{
	uint64_t nonce;

	if (rec->kind == RECORD_STREAM) {
		stream_frame(bus, in, rec);
	} else if (rec->kind == RECORD_CALL) {
		call_frame(bus, in, rec);
	} else if (rec->len == sizeof(nonce)) {
		ring_copy_out(rec, 0, &nonce, sizeof(nonce));
		if (rec->kind == RECORD_PING)
			answer_ping(bus, in, nonce);
		else if (rec->kind == RECORD_PONG && bus->ping_nonce &&
			 nonce == bus->ping_nonce)
			bus->pong = true;
	}
}

static void settle(struct bell_bus *bus)
{
	if (bus->thirsty > 0 || bus->space_lost)
		bus_serve_space(bus);
	while (bus->review) {
		bus->review = false;
		stream_review(bus);
		call_review(bus);
		topic_review(bus);
		presence_review(bus);
	}
}

/* All that a sender who is gone had sent was taken. */
static bool is_over(const struct bell_bus *bus, const struct bus_in *in)
{
	return in->gone && in != bus->delivering && in->r.held == 0 &&
	       !in->part.open && !in->broken && in->r.pos == in->r.scanned &&
	       !ring_has_data(&in->r);
}

int bus_scan(struct bell_bus *bus)
{
	int rc = bus_collect(bus);

	bus->flooded = false;
	for (uint32_t i = 0; rc == 0 && i < bus->active_count;) {
		struct bus_in *in = bus->active[i];

		bus_take_frames(bus, in);
		if (is_over(bus, in)) {
			link_drop_in(bus, in, LINK_FREE);
			bus->review = true;
		} else {
			i++;
		}
	}
	if (rc == 0)
		settle(bus);
	return rc;
}

/* ---- messages to a callback -------------------------------------------------- */

static int call_back(struct bell_bus *bus, struct bus_in *in,
		     const struct bell_envelope *env, const void *data)
{
	bus->delivering = in;
	bus->calling = true;
	bus->on_message(bus, env, data, bus->on_message_arg);
	bus->calling = false;
	bus->delivering = NULL;
	/* It may have waited, and the link be another's by now. */
	if (bus_is_same(bus) && shm_peek(&in->r.ctl->word) == in->link_word)
		return 1;
	in = link_from_peer(bus, in->link);
	if (in)
		link_activate(bus, in);
	return 0;
}

/* What bell_recv() had put together of a message comes first. */
static int deliver_assembled(struct bell_bus *bus, struct bus_in *in,
			     const struct bus_piece *p)
{
	struct bell_envelope env = p->env;
	unsigned char *buf = in->part.buf;
	int rc;

	in->part.buf = NULL;
	in->part.in_pieces = true;
	env.offset = in->part.given;
	env.len = in->part.got - in->part.given;
	env.total = in->part.total;
	env.flags = BELL_MORE;
	env.check = 0;
	rc = call_back(bus, in, &env, buf + env.offset);
	free(buf);
	return rc;
}

static int deliver(struct bell_bus *bus, struct bus_in *in,
		   const struct ring_record *rec, const struct bus_piece *p)
{
	const void *data;

	/* The callback may remove itself. */
	if (in->part.buf && rec->kind == RECORD_PART &&
	    (!deliver_assembled(bus, in, p) || !bus->on_message))
		return 1;
	data = inplace_data(in, rec, p);
	if (!data)
		return error_plain(BELL_ENOMEM);
	in->part.in_pieces = in->part.open;
	if (call_back(bus, in, &p->env, data))
		incoming_done(bus, in, rec, p);
	return 1;
}

/* Messages to the callback until none is left: how many, or an error. */
static int deliver_all(struct bell_bus *bus, int *n)
{
	struct bus_piece piece;
	struct ring_record rec;
	struct bus_in *in;
	int rc;

	for (int looks = 0; *n < DISPATCH_MAX && bus->on_message; looks++) {
		/* Of what is no message hostile memory can hold no end. */
		if (looks - *n > DISPATCH_MAX) {
			bus->flooded = true;
			return 0;
		}
		rc = bus_next(bus, &in, &rec);
		if (rc == 1)
			rc = incoming_piece(bus, in, &rec, &piece);
		else if (rc == 0)
			return 0;
		if (rc == 1)
			rc = deliver(bus, in, &rec, &piece);
		if (rc < 0)
			return rc;
		*n += rc;
	}
	return 0;
}

/* Without a callback: is there something for bell_recv()? Or an error. */
static int something_queued(struct bell_bus *bus)
{
	for (uint32_t i = 0; i < bus->active_count; i++) {
		struct bus_in *in = bus->active[i];

		if (in->broken && in->r.pos == in->r.scanned && !in->part.open)
			return bus_corrupt(bus, in);
		if (in->r.pos != in->r.scanned || (in->gone && in->part.open))
			return 1;
	}
	return 0;
}

/* ---- news to callbacks ------------------------------------------------------- */

static int tell_writable(struct bell_bus *bus)
{
	struct bus_out *out;
	int n = 0;

	while (bus->lost_count > 0) {
		uint32_t id = bus->lost[--bus->lost_count];

		if (bus->on_writable) {
			bus->on_writable(bus, id, bus->on_writable_arg);
			n++;
		}
	}
	/* A callback may send, and so change the list: from its start each time. */
	for (out = bus->outs; out; out = out ? out->next : bus->outs) {
		if (!out->writable)
			continue;
		out->writable = false;
		if (!bus->on_writable)
			continue;
		bus->on_writable(bus, out->to.id, bus->on_writable_arg);
		n++;
		out = NULL;
	}
	return n;
}

static int tell(struct bell_bus *bus)
{
	int total = 0, rc[4];

	bus->pending = false;
	bus->calling = true;
	rc[0] = stream_tell(bus);
	rc[1] = call_tell(bus);
	rc[2] = tell_writable(bus);
	/* Last: nobody is told of a death before its last words. */
	rc[3] = presence_tell(bus);
	bus->calling = false;
	for (int i = 0; i < 4; i++) {
		if (rc[i] < 0)
			return rc[i];
		total += rc[i];
	}
	return total;
}

static bool is_due(const struct bell_bus *bus)
{
	return bus->pending ||
	       (bus->calls && call_deadline(bus) <= os_now_ns());
}

/* ---- dispatch ---------------------------------------------------------------- */

/* One round: messages, then news. What was told adds to *n. */
static int round_of(struct bell_bus *bus, int *n)
{
	int rc;

	if (bus->on_message) {
		rc = deliver_all(bus, n);
		if (rc == 0)
			settle(bus);
	} else {
		rc = bus_scan(bus);
	}
	if (rc == 0 && is_due(bus)) {
		rc = tell(bus);
		*n += rc > 0 ? rc : 0;
	}
	if (rc >= 0 && !bus->on_message)
		rc = something_queued(bus);
	return rc;
}

/* Until nothing is left; *again: the handle has to tell of what is. */
static int dispatch(struct bell_bus *bus, bool *again)
{
	int n = 0, looks = 0, rc;

	for (;;) {
		rc = round_of(bus, &n);
		*again = true;
		if (rc < 0)
			return rc;
		looks += bus_look(bus);
		if (n >= DISPATCH_MAX || looks >= BUS_LOOKS_MAX)
			return n;
		if (is_due(bus))
			continue;
		/* What was scanned before is armed, too: that says nothing of it. */
		if (bus_rest(bus) != 0 || is_due(bus))
			continue;
		*again = false;
		return n + (!bus->on_message && rc > 0);
	}
}

int bus_dispatch(struct bell_bus *bus)
{
	bool again = false;
	int rc = bus_no_callback(bus);

	if (rc < 0)
		return rc;
	bus->dispatching = true;
	rc = dispatch(bus, &again);
	bus->dispatching = false;
	if (again && !bus_is_over(rc) && bus_remind(bus) < 0)
		return -BELL_EIO;
	return rc;
}

void bell_on_message(struct bell_bus *bus, bell_message_fn *fn, void *arg)
{
	bus->on_message = fn;
	bus->on_message_arg = arg;
}

void bell_on_writable(struct bell_bus *bus, bell_writable_fn *fn, void *arg)
{
	bus->on_writable = fn;
	bus->on_writable_arg = arg;
}

/* ---- ping -------------------------------------------------------------------- */

/* No space will come while we wait for ourselves. */
static int check_reserved(struct bell_bus *bus, const struct bus_remote *to)
{
	struct bus_out *out;
	int rc = link_to_remote(bus, to, &out);

	if (rc == 0 && out->reserved_count > 0)
		rc = error_detail(BELL_EBUSY,
				  "a message reserved to peer %s is not committed yet",
				  ID_TEXT(to->id));
	return rc;
}

static int send_ping(struct bell_bus *bus, const struct bus_remote *to,
		     uint64_t nonce, uint64_t deadline)
{
	uint64_t header = record_header(RECORD_PING, 0, 0, 0);
	struct bell_part part = { &nonce, sizeof(nonce) };
	int rc;

	for (;;) {
		rc = frame_try(bus, to, header, &part, 1);
		if (rc == -BELL_EAGAIN)
			rc = check_reserved(bus, to);
		else
			return rc;
		if (rc == 0)
			rc = bus_scan(bus);
		if (rc == 0)
			rc = bus_idle(bus, to, frame_need(bus, to, sizeof(nonce)),
				      deadline);
		if (rc < 0)
			return rc;
	}
}

static int await_pong(struct bell_bus *bus, const struct bus_remote *to,
		      uint64_t deadline)
{
	for (;;) {
		int rc = bus_scan(bus);

		if (rc < 0)
			return rc;
		if (bus->pong)
			return 0;
		if (link_remote_gone(bus, to))
			return link_left(bus, to);
		rc = bus_idle(bus, NULL, 0, deadline);
		if (rc < 0)
			return rc;
	}
}

int bell_ping(struct bell_bus *bus, uint32_t to, int timeout_ms,
	      uint64_t *rtt_ns)
{
	uint64_t deadline = bus_deadline(timeout_ms);
	uint64_t nonce = os_random() | 1, begin = os_now_ns();
	struct bus_call call = bus_begin(bus);
	struct bus_remote remote;
	int rc;

	if (bus->ping_nonce)
		return error_detail(BELL_EBUSY, "called while a ping is under way");
	rc = link_find_remote(bus, to, &remote);
	if (rc < 0)
		return rc;
	bus->pong = false;
	bus->ping_nonce = nonce;
	rc = send_ping(bus, &remote, nonce, deadline);
	if (rc == 0)
		rc = await_pong(bus, &remote, deadline);
	bus->ping_nonce = 0;
	if (rc == 0 && rtt_ns)
		*rtt_ns = os_now_ns() - begin;
	bus_end(bus, call);
	return rc;
}
