/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Publishing: one pass over the directory gives the message to all who want it
 * and have space; the topic's policy decides about the others.
 */
#include "topic-set.h"

#include "error.h"

#include <stdlib.h>

/* One call of bell_publish(). */
struct publication {
	struct bell_bus *bus;
	struct topic *topic;
	struct topic_record rec;
	struct topic_copy *copy;   /* of rec, once it is kept for somebody */
	struct bus_remote *rest;   /* BELL_BLOCK: who had no space; owned */
	size_t rest_count;
	uint32_t wanted;           /* bytes: the longest that goes next to one of them */
	int reached;               /* subscribers: sent or kept */
	size_t failed;             /* others that miss it, so that the call fails */
	int error;                 /* why */
};

int topic_try(struct bell_bus *bus, const struct bus_remote *to,
	      const struct topic_record *rec)
{
	struct bus_out *out = NULL;
	int rc = link_to_remote(bus, to, &out);

	if (rc < 0)
		return rc;
	/* No space will come while we wait for ourselves: told apart. */
	rc = -BELL_EBUSY;
	if (out->reserved_count == 0)
		rc = bus_try(bus, out, rec->header, rec->parts, 2, rec->len);
	if (rc == 0)
		bus->stats.sent++;
	else if (rc == -BELL_EAGAIN || rc == -BELL_EBUSY)
		bus_want_space(bus, out, rec->len);
	return rc;
}

/* A subscriber misses it. rc < 0: and the call has to say so. */
static void miss(struct publication *p, int rc)
{
	p->topic->stats.dropped++;
	if (rc < 0) {
		p->failed++;
		p->error = rc;
	}
}

static void keep(struct publication *p, const struct bus_remote *to)
{
	if (!p->copy)
		p->copy = topic_copy_new(&p->rec);
	if (p->copy && topic_queue_add(p->bus, p->topic, to, p->copy) == 0)
		p->reached++;
	else
		miss(p, -BELL_ENOMEM);
}

static void wait_later(struct publication *p, const struct bus_remote *to)
{
	if (!p->rest)
		p->rest = calloc(p->bus->layout.slot_count, sizeof(*p->rest));
	if (p->rest)
		p->rest[p->rest_count++] = *to;
	else
		miss(p, -BELL_ENOMEM);
}

/* A subscriber that did not get it. */
static void not_sent(struct publication *p, const struct bus_remote *to, int rc)
{
	enum bell_policy policy = p->topic->policy;

	switch (rc) {
	case -BELL_ENOPEER:
		return; /* none any more */
	case -BELL_ECORRUPT:
		miss(p, 0); /* as if it had left */
		return;
	case -BELL_EAGAIN:
	case -BELL_EBUSY:
		if (policy == BELL_DROP_OLDEST) {
			keep(p, to);
			return;
		}
		if (policy == BELL_BLOCK && rc == -BELL_EAGAIN) {
			wait_later(p, to);
			return;
		}
		break;
	case -BELL_ENOSPC:
		break;
	default:
		miss(p, rc);
		return;
	}
	miss(p, policy == BELL_BLOCK ? rc : 0);
}

/* Order is kept: what waits for it goes first. */
static void offer(struct publication *p, const struct bus_remote *to)
{
	int rc = topic_queue_flush(p->bus, p->topic, to, &p->wanted);

	if (rc == 0)
		rc = topic_try(p->bus, to, &p->rec);
	if (rc < 0) {
		not_sent(p, to, rc);
	} else {
		p->topic->stats.sent++;
		p->reached++;
	}
}

static bool wants(struct layout_slot *slot, uint64_t hash)
{
	for (unsigned i = 0; hash != TOPIC_ALL && i < TOPIC_BITS; i++) {
		uint32_t bit = topic_bit(hash, i);

		if (!(shm_acquire(&slot->topics[bit / 64]) >> bit % 64 & 1))
			return false;
	}
	return true;
}

