/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending: one record into the receiver's link, and waking it if it asked. */
#include "bus.h"

#include "error.h"

/* Bytes of a batch that become visible at once, so that both sides work. */
#define BATCH_PART(size) ((size) / 8)

void bus_wake(struct bell_bus *bus, const struct bus_remote *r, uint32_t link)
{
	uint32_t vector;

	bus_active(bus); /* an answer may come */
	/* Whoever finds ASLEEP rings; only the owner clears it. */
	if (!(shm_fetch_or(&r->slot->wake, wake_bit(link)) & WAKE_ASLEEP))
		return;
	vector = shm_peek(&r->slot->vector);
	if (vector >= shm_peek(&r->slot->vectors) || vector > BELL_VECTOR_MAX)
		return; /* a peer without interrupts: it polls */
	/*
	 * It may have left meanwhile: whoever knows that tells by the directory.
	 * Or the port has not read yet that it came, and rings it when it does.
	 */
	if (bus->peer->port->ops->ring(bus->peer->port, BELL_ID_DEVICE(r->id),
				       vector) == -BELL_ENOPEER)
		bus->port_due = 0;
	bus->stats.doorbells++;
}

static int gone(struct bell_bus *bus, struct bus_out *out)
{
	struct bus_remote to = out->to;

	link_drop_out(bus, out);
	return link_left(bus, &to);
}

int bus_break_out(struct bell_bus *bus, struct bus_out *out)
{
	int rc = error_detail(BELL_ECORRUPT, "the link to peer %s is broken",
			      ID_TEXT(out->to.id));

	link_lost(bus, &out->to);
	/* Only the sender may free a link, so BROKEN it stays if it was. */
	link_drop_out(bus, out);
	return layout_same(bus->memory, &bus->layout) ? rc : bus_reset(bus);
}

/* In another session the words of slot and link may be the same, and another's. */
static inline bool is_whole(const struct bell_bus *bus, const struct bus_out *out)
{
	return layout_same(bus->memory, &bus->layout) && bus_out_is_whole(out);
}

int bus_check_out(struct bell_bus *bus, struct bus_out *out)
{
	if (is_whole(bus, out))
		return 0;
	if (!layout_same(bus->memory, &bus->layout) ||
	    shm_peek(&out->to.slot->word) != out->to.word)
		return gone(bus, out);
	return bus_break_out(bus, out);
}

void bus_announce(struct bell_bus *bus, struct bus_out *out, uint64_t before)
{
	if (ring_data_wanted(&out->w, before))
		bus_wake(bus, &out->to, out->link);
}

static BELL_COLD int wake_receiver(struct bell_bus *bus, struct bus_out *out)
{
	bus_wake(bus, &out->to, out->link);
	return bus_count(bus);
}

int bus_try(struct bell_bus *bus, struct bus_out *out, uint64_t header,
	    const struct bell_part *parts, size_t count, uint32_t len)
{
	uint64_t before = out->w.pos;
	int rc = bus_check_out(bus, out);

	if (rc < 0)
		return rc;
	if (out->reserved_count > 0)
		return -BELL_EAGAIN; /* what is reserved is committed first */
	rc = count == 1 ? ring_write(&out->w, header, parts->data, len) :
			  ring_write_parts(&out->w, header, parts, count, len, NULL);
	if (rc == -BELL_EAGAIN)
		return rc;
	if (rc < 0)
		return bus_break_out(bus, out);
	bus_announce(bus, out, before);
	return 0;
}

/* A message has to wait for the end of what was begun before it. */
static int check_order(const struct bus_out *out)
{
	if (!out->busy && out->reserved_count == 0)
		return 0;
	return error_detail(BELL_EBUSY, "a message to peer %s is unfinished",
			    ID_TEXT(out->to.id));
}

int bus_link_for_message(struct bell_bus *bus, uint32_t to, struct bus_out **out)
{
	int rc = 0;

	/* Who was sent to last is the first of the list. */
	*out = bus->outs;
	if (!*out || (*out)->to.id != to ||
	    shm_peek(&(*out)->to.slot->word) != (*out)->to.word)
		rc = link_to_peer(bus, to, out);
	return rc < 0 ? rc : check_order(*out);
}

void bus_want_space(struct bell_bus *bus, struct bus_out *out, uint32_t len)
{
	if (out->wanted == 0)
		bus->thirsty++;
	out->wanted = len > 0 ? len : 1;
	bus_thirst(bus);
}

/* Waits for space, taking frames meanwhile. */
static int await_space(struct bell_bus *bus, const struct bus_remote *to, uint32_t len,
		       uint64_t deadline)
{
	int rc = bus_scan(bus);

	return rc < 0 ? rc : bus_idle(bus, to, len, deadline);
}

