/* SPDX-License-Identifier: BSD-2-Clause */
/* Links of the pool: claimed by the sender, found by the receiver, freed. */
#include "bus.h"

#include "call.h"
#include "ends.h"
#include "error.h"
#include "stream.h"

#include <stdlib.h>

static struct layout_link *ctl(const struct bell_bus *bus, uint32_t link)
{
	return layout_link(bus->memory, &bus->layout, link);
}

int link_left(const struct bell_bus *bus, const struct bus_remote *r)
{
	/*
	 * A slot that was taken once keeps its incarnation: all 0 says that the
	 * memory is being wiped, though its header may stand still.
	 */
	if (shm_acquire(&r->slot->word) == 0 || !bus_is_same(bus))
		return bus_reset(bus);
	return error_detail(BELL_ENOPEER, "peer %s left", ID_TEXT(r->id));
}

/*
 * Once more if the word changed: the server may just have freed the link. If it
 * changes again somebody else has claimed it.
 */
static bool take(const struct bell_bus *bus, struct layout_link *c, uint64_t claimed)
{
	for (int i = 0; i < 2; i++) {
		uint64_t w = shm_acquire(&c->word);

		if (!ends_are_gone(bus->memory, &bus->layout, w))
			return false;
		if (shm_cas(&c->word, w, claimed))
			return true;
	}
	return false;
}

static int claim(struct bell_bus *bus, uint32_t to, uint64_t to_word,
		 uint32_t *link, uint64_t *word)
{
	uint32_t n = bus->layout.link_count;
	uint32_t from_inc = slot_incarnation(bus->slot_word);
	uint32_t to_inc = slot_incarnation(to_word);
	uint64_t claimed = link_word(LINK_CLAIMED, bus->slot, from_inc, to, to_inc);

	for (uint32_t i = 0; i < n; i++) {
		struct layout_link *c = ctl(bus, i);

		if (!take(bus, c, claimed))
			continue;
		shm_set(&c->from_id, slot_id(bus->slot_word));
		ring_reset(c, layout_ring(bus->memory, &bus->layout, i));
		*word = link_word(LINK_OPEN, bus->slot, from_inc, to, to_inc);
		/* The exchange is a full barrier: the reset comes first. */
		if (!shm_cas(&c->word, claimed, *word))
			return error_detail(BELL_ECORRUPT, "link %u: taken away", i);
		*link = i;
		return 0;
	}
	return error_detail(BELL_ENOSPC,
			    "all %u links are in use: start the server with more (--links)",
			    n);
}

static struct bus_out *find_out(struct bell_bus *bus, uint32_t id)
{
	struct bus_out **p = &bus->outs, *out;

	for (; (out = *p) != NULL; p = &out->next) {
		if (out->to.id != id)
			continue;
		/* To the front: who is sent to often is found at once. */
		*p = out->next;
		out->next = bus->outs;
		bus->outs = out;
		return out;
	}
	return NULL;
}

static int find_slot(const struct bell_bus *bus, uint32_t id, uint32_t *slot,
		     uint64_t *word)
{
	int rc = bus_check(bus);

	if (rc < 0)
		return rc;
	if (directory_lookup(bus->memory, &bus->layout, id, slot, word) == 0)
		return 0;
	if (!layout_same(bus->memory, &bus->layout))
		return bus_reset(bus);
	return error_detail(BELL_ENOPEER, "no peer %s on the bus", ID_TEXT(id));
}

int link_find_remote(struct bell_bus *bus, uint32_t id, struct bus_remote *out)
{
	uint32_t slot = 0;
	uint64_t word = 0;
	int rc = find_slot(bus, id, &slot, &word);

	if (rc < 0)
		return rc;
	*out = (struct bus_remote){ layout_slot(bus->memory, &bus->layout, slot),
				    word, id };
	return 0;
}

static int new_out(struct bell_bus *bus, uint32_t id, struct bus_out **result)
{
	struct bus_out *out;
	uint32_t slot = 0;
	uint64_t word = 0;
	int rc = find_slot(bus, id, &slot, &word);

	if (rc < 0)
		return rc;
	out = calloc(1, sizeof(*out));
	if (!out)
		return error_plain(BELL_ENOMEM);
	rc = claim(bus, slot, word, &out->link, &out->link_word);
	if (rc < 0) {
		free(out);
		return rc;
	}
	ring_writer_init(&out->w, ctl(bus, out->link),
			 layout_ring(bus->memory, &bus->layout, out->link),
			 bus->layout.ring_size);
	out->straight_max = (uint32_t)ring_max_piece(bus->layout.ring_size);
	out->to = (struct bus_remote){
		layout_slot(bus->memory, &bus->layout, slot), word, id
	};
	out->serial = ++bus->serial;
	out->next = bus->outs;
	bus->outs = out;
	*result = out;
	return 0;
}

