/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who comes and goes: what the directory holds now, compared with what the
 * program was told of it.
 */
#include "presence.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

/* Names of who went, so that the same one can come back; the oldest is forgotten. */
#define GONE_NAMES 1024u

/* A slot as the program was told of it. */
struct told {
	uint64_t word; /* 0: as empty */
	struct bell_peer_info info;
};

struct presence {
	bell_presence_fn *fn;
	void *arg;
	bool dirty;      /* the directory changed since it was looked at */
	uint32_t rounds; /* bell_on_presence() calls: a callback may make one */
	uint32_t late;   /* gone, but what they had sent did not all come */
	bool unseen;     /* the next look finds more of it */
	struct told *told; /* a slot each */
	char (*gone)[BELL_NAME_MAX + 1]; /* GONE_NAMES, "" where there is none */
	uint32_t next_gone;
};

static void free_presence(struct presence *p)
{
	if (!p)
		return;
	free(p->told);
	free(p->gone);
	free(p);
}

static int need_presence(struct bell_bus *bus)
{
	struct presence *p;

	if (bus->presence)
		return 0;
	p = calloc(1, sizeof(*p));
	if (p) {
		p->told = calloc(bus->layout.slot_count, sizeof(p->told[0]));
		p->gone = calloc(GONE_NAMES, sizeof(p->gone[0]));
	}
	if (!p || !p->told || !p->gone) {
		free_presence(p);
		return error_plain(BELL_ENOMEM);
	}
	bus->presence = p;
	return 0;
}

int bell_on_presence(struct bell_bus *bus, bell_presence_fn *fn, void *arg)
{
	struct presence *p;
	int rc;

	if (!fn && !bus->presence)
		return 0;
	rc = need_presence(bus);
	if (rc < 0)
		return rc;
	p = bus->presence;
	p->fn = fn;
	p->arg = arg;
	p->rounds++;
	p->late = 0;
	/* All that are there are told to the new one. */
	memset(p->told, 0, bus->layout.slot_count * sizeof(p->told[0]));
	memset(p->gone, 0, GONE_NAMES * sizeof(p->gone[0]));
	presence_review(bus);
	return 0;
}

void presence_review(struct bell_bus *bus)
{
	if (!bus->presence || !bus->presence->fn)
		return;
	bus->presence->dirty = true;
	bus_pend(bus);
}

void presence_done(struct bell_bus *bus)
{
	free_presence(bus->presence);
	bus->presence = NULL;
}

/* ---- names that went ---- */

static void remember(struct presence *p, const char *name)
{
	memcpy(p->gone[p->next_gone], name, sizeof(p->gone[0]));
	p->next_gone = (p->next_gone + 1) % GONE_NAMES;
}

/* True if the name went before; forgets it. */
static bool recall(struct presence *p, const char *name)
{
	for (uint32_t i = 0; name[0] && i < GONE_NAMES; i++) {
		if (strcmp(p->gone[i], name) == 0) {
			p->gone[i][0] = '\0';
			return true;
		}
	}
	return false;
}

/* Somebody of that name is gone, and this was not told yet. */
static bool is_late(const struct bell_bus *bus, const char *name)
{
	const struct presence *p = bus->presence;

	for (uint32_t i = 0; p->late > 0 && i < bus->layout.slot_count; i++) {
		const struct told *t = &p->told[i];

		if (t->word && strcmp(t->info.name, name) == 0 &&
		    shm_peek(&layout_slot(bus->memory, &bus->layout, i)->word) != t->word)
			return true;
	}
	return false;
}

/* ---- telling ---- */

/* The callback runs; true if it asked for another round. */
static bool tell(struct bell_bus *bus, enum bell_presence event,
		 const struct bell_peer_info *info)
{
	struct presence *p = bus->presence;
	uint32_t round = p->rounds;
	bool calling = bus->calling;

	bus->calling = true;
	p->fn(bus, event, info, p->arg);
	bus->calling = calling;
	return p->rounds != round;
}

static const struct bus_in *link_of(const struct bell_bus *bus,
				    const struct bus_remote *r)
{
	for (uint32_t i = 0; i < bus->layout.link_count; i++) {
		const struct bus_in *in = bus->in[i];

		if (in && in->from.slot == r->slot && in->from.word == r->word)
			return in;
	}
	return NULL;
}

/* All that it had sent has reached the program, or is for it to take. */
static bool all_came(const struct bell_bus *bus, const struct bus_remote *r)
{
	const struct bus_in *in = link_of(bus, r);

	if (in && !in->broken && ring_has_data(&in->r))
		bus->presence->unseen = true;
	if (!link_remote_gone(bus, r))
		return false;
	/* With bell_recv() it is the program that knows what it has not read. */
	return !bus->on_message || !in || in->r.scanned == in->r.pos;
}