int bus_full(struct bell_bus *bus, struct bus_out *out, uint32_t len,
	     uint64_t *deadline, int timeout_ms)
{
	struct bus_remote to = out->to;
	int rc = -BELL_EAGAIN;

	/* The clock is asked only by who has to wait. */
	if (*deadline == 0)
		*deadline = bus_deadline(timeout_ms);
	if (*deadline != 0)
		rc = await_space(bus, &to, len, *deadline);
	if (rc != -BELL_EAGAIN)
		return rc;
	if (bus->on_writable && link_to_remote(bus, &to, &out) == 0)
		bus_want_space(bus, out, len);
	return error_detail(BELL_EAGAIN, "the ring to peer %s is full", ID_TEXT(to.id));
}

int bus_send(struct bell_bus *bus, uint32_t to, uint64_t header,
	     const struct bell_part *parts, size_t count, uint32_t len,
	     uint64_t *deadline, int timeout_ms)
{
	struct bus_out *out = NULL;
	int rc;

	for (;;) {
		rc = bus_link_for_message(bus, to, &out);
		if (rc == 0)
			rc = bus_try(bus, out, header, parts, count, len);
		if (rc != -BELL_EAGAIN)
			return rc;
		rc = bus_full(bus, out, len, deadline, timeout_ms);
		if (rc < 0)
			return rc;
	}
}

static int check_message(const struct bell_envelope *env,
			 const struct bell_part *parts, size_t count, uint64_t *len)
{
	if (env->flags != 0)
		return error_detail(BELL_EINVAL, "unknown flags 0x%x", env->flags);
	*len = 0;
	for (size_t i = 0; i < count; i++) {
		if (!parts[i].data && parts[i].len > 0)
			return error_detail(BELL_EINVAL, "message of %zu bytes at NULL",
					    parts[i].len);
		*len += parts[i].len;
	}
	return 0;
}

/* A large message: bit by bit, and given up if it can't be finished. */
static int send_large(struct bell_bus *bus, const struct bell_envelope *env,
		      const struct bell_part *parts, size_t count, uint64_t len,
		      int timeout_ms)
{
	uint64_t deadline = bus_deadline(timeout_ms);
	struct bell_outgoing *out = NULL;
	int rc = bell_begin(bus, env, len, &out);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		size_t at = 0;

		while (rc == 0 && at < parts[i].len) {
			int64_t n = bell_continue(out, (const char *)parts[i].data + at,
						  parts[i].len - at,
						  bus_remaining_ms(deadline));

			if (n < 0)
				rc = (int)n;
			else
				at += (size_t)n;
		}
	}
	if (rc == 0)
		rc = bell_finish(out, 0, bus_remaining_ms(deadline));
	if (rc < 0)
		bell_abandon(out);
	return rc;
}

int bell_sendv(struct bell_bus *bus, const struct bell_envelope *env,
	       const struct bell_part *parts, size_t count, int timeout_ms)
{
	struct bus_call call = bus_begin(bus);
	uint64_t len = 0, deadline = 0;
	int rc = check_message(env, parts, count, &len);

	if (rc < 0)
		return rc;
	if (len > bell_max_piece(bus))
		return send_large(bus, env, parts, count, len, timeout_ms);
	rc = bus_send(bus, env->peer,
		      record_header(RECORD_DATA, 0, env->tag, (uint32_t)len), parts,
		      count, (uint32_t)len, &deadline, timeout_ms);
	if (rc == 0)
		bus->stats.sent++;
	(void)bus_count(bus);
	bus_end(bus, call);
	return rc;
}

/*
 * The message that most programs send most of the time: to whom they sent last,
 * in one piece, with space for it. False: anything else, and nothing was done.
 * What is rare is left to calls at the very end, for whose sake no register is
 * saved before.
 */
static ALWAYS_INLINE bool sent_at_once(struct bell_bus *bus, uint32_t to, uint16_t tag,
				const void *msg, size_t len)
{
	struct bus_out *out = bus->outs;

	if (!out || out->to.id != to || out->busy || out->reserved_count > 0 ||
	    len > out->straight_max || (!msg && len > 0) || !is_whole(bus, out) ||
	    !ring_write_straight(&out->w,
				 record_header(RECORD_DATA, 0, tag, (uint32_t)len), msg,
				 (uint32_t)len))
		return false;
	bus->stats.sent++;
	return true;
}

/* Behind sent_at_once(), of a record of len bytes. */
static ALWAYS_INLINE int tell_of(struct bell_bus *bus, struct bus_out *out, size_t len)
{
	if (ring_data_wanted(&out->w, out->w.pos - record_size(len)))
		return wake_receiver(bus, out);
	return bus_count(bus);
}

/* Another function, so that short messages save no registers for a copy's call. */
static NEVER_INLINE int post_long(struct bell_bus *bus, const struct bell_envelope *env,
				  const void *msg, size_t len, int timeout_ms)
{
	struct bell_part part = { msg, len };

	if (env->flags == 0 && sent_at_once(bus, env->peer, env->tag, msg, len))
		return tell_of(bus, bus->outs, len);
	return bell_sendv(bus, env, &part, 1, timeout_ms);
}

int bell_post(struct bell_bus *bus, const struct bell_envelope *env,
	      const void *msg, size_t len, int timeout_ms)
{
	if (len <= RING_SHORT && env->flags == 0 &&
	    sent_at_once(bus, env->peer, env->tag, msg, len))
		return tell_of(bus, bus->outs, len);
	return post_long(bus, env, msg, len, timeout_ms);
}

