/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages larger than one record, sent bit by bit. */
#include "bus.h"

#include "error.h"

#include <stdlib.h>

/*
 * Pieces: small enough that the ring holds several, so that both sides work at
 * once, and large enough that what a record costs hardly counts.
 */
#define PIECES_IN_FLIGHT 8u
#define PIECE_MAX 131072u

struct bell_outgoing {
	struct bell_bus *bus;
	struct bus_remote to;
	uint64_t serial; /* of the link that it goes through */
	uint64_t total;
	uint64_t sent;
	uint16_t tag;
	bool begun; /* its first piece was sent */
};

int bell_begin(struct bell_bus *bus, const struct bell_envelope *env,
	       uint64_t total, struct bell_outgoing **result)
{
	struct bell_outgoing *o;
	struct bus_out *out = NULL;
	int rc;

	if (env->flags != 0)
		return error_detail(BELL_EINVAL, "unknown flags 0x%x", env->flags);
	rc = bus_link_for_message(bus, env->peer, &out);
	if (rc < 0)
		return rc;
	o = calloc(1, sizeof(*o));
	if (!o)
		return error_plain(BELL_ENOMEM);
	out->busy = true;
	o->bus = bus;
	o->to = out->to;
	o->serial = out->serial;
	o->total = total;
	o->tag = env->tag;
	*result = o;
	return 0;
}

/* The link on which it was begun, or why it is gone. */
static int find_link(const struct bell_outgoing *o, struct bus_out **result)
{
	struct bus_out *out = o->bus->outs;

	while (out && out->serial != o->serial)
		out = out->next;
	if (out) {
		*result = out;
		return 0;
	}
	if (shm_peek(&o->to.slot->word) != o->to.word || !bus_is_same(o->bus))
		return link_left(o->bus, &o->to);
	return error_detail(BELL_ECORRUPT, "the link to peer %s is broken", ID_TEXT(o->to.id));
}

static size_t piece_size(const struct bus_out *out)
{
	uint64_t size = out->w.size / PIECES_IN_FLIGHT;

	return size < PIECE_MAX ? (size_t)size : PIECE_MAX;
}

/* One try of a piece with what goes before its bytes. */
static int try_piece(struct bell_outgoing *o, struct bus_out *out, uint8_t flags,
		     uint64_t check, const void *data, size_t len)
{
	struct bell_part parts[3];
	size_t count = 0, size = len;
	int rc;

	if (!o->begun)
		parts[count++] = (struct bell_part){ &o->total, sizeof(o->total) };
	if (flags & PART_LAST)
		parts[count++] = (struct bell_part){ &check, sizeof(check) };
	size += count * sizeof(uint64_t);
	parts[count++] = (struct bell_part){ data, len };
	if (!o->begun)
		flags |= PART_FIRST;
	rc = bus_try(o->bus, out,
		     record_header(RECORD_PART, flags, o->tag, (uint32_t)size), parts,
		     count, (uint32_t)size);
	if (rc == 0) {
		o->begun = true;
		o->sent += len;
	}
	return rc;
}

/* A piece, waiting for space if need be. */
static int send_piece(struct bell_outgoing *o, uint8_t flags, uint64_t check,
		      const void *data, size_t len, int timeout_ms)
{
	uint64_t deadline = 0;
	struct bus_out *out = NULL;
	uint32_t size = (uint32_t)len + 2 * RECORD_HEADER;
	int rc;

	for (;;) {
		rc = find_link(o, &out);
		/* The end of an earlier message that was abandoned goes first. */
		if (rc == 0 && !o->begun)
			rc = frame_flush(o->bus, out);
		if (rc == 0)
			rc = try_piece(o, out, flags, check, data, len);
		if (rc != -BELL_EAGAIN)
			return rc;
		if (!o->begun)
			size = frame_need(o->bus, &o->to, size);
		rc = bus_full(o->bus, out, size, &deadline, timeout_ms);
		if (rc < 0)
			return rc;
	}
}

int64_t bell_continue(struct bell_outgoing *o, const void *data, size_t len,
		      int timeout_ms)
{
	struct bus_call call = bus_begin(o->bus);
	struct bus_out *out = NULL;
	size_t done = 0, piece;
	int rc = find_link(o, &out);

	if (rc < 0)
		return rc;
	if (!data && len > 0)
		return error_detail(BELL_EINVAL, "message of %zu bytes at NULL", len);
	if (o->total != BELL_UNKNOWN && len > o->total - o->sent)
		return error_detail(BELL_EMSGSIZE, "more than the %llu bytes announced",
				    (unsigned long long)o->total);
	piece = piece_size(out);
	/* Waits for the first piece only. */
	while (rc == 0 && done < len) {
		size_t n = len - done < piece ? len - done : piece;

		rc = send_piece(o, 0, 0, (const char *)data + done, n,
				done == 0 ? timeout_ms : 0);
		if (rc == 0)
			done += n;
	}
	bus_end(o->bus, call);
	return done > 0 ? (int64_t)done : rc;
}

static void free_outgoing(struct bell_outgoing *o)
{
	struct bus_out *out;

	if (find_link(o, &out) == 0)
		out->busy = false;
	free(o);
}

int bell_finish(struct bell_outgoing *o, uint64_t check, int timeout_ms)
{
	struct bus_call call = bus_begin(o->bus);
	struct bell_bus *bus = o->bus;
	int rc;

	if (o->total != BELL_UNKNOWN && o->sent != o->total)
		return error_detail(BELL_EMSGSIZE, "%llu of the %llu bytes announced",
				    (unsigned long long)o->sent,
				    (unsigned long long)o->total);
	rc = send_piece(o, PART_LAST, check, NULL, 0, timeout_ms);
	if (rc == 0) {
		bus->stats.sent++;
		free_outgoing(o);
	}
	bus_end(bus, call);
	return rc;
}

void bell_abandon(struct bell_outgoing *o)
{
	struct bus_out *out;

	if (!o)
		return;
	/* If it can't be told: the link's next message, or our leaving, tells. */
	if (o->begun && find_link(o, &out) == 0)
		(void)frame_send(o->bus, &o->to,
				 record_header(RECORD_PART, PART_LAST | PART_BROKEN,
					       o->tag, 0),
				 NULL, 0);
	free_outgoing(o);
}
