/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending: one record into the receiver's link, and waking it if it asked. */
#include "bus.h"

#include "error.h"

void bus_wake(struct bell_bus *bus, struct layout_slot *slot, uint32_t id,
	      uint32_t link)
{
	uint32_t vector;

	/* Whoever finds ASLEEP rings; only the owner clears it. */
	if (!(shm_fetch_or(&slot->wake, wake_bit(link)) & WAKE_ASLEEP))
		return;
	vector = shm_peek(&slot->vector);
	if (vector >= shm_peek(&slot->vectors) || vector > BELL_VECTOR_MAX)
		return; /* a peer without interrupts: it polls */
	/* It may have left meanwhile: whoever knows that tells by the directory. */
	(void)bus->peer->port->ops->ring(bus->peer->port, id, vector);
	bus->stats.doorbells++;
}

static int gone(struct bell_bus *bus, struct bus_out *out)
{
	uint32_t id = out->id;

	link_drop_out(bus, out);
	if (!layout_same(bus->memory, &bus->layout))
		return error_plain(BELL_ERESET);
	return error_detail(BELL_ENOPEER, "peer %u left", id);
}

static int broken(struct bell_bus *bus, struct bus_out *out)
{
	int rc = error_detail(BELL_ECORRUPT, "the link to peer %u is broken", out->id);

	/* Only the sender may free a link, so BROKEN it stays if it was. */
	link_drop_out(bus, out);
	return layout_same(bus->memory, &bus->layout) ? rc : error_plain(BELL_ERESET);
}

/* One try; -BELL_EAGAIN leaves *out to wait on. */
static int try_send(struct bell_bus *bus, struct bus_out *out, uint64_t header,
		    const void *msg, uint32_t len)
{
	uint64_t before = out->w.pos;
	int rc;

	/* In another session the words below may be the same, and another's. */
	if (!layout_same(bus->memory, &bus->layout) ||
	    shm_peek(&out->slot->word) != out->slot_word)
		return gone(bus, out);
	if (shm_peek(&out->w.ctl->word) != out->link_word)
		return broken(bus, out);
	rc = ring_write(&out->w, header, msg, len);
	if (rc == -BELL_EAGAIN)
		return rc;
	if (rc < 0)
		return broken(bus, out);
	/* The receiver read that line one round ago: ask for it before we need it. */
	__builtin_prefetch(out->w.data + out->w.off + LAYOUT_LINE, 1);
	if (ring_data_wanted(&out->w, before))
		bus_wake(bus, out->slot, out->id, out->link);
	return 0;
}

int bus_send(struct bell_bus *bus, uint32_t to, uint64_t header, const void *msg,
	     uint32_t len, int timeout_ms)
{
	struct bus_out *out = NULL;
	uint64_t deadline = 0;
	int rc;

	for (;;) {
		/* Who was sent to last is the first of the list. */
		out = bus->outs;
		rc = 0;
		if (!out || out->id != to ||
		    shm_peek(&out->slot->word) != out->slot_word)
			rc = link_to_peer(bus, to, &out);
		if (rc == 0)
			rc = try_send(bus, out, header, msg, len);
		if (rc != -BELL_EAGAIN)
			return rc;
		/* The clock is asked only by who has to wait. */
		if (deadline == 0)
			deadline = bus_deadline(timeout_ms);
		if (deadline != 0)
			rc = bus_idle(bus, out, len, deadline);
		if (rc == -BELL_EAGAIN)
			return error_detail(BELL_EAGAIN,
					    "the ring to peer %u is full", to);
		if (rc < 0)
			return rc;
	}
}

int bell_post(struct bell_bus *bus, const struct bell_envelope *env,
	      const void *msg, size_t len, int timeout_ms)
{
	bool armed = bus_is_armed(bus);
	uint32_t looks = bus->looks;
	int rc;

	if (env->flags & ~BELL_MORE)
		return error_detail(BELL_EINVAL, "unknown flags 0x%x", env->flags);
	if (!msg && len > 0)
		return error_detail(BELL_EINVAL, "message of %zu bytes at NULL", len);
	if (len > bell_max_message(bus))
		return error_detail(BELL_EMSGSIZE,
				    "message of %zu bytes: at most %zu fit into this bus's "
				    "rings; send pieces with BELL_MORE, or start the server "
				    "with a larger --ring-size", len, bell_max_message(bus));
	rc = bus_send(bus, env->peer,
		      record_header(RECORD_DATA, (uint8_t)env->flags, env->tag,
				    (uint32_t)len),
		      msg, (uint32_t)len, timeout_ms);
	if (rc == 0)
		bus->stats.sent++;
	bus_rearm(bus, armed, looks);
	return rc;
}

int bell_send(struct bell_bus *bus, uint32_t to, const void *msg, size_t len,
	      int timeout_ms)
{
	struct bell_envelope env = { .peer = to };

	return bell_post(bus, &env, msg, len, timeout_ms);
}