static NEVER_INLINE int send_long(struct bell_bus *bus, uint32_t to, const void *msg,
				  size_t len, int timeout_ms)
{
	struct bell_envelope env = { .peer = to };

	return post_long(bus, &env, msg, len, timeout_ms);
}

int bell_send(struct bell_bus *bus, uint32_t to, const void *msg, size_t len,
	      int timeout_ms)
{
	if (len <= RING_SHORT && sent_at_once(bus, to, 0, msg, len))
		return tell_of(bus, bus->outs, len);
	return send_long(bus, to, msg, len, timeout_ms);
}

/* A batch in the making. */
struct sending {
	struct ring_batch batch;
	uint64_t published; /* position up to which it is visible */
	uint16_t tag;
};

static void publish(struct ring_writer *w, struct sending *s)
{
	ring_commit_batch(w, &s->batch);
	s->published = w->pos;
}

static inline bool is_publishing_due(const struct ring_writer *w, const struct sending *s)
{
	return w->pos - s->published >= BATCH_PART(w->size);
}

/*
 * Messages that need no care, until it is time to publish. On copies of what no byte of
 * a message can be taken to change: they stay in registers. How many.
 */
static size_t add_straight(struct ring_writer *writer, struct sending *sending,
			   const struct bell_part *msgs, size_t count, uint32_t most)
{
	struct ring_writer w = *writer;
	struct sending s = *sending;
	size_t n = 0;

	while (n < count && msgs[n].len <= most && !is_publishing_due(&w, &s)) {
		uint32_t len = (uint32_t)msgs[n].len;

		if (!ring_add_straight(&w, record_header(RECORD_DATA, 0, s.tag, len),
				       msgs[n].data, len, &s.batch))
			break;
		n++;
	}
	*writer = w;
	*sending = s;
	return n;
}

/* One more message; as ring_write_parts(). */
static int add_message(struct ring_writer *w, struct sending *s, const struct bell_part *msg)
{
	uint32_t len = (uint32_t)msg->len;

	return ring_write_parts(w, record_header(RECORD_DATA, 0, s->tag, len), msg, 1, len,
				&s->batch);
}

/* Messages that fit now, all visible at once. How many, or as bus_try(). */
static int64_t send_some(struct bell_bus *bus, struct bus_out *out, uint16_t tag,
			 const struct bell_part *msgs, size_t count)
{
	uint64_t before = out->w.pos;
	struct sending s = { { 0, 0 }, before, tag };
	size_t n = 0;
	int rc = bus_check_out(bus, out);

	if (rc < 0)
		return rc;
	for (;;) {
		n += add_straight(&out->w, &s, msgs + n, count - n, out->straight_max);
		if (is_publishing_due(&out->w, &s)) {
			publish(&out->w, &s);
			continue;
		}
		if (n == count || msgs[n].len > out->straight_max)
			break;
		rc = add_message(&out->w, &s, &msgs[n]);
		if (rc < 0)
			break;
		n++;
	}
	publish(&out->w, &s);
	bus->stats.sent += n;
	if (n > 0)
		bus_announce(bus, out, before);
	/* What was sent is lost with the link. */
	if (rc == -BELL_ECORRUPT)
		return bus_break_out(bus, out);
	return n > 0 ? (int64_t)n : rc;
}

static int check_batch(const struct bell_bus *bus, const struct bell_envelope *env,
		       const struct bell_part *msgs, size_t count)
{
	uint64_t len;
	int rc = check_message(env, msgs, count, &len);

	if (rc == 0 && count > 0 && msgs[0].len > bell_max_piece(bus))
		rc = error_detail(BELL_EMSGSIZE,
				  "message of %zu bytes: at most %zu go into a batch",
				  msgs[0].len, bell_max_piece(bus));
	return rc;
}

int64_t bell_send_batch(struct bell_bus *bus, const struct bell_envelope *env,
			const struct bell_part *msgs, size_t count, int timeout_ms)
{
	struct bus_call call = bus_begin(bus);
	uint64_t deadline = 0;
	size_t done = 0;
	int64_t rc = check_batch(bus, env, msgs, count);

	while (rc == 0 && done < count) {
		struct bus_out *out = NULL;

		rc = bus_link_for_message(bus, env->peer, &out);
		if (rc == 0)
			rc = send_some(bus, out, env->tag, msgs + done, count - done);
		if (rc > 0) {
			done += (size_t)rc;
			rc = 0;
			if (done < count && msgs[done].len > bell_max_piece(bus))
				break;
		} else if (rc == -BELL_EAGAIN) {
			rc = bus_full(bus, out, (uint32_t)msgs[done].len, &deadline,
				  timeout_ms);
		}
	}
	bus_count_more(bus, done);
	(void)bus_count(bus);
	bus_end(bus, call);
	return done > 0 && rc != -BELL_ECORRUPT ? (int64_t)done : rc;
}