/* 1: it was told as gone; 0: not yet; -1: told, and all begins anew. */
static int tell_gone(struct bell_bus *bus, uint32_t slot, uint64_t now)
{
	struct presence *p = bus->presence;
	struct told *t = &p->told[slot], was = *t;
	struct bus_remote r = { layout_slot(bus->memory, &bus->layout, slot), t->word,
				t->info.id };
	bool left = now == slot_word(SLOT_FREE, slot_id(t->word),
				     slot_incarnation(t->word));

	if (!all_came(bus, &r)) {
		p->late++;
		return 0;
	}
	t->word = 0;
	remember(p, was.info.name);
	return tell(bus, left ? BELL_LEFT : BELL_DIED, &was.info) ? -1 : 1;
}

/* As tell_gone(), for who is there and was not. */
static int tell_came(struct bell_bus *bus, uint32_t slot)
{
	struct presence *p = bus->presence;
	struct told *t = &p->told[slot], is;

	if (!directory_read(bus->memory, &bus->layout, slot, &is.info, &is.word) ||
	    is.info.state != BELL_STATE_LIVE || is_late(bus, is.info.name))
		return 0;
	*t = is;
	return tell(bus, recall(p, is.info.name) ? BELL_BACK : BELL_CAME, &is.info) ?
		       -1 : 1;
}

/* Those who went first: one that came may have the name of one that went. */
static int tell_pass(struct bell_bus *bus, bool gone)
{
	int n = 0;

	for (uint32_t i = 0; i < bus->layout.slot_count; i++) {
		uint64_t was = bus->presence->told[i].word;
		uint64_t now = shm_acquire(
			&layout_slot(bus->memory, &bus->layout, i)->word);
		int rc = 0;

		if (i == bus->slot || was == now)
			continue;
		if (gone && was)
			rc = tell_gone(bus, i, now);
		else if (!gone && !was && slot_state(now) == SLOT_LIVE)
			rc = tell_came(bus, i);
		if (rc < 0)
			return n + 1;
		n += rc;
	}
	return n;
}

int presence_tell(struct bell_bus *bus)
{
	struct presence *p = bus->presence;
	uint32_t round;
	int n;

	if (!p || !p->fn || !p->dirty)
		return 0;
	round = p->rounds;
	p->dirty = false;
	p->unseen = false;
	p->late = 0;
	n = tell_pass(bus, true);
	if (p->rounds == round)
		n += tell_pass(bus, false);
	/* The end of the link from it asks for a review; before that the next look. */
	if (p->rounds == round && p->late > 0) {
		p->dirty = true;
		if (p->unseen)
			bus_pend(bus);
	}
	return n;
}

/* ---- waiting for somebody ---- */

static int find_now(struct bell_bus *bus, const char *name, bool number, uint32_t *id)
{
	uint32_t wanted, slot;
	uint64_t word;
	int rc = bus_check(bus);

	if (rc < 0)
		return rc;
	if (!number)
		return bell_find(bus->peer, name, id);
	rc = id_parse(name, &wanted);
	if (rc == 0)
		rc = directory_lookup(bus->memory, &bus->layout, wanted, &slot, &word);
	if (rc < 0)
		return rc;
	*id = wanted;
	return 0;
}

static int await(struct bell_bus *bus, const char *name, bool number,
		 uint64_t deadline, uint32_t *id)
{
	for (;;) {
		int rc = bus_scan(bus);

		if (rc == 0)
			rc = find_now(bus, name, number, id);
		if (rc != -BELL_ENOPEER)
			return rc;
		rc = bus_idle(bus, NULL, 0, deadline);
		if (rc < 0)
			return rc;
	}
}

static int check_name(const char *name, bool *number)
{
	uint32_t id;

	*number = id_is_number(name);
	return *number ? id_parse(name, &id) : directory_check_name(name);
}

int bell_await_peer(struct bell_bus *bus, const char *name, int timeout_ms,
		    uint32_t *id)
{
	uint64_t deadline = bus_deadline(timeout_ms);
	struct bus_call begun;
	uint32_t found = 0;
	bool number;
	int rc = check_name(name, &number);

	if (rc < 0)
		return rc;
	rc = find_now(bus, name, number, &found);
	if (rc == -BELL_ENOPEER && timeout_ms != 0) {
		rc = bus_no_callback(bus);
		if (rc < 0)
			return rc;
		begun = bus_begin(bus);
		rc = await(bus, name, number, deadline, &found);
		bus_end(bus, begun);
	}
	if (rc == -BELL_ENOPEER || rc == -BELL_EAGAIN)
		return error_detail(BELL_EAGAIN, "peer %s is not on the bus", name);
	if (rc == 0)
		*id = found;
	return rc;
}