int link_to_peer(struct bell_bus *bus, uint32_t id, struct bus_out **result)
{
	struct bus_out *out = find_out(bus, id);
	int rc;

	if (!out)
		return new_out(bus, id, result);
	if (shm_peek(&out->to.slot->word) != out->to.word) {
		rc = link_left(bus, &out->to);
		/* A program still writes into what it reserved: not yet another's. */
		if (out->reserved_count > 0)
			return rc;
		link_drop_out(bus, out);
		/* Perhaps its next incarnation is there. */
		return rc == -BELL_ENOPEER ? new_out(bus, id, result) : rc;
	}
	*result = out;
	return 0;
}

int link_to_remote(struct bell_bus *bus, const struct bus_remote *to,
		   struct bus_out **result)
{
	struct bus_out *out = bus->outs;
	int rc = 0;

	/* Who was sent to last is the first of the list. */
	if (!out || out->to.slot != to->slot || out->to.word != to->word ||
	    shm_peek(&to->slot->word) != to->word)
		rc = link_to_peer(bus, to->id, &out);
	if (rc < 0)
		return rc;
	if (out->to.slot != to->slot || out->to.word != to->word)
		return link_left(bus, to);
	*result = out;
	return 0;
}

void link_free_out(struct bell_bus *bus, struct bus_out *out)
{
	bus->thirsty -= (out->kept ? 1u : 0u) + (out->wanted ? 1u : 0u);
	/* Who waits for space there is to find out that it is in vain. */
	if (out->wanted > 0 || out->writable) {
		bus->space_lost = true;
		if (bus->lost_count < bus->layout.link_count)
			bus->lost[bus->lost_count++] = out->to.id;
	}
	frame_drop_all(out);
	free(out->reserved);
	free(out);
}

void link_drop_out(struct bell_bus *bus, struct bus_out *out)
{
	struct bus_out **p = &bus->outs;
	struct layout_link *c = ctl(bus, out->link);

	while (*p != out)
		p = &(*p)->next;
	*p = out->next;
	/*
	 * Ours as long as it names us, broken by the receiver or not; but in
	 * another session the same word is another's.
	 */
	if (layout_same(bus->memory, &bus->layout) &&
	    !shm_cas(&c->word, out->link_word, LINK_FREE))
		(void)shm_cas(&c->word,
			      (out->link_word & ~UINT64_C(15)) + LINK_BROKEN,
			      LINK_FREE);
	link_free_out(bus, out);
}

static bool is_to_us(const struct bell_bus *bus, uint64_t w)
{
	return link_state(w) == LINK_OPEN && link_to(w) == bus->slot &&
	       link_to_inc(w) == slot_incarnation(bus->slot_word) &&
	       link_from(w) < bus->layout.slot_count;
}

/* From now on nobody tells us of it. */
static void poll_for_good(struct bell_bus *bus, struct bus_in *in)
{
	ring_poll_for_good(&in->r);
	link_activate(bus, in);
}

static struct bus_in *attach(struct bell_bus *bus, uint32_t link, uint64_t w)
{
	struct bus_in *in = calloc(1, sizeof(*in));

	if (!in) {
		/* Nobody tells us again: have it looked at until there is room. */
		(void)shm_fetch_or(&bus->self->wake, wake_bit(link));
		return NULL;
	}
	ring_reader_init(&in->r, ctl(bus, link),
			 layout_ring(bus->memory, &bus->layout, link),
			 bus->layout.ring_size);
	in->link = link;
	in->link_word = w;
	in->from.id = shm_peek(&ctl(bus, link)->from_id) & BELL_ID_MAX;
	in->from.slot = layout_slot(bus->memory, &bus->layout, link_from(w));
	in->from.word = slot_word(SLOT_LIVE, in->from.id, link_from_inc(w));
	in->plain = (struct bell_envelope){ .peer = in->from.id,
					    .incarnation = link_from_inc(w) };
	in->gone = shm_acquire(&in->from.slot->word) != in->from.word;
	bus->in[link] = in;
	if (bus->poll_only)
		poll_for_good(bus, in);
	return in;
}

/*
 * The sender gave it up, and claimed it again with the same word: it alone sets
 * back what only we advance.
 */
static bool begun_anew(const struct bus_in *in)
{
	return in->r.freed != 0 && shm_peek(&in->r.ctl->consumed) == 0;
}

/* Still what we attached to. */
static bool is_in_whole(const struct bus_in *in, uint64_t word)
{
	return word == in->link_word && !begun_anew(in);
}