static void offer_all(struct publication *p)
{
	struct bell_bus *bus = p->bus;

	for (uint32_t i = 0; i < bus->layout.slot_count; i++) {
		struct bus_remote to = { .slot = layout_slot(bus->memory, &bus->layout, i) };

		to.word = shm_acquire(&to.slot->word);
		to.id = slot_id(to.word);
		if (i != bus->slot && slot_state(to.word) == SLOT_LIVE &&
		    wants(to.slot, p->topic->hash))
			offer(p, &to);
	}
}

/* Those that had no space: who has none yet stays in the list. */
static void offer_rest(struct publication *p)
{
	size_t n = p->rest_count;

	p->rest_count = 0;
	for (size_t i = 0; i < n; i++) {
		struct bus_remote to = p->rest[i];

		offer(p, &to);
	}
}

/*
 * Asks all of the rest to wake us for space: bus_idle() looks at one link only.
 * True: do not wait, one of them has some, or is gone.
 */
static bool arm_rest(struct publication *p)
{
	for (size_t i = 0; i < p->rest_count; i++) {
		struct bus_out *out;

		if (link_to_remote(p->bus, &p->rest[i], &out) < 0 ||
		    bus_check_out(p->bus, out) < 0 ||
		    ring_want_space(&out->w, p->wanted) != 0)
			return true;
	}
	return false;
}

/* 0: all got it or are gone; or why the rest did not. */
static int await_rest(struct publication *p, int timeout_ms)
{
	uint64_t deadline = bus_deadline(timeout_ms);

	while (p->rest_count > 0) {
		int rc = deadline == 0 ? -BELL_EAGAIN : bus_scan(p->bus);

		if (rc == 0 && !arm_rest(p))
			rc = bus_idle(p->bus, p->rest, p->wanted, deadline);
		if (rc < 0)
			return rc;
		offer_rest(p);
	}
	return 0;
}

static int check(const struct bell_bus *bus, const void *msg, size_t len)
{
	size_t max = bell_max_piece(bus) - TOPIC_OVERHEAD;

	if (!msg && len > 0)
		return error_detail(BELL_EINVAL, "message of %zu bytes at NULL", len);
	if (len > max)
		return error_detail(BELL_EMSGSIZE,
				    "message of %zu bytes: at most %zu can be published on "
				    "this bus; start the server with a larger --ring-size",
				    len, max);
	return 0;
}

static int failed(const struct publication *p)
{
	const char *name = p->topic == &p->bus->topics->all ? "BELL_ALL" : p->topic->name;

	return error_detail(-p->error, "topic %s: %zu subscribers missed it, %d got it%s",
			    name, p->failed, p->reached,
			    p->error == -BELL_ENOSPC ?
				    ": all links are in use, start the server with more "
				    "(--links)" : "");
}

static int publish(struct publication *p, int timeout_ms)
{
	int rc = bus_check(p->bus);

	if (rc < 0)
		return rc;
	p->topic->stats.published++;
	topic_flush(p->bus);
	offer_all(p);
	if (p->rest_count > 0)
		rc = await_rest(p, timeout_ms);
	for (; p->rest_count > 0; p->rest_count--)
		miss(p, rc);
	return p->error < 0 ? failed(p) : p->reached;
}

int bell_publish(struct bell_bus *bus, const char *name, uint16_t tag,
		 const void *msg, size_t len, int timeout_ms)
{
	struct bus_call call = bus_begin(bus);
	struct publication p = { .bus = bus };
	int rc = check(bus, msg, len);

	if (rc == 0)
		rc = topic_get(bus, name, &p.topic);
	if (rc < 0)
		return rc;
	p.rec.len = TOPIC_PREFIX + (uint32_t)len;
	p.wanted = p.rec.len;
	p.rec.header = record_header(RECORD_TOPIC, 0, tag, p.rec.len);
	p.rec.parts[0] = (struct bell_part){ &p.topic->hash, TOPIC_PREFIX };
	p.rec.parts[1] = (struct bell_part){ msg, len };
	rc = publish(&p, timeout_ms);
	topic_copy_drop(p.copy);
	free(p.rest);
	bus_end(bus, call);
	return rc;
}
