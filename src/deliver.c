/* SPDX-License-Identifier: BSD-2-Clause */
/* What the bus does by itself: messages to a callback, and pings. */
#include "bus.h"

#include "error.h"
#include "os.h"

#include <stdlib.h>

/* Messages a dispatch; then the handle is made readable again for the rest. */
#define DISPATCH_MAX 4096

static const void *in_one_piece(struct bell_bus *bus,
				const struct ring_record *rec)
{
	if (rec->piece_len[1] == 0)
		return rec->piece[0];
	if (bus->bounce_size < rec->len) {
		unsigned char *larger = realloc(bus->bounce, rec->len);

		if (!larger)
			return NULL;
		bus->bounce = larger;
		bus->bounce_size = rec->len;
	}
	ring_copy_out(rec, 0, bus->bounce, rec->len);
	return bus->bounce;
}

static int deliver(struct bell_bus *bus, struct bus_in *in,
		   const struct ring_record *rec)
{
	const void *data = in_one_piece(bus, rec);
	struct bell_envelope env;

	bus_fill_envelope(&env, in, rec);
	if (!data)
		return error_plain(BELL_ENOMEM);
	bus->delivering = in;
	bus->on_message(bus, &env, data, bus->on_message_arg);
	bus->delivering = NULL;
	bus->stats.received++;
	/* The callback may have waited, and the link be another's by now. */
	if (bus_is_same(bus) && shm_peek(&in->r.ctl->word) == in->link_word)
		bus_release(bus, in, rec);
	else
		(void)link_from_peer(bus, in->link);
	return 1;
}

/* Ends a dispatch that may have left something: the handle tells of it again. */
static int dispatched(struct bell_bus *bus, int result)
{
	if (result == -BELL_ERESET)
		return result;
	return bus_remind(bus) < 0 ? -BELL_EIO : result;
}

int bus_dispatch(struct bell_bus *bus)
{
	struct ring_record rec;
	struct bus_in *in;
	int n = 0, looks = 0, rc;

	if (bus->delivering)
		return error_detail(BELL_EBUSY, "called from a message callback");
	for (;;) {
		rc = bus_next(bus, &in, &rec);
		if (rc < 0)
			return dispatched(bus, rc);
		if (rc == 0) {
			if (bus->mode == BELL_POLL || bus_arm(bus) == 0)
				return n;
			if (++looks >= BUS_LOOKS_MAX)
				return dispatched(bus, n);
			continue;
		}
		if (!bus->on_message)
			return n + 1; /* bell_recv() takes it */
		rc = deliver(bus, in, &rec);
		if (rc < 0)
			return dispatched(bus, rc);
		/* Others of the loop want their turn. */
		if (++n >= DISPATCH_MAX)
			return dispatched(bus, n);
	}
}

void bell_on_message(struct bell_bus *bus, bell_message_fn *fn, void *arg)
{
	bus->on_message = fn;
	bus->on_message_arg = arg;
}

void bus_control(struct bell_bus *bus, struct bus_in *in,
		 const struct ring_record *rec)
{
	uint64_t nonce;

	if (rec->len != sizeof(nonce))
		return;
	ring_copy_out(rec, 0, &nonce, sizeof(nonce));
	if (rec->kind == RECORD_PONG) {
		if (bus->ping_nonce && nonce == bus->ping_nonce)
			bus->pong = true;
		return;
	}
	/* No space, no answer: whoever pings waits for a bounded time. */
	if (rec->kind == RECORD_PING)
		(void)bus_send(bus, in->id, record_header(RECORD_PONG, 0, 0, sizeof(nonce)),
			       &nonce, sizeof(nonce), 0);
}

/* Looks at all that came, past messages, which stay queued. */
static int scan_for_pong(struct bell_bus *bus)
{
	struct ring_record rec;
	int rc = bus_collect(bus);

	for (uint32_t i = 0; rc == 0 && i < bus->active_count; i++) {
		struct bus_in *in = bus->active[i];

		int found;

		while ((found = ring_scan(&in->r, &rec)) == 1)
			if (rec.kind != RECORD_DATA && rec.kind != RECORD_PAD)
				bus_control(bus, in, &rec);
		/* Told when it is received; until then it wakes nobody. */
		in->broken = found < 0;
	}
	return rc;
}

static int await_pong(struct bell_bus *bus, uint64_t deadline)
{
	for (;;) {
		int rc = scan_for_pong(bus);

		if (rc < 0)
			return rc;
		if (bus->pong)
			return 0;
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
	bool armed = bus_is_armed(bus);
	uint32_t looks = bus->looks;
	int rc;

	if (bus->ping_nonce)
		return error_detail(BELL_EBUSY, "called while a ping is under way");
	bus->pong = false;
	bus->ping_nonce = nonce;
	rc = bus_send(bus, to, record_header(RECORD_PING, 0, 0, sizeof(nonce)), &nonce,
		      sizeof(nonce), timeout_ms);
	if (rc == 0)
		rc = await_pong(bus, deadline);
	bus->ping_nonce = 0;
	if (rc == 0 && rtt_ns)
		*rtt_ns = os_now_ns() - begin;
	bus_rearm(bus, armed, looks);
	return rc;
}