void link_poll_only(struct bell_bus *bus)
{
	for (uint32_t i = 0; i < bus->layout.link_count; i++) {
		struct bus_in *in = bus->in[i];

		/* One that is another's by now is left alone: the wake word tells of it. */
		if (in && !in->lost && is_in_whole(in, shm_acquire(&in->r.ctl->word)))
			poll_for_good(bus, in);
	}
}

void link_lost(struct bell_bus *bus, const struct bus_remote *r)
{
	stream_lost(bus, r);
	call_lost(bus, r);
}

struct bus_in *link_from_peer(struct bell_bus *bus, uint32_t link)
{
	struct bus_in *in = bus->in[link];
	uint64_t w = shm_acquire(&ctl(bus, link)->word);

	if (in && in != bus->delivering && !in->lost && !is_in_whole(in, w)) {
		/* The sender freed it under us, as one does who thinks us dead. */
		if (!in->gone)
			link_lost(bus, &in->from);
		if (in->r.held > 0) {
			in->broken = in->lost = true;
			link_activate(bus, in);
			return in;
		}
		link_free_in(bus, in);
		in = NULL;
	}
	if (!in && is_to_us(bus, w))
		in = attach(bus, link, w);
	return in;
}

void link_activate(struct bell_bus *bus, struct bus_in *in)
{
	if (in->active)
		return;
	in->active = true;
	bus->armed = false;
	bus->active[bus->active_count++] = in;
}

void link_deactivate(struct bell_bus *bus, struct bus_in *in)
{
	uint32_t i;

	if (!in->active)
		return;
	for (i = 0; bus->active[i] != in; i++)
		;
	/* Who had no turn yet in this round stays behind those who had. */
	if (i < bus->turn) {
		bus->active[i] = bus->active[--bus->turn];
		i = bus->turn;
	}
	bus->active[i] = bus->active[--bus->active_count];
	if (bus->turn >= bus->active_count) {
		bus->turn = 0;
		bus->round++;
	}
	bus->taken = 0;
	in->active = false;
}

void link_free_in(struct bell_bus *bus, struct bus_in *in)
{
	link_deactivate(bus, in);
	bus->in[in->link] = NULL;
	if (bus->direct == in)
		bus->direct = NULL;
	if (bus->peeked == in)
		bus->peeked = NULL;
	incoming_close(in);
	free(in->bounce);
	free(in);
}

void link_drop_in(struct bell_bus *bus, struct bus_in *in, enum link_state state)
{
	uint64_t to = state == LINK_FREE ? LINK_FREE :
					   (in->link_word & ~UINT64_C(15)) + state;

	/* In another session the same word is another's. */
	if (layout_same(bus->memory, &bus->layout))
		(void)shm_cas(&in->r.ctl->word, in->link_word, to);
	link_free_in(bus, in);
}

static void review_outs(struct bell_bus *bus)
{
	struct bus_out *out, *next;

	for (out = bus->outs; out; out = next) {
		next = out->next;
		/* A program still writes into what it reserved: not yet another's. */
		if (shm_acquire(&out->to.slot->word) != out->to.word &&
		    out->reserved_count == 0)
			link_drop_out(bus, out);
	}
}

/* A link from that incarnation to us which we have not seen yet. */
static bool has_unseen(const struct bell_bus *bus, const struct bus_remote *r)
{
	uintptr_t first = (uintptr_t)layout_slot(bus->memory, &bus->layout, 0);
	uint64_t word = link_word(LINK_OPEN,
				  (uint32_t)(((uintptr_t)r->slot - first) /
					     sizeof(*r->slot)),
				  slot_incarnation(r->word), bus->slot,
				  slot_incarnation(bus->slot_word));

	for (uint32_t i = 0; i < bus->layout.link_count; i++)
		if (!bus->in[i] && shm_acquire(&ctl(bus, i)->word) == word)
			return true;
	return false;
}

bool link_remote_gone(const struct bell_bus *bus, const struct bus_remote *r)
{
	if (shm_acquire(&r->slot->word) == r->word)
		return false;
	for (uint32_t i = 0; i < bus->layout.link_count; i++) {
		const struct bus_in *in = bus->in[i];

		if (in && in->from.slot == r->slot && in->from.word == r->word)
			return in->gone && (in->broken || !ring_has_data(&in->r));
	}
	return !has_unseen(bus, r);
}

void link_review(struct bell_bus *bus)
{
	bus->review = true;
	review_outs(bus);
	for (uint32_t i = 0; i < bus->layout.link_count; i++) {
		struct bus_in *in = link_from_peer(bus, i);

		if (!in)
			continue;
		if (shm_acquire(&in->from.slot->word) != in->from.word)
			in->gone = true;
		/* Also one whose sender died before its doorbell. */
		if (in->gone || ring_has_data(&in->r))
			link_activate(bus, in);
	}
}
