/* SPDX-License-Identifier: BSD-2-Clause */
/* Without a copy: reserve and commit in the ring, peek and release. */
#include "bus.h"

#include "error.h"

#include <stdlib.h>

/* ---- reserve and commit ---------------------------------------------------- */

static struct bus_reserved *nth(struct bus_out *out, uint32_t n)
{
	return &out->reserved[(out->reserved_first + n) % BELL_HOLD_MAX];
}

static int check_reserve(struct bell_bus *bus, const struct bell_envelope *env,
			 size_t len)
{
	if (env->flags != 0)
		return error_detail(BELL_EINVAL, "unknown flags 0x%x", env->flags);
	if (len > bell_max_piece(bus))
		return error_detail(BELL_EMSGSIZE,
				    "%zu bytes in one piece: at most %zu are possible",
				    len, bell_max_piece(bus));
	return 0;
}

static int check_link(struct bell_bus *bus, struct bus_out *out)
{
	int rc = bus_check_out(bus, out);

	if (rc < 0)
		return rc;
	if (out->busy || out->reserved_count == BELL_HOLD_MAX)
		return error_detail(BELL_EBUSY,
				    "peer %s: a message is unfinished, or %d are reserved",
				    ID_TEXT(out->to.id), BELL_HOLD_MAX);
	if (!out->reserved)
		out->reserved = calloc(BELL_HOLD_MAX, sizeof(*out->reserved));
	return out->reserved ? 0 : error_plain(BELL_ENOMEM);
}

/* 1: reserved; 0: no space now. */
static int try_reserve(struct bell_bus *bus, struct bus_out *out, uint16_t tag,
		       uint32_t len, void **data)
{
	struct bus_reserved r = { .before = out->w.pos, .len = len, .tag = tag };
	int rc = ring_reserve(&out->w, len, &r.off, data);

	if (rc == 1)
		*nth(out, out->reserved_count++) = r;
	return rc < 0 ? bus_break_out(bus, out) : rc;
}

int bell_reserve(struct bell_bus *bus, const struct bell_envelope *env, size_t len,
		 int timeout_ms, void **data)
{
	struct bus_call call = bus_begin(bus);
	int rc = check_reserve(bus, env, len);
	struct bus_out *out = NULL;
	uint64_t deadline = 0;

	while (rc == 0) {
		rc = link_to_peer(bus, env->peer, &out);
		if (rc == 0)
			rc = check_link(bus, out);
		if (rc == 0)
			rc = try_reserve(bus, out, env->tag, (uint32_t)len, data);
		if (rc != 0)
			break;
		rc = bus_full(bus, out, ring_reserve_len(&out->w, (uint32_t)len),
			      &deadline, timeout_ms);
	}
	bus_end(bus, call);
	return rc == 1 ? 0 : rc;
}

/* The link on which something is reserved, and whole. */
static int find_reserved(struct bell_bus *bus, uint32_t to, struct bus_out **result)
{
	struct bus_out *out = bus->outs;

	while (out && out->to.id != to)
		out = out->next;
	if (!out || out->reserved_count == 0)
		return error_detail(BELL_EINVAL, "nothing is reserved to peer %s", ID_TEXT(to));
	*result = out;
	return bus_check_out(bus, out);
}

/* Commits the oldest: as a message, or as padding. */
static void commit(struct bell_bus *bus, struct bus_out *out, uint64_t header,
		   uint32_t len)
{
	struct bus_reserved r = *nth(out, 0);

	out->reserved_first = (out->reserved_first + 1) % BELL_HOLD_MAX;
	out->reserved_count--;
	ring_commit_at(&out->w, r.off, r.len, header, len);
	bus_announce(bus, out, r.before);
	/* What had to wait for it goes now. */
	if (out->reserved_count == 0 && bus->thirsty > 0) {
		bus_serve_space(bus);
		if (bus->thirsty > 0)
			bus_thirst(bus);
	}
}

int bell_commit(struct bell_bus *bus, uint32_t to, size_t len)
{
	struct bus_out *out = NULL;
	int rc = find_reserved(bus, to, &out);

	if (rc < 0)
		return rc;
	if (len > nth(out, 0)->len)
		return error_detail(BELL_EINVAL, "%zu bytes: %u were reserved", len,
				    nth(out, 0)->len);
	commit(bus, out,
	       record_header(RECORD_DATA, 0, nth(out, 0)->tag, (uint32_t)len),
	       (uint32_t)len);
	bus->stats.sent++;
	return 0;
}

int bell_cancel(struct bell_bus *bus, uint32_t to)
{
	struct bus_out *out = NULL;
	int rc = find_reserved(bus, to, &out);

	if (rc == 0)
		commit(bus, out, record_header(RECORD_PAD, 0, 0, nth(out, 0)->len),
		       nth(out, 0)->len);
	return rc;
}

/* ---- peek and release ------------------------------------------------------ */

const void *inplace_data(struct bus_in *in, const struct ring_record *rec,
			 const struct bus_piece *p)
{
	unsigned char *bounce;

	if (p->at >= rec->piece_len[0] && p->env.len > 0)
		return rec->piece[1] + (p->at - rec->piece_len[0]);
	if (p->at + p->env.len <= rec->piece_len[0] || p->env.len == 0)
		return rec->piece[0] ? rec->piece[0] + p->at : in->r.data;
	/* At most one record of a ring crosses its end. */
	bounce = realloc(in->bounce, (size_t)p->env.len);
	if (!bounce)
		return NULL;
	in->bounce = bounce;
	ring_copy_out(rec, p->at, bounce, (uint32_t)p->env.len);
	return bounce;
}

void inplace_hold(struct bell_bus *bus, struct bus_in *in,
		  const struct ring_record *rec)
{
	if (rec->kind != 0)
		ring_pass(&in->r, rec);
	in->held[(in->held_first + in->r.held) % BELL_HOLD_MAX] = in->r.pos;
	in->r.held++;
	bus->peeked = in;
}

static struct bus_in *find_held(const struct bell_bus *bus, uint32_t from)
{
	struct bus_in *in = bus->peeked;

	if (in && in->from.id == from && in->r.held > 0)
		return in;
	for (uint32_t i = 0; i < bus->layout.link_count; i++) {
		in = bus->in[i];
		if (in && in->from.id == from && in->r.held > 0)
			return in;
	}
	return NULL;
}

int bell_release(struct bell_bus *bus, uint32_t from)
{
	struct bus_in *in = find_held(bus, from);
	uint64_t end;

	if (!in)
		return error_detail(BELL_EINVAL, "nothing of peer %s is held", ID_TEXT(from));
	end = in->held[in->held_first];
	in->held_first = (in->held_first + 1) % BELL_HOLD_MAX;
	in->r.held--;
	if (in->lost || bus_check(bus) < 0)
		return 0; /* the memory is another's */
	/* What was taken between two that are held is free with the first. */
	ring_publish_freed(&in->r, in->r.held > 0 ? end : in->r.pos);
	/* Who is about to sleep tells what is left of the active links only. */
	if (!in->active || ring_space_due(&in->r))
		bus_tell_space(bus, in);
	bus_count(bus);
	return 0;
}
