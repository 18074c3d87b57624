/* SPDX-License-Identifier: BSD-2-Clause */
/* Joining and leaving the bus, and its settings. */
#include "bus.h"

#include "call.h"
#include "error.h"
#include "os.h"
#include "presence.h"
#include "steward.h"
#include "stream.h"
#include "topic.h"
#include "will.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINGER_MS 1000

static void ring_others(void *arg, uint32_t id, unsigned vector)
{
	struct bell_bus *bus = arg;

	if (bus->peer->port->ops->ring(bus->peer->port, id, vector) == 0)
		bus->stats.doorbells++;
}

/* HOST-PID, with what is not printable in a host's name replaced. */
static void default_name(char name[BELL_NAME_MAX + 1])
{
	char host[BELL_NAME_MAX - 11];

	os_hostname(host, sizeof(host));
	for (char *c = host; *c; c++)
		if (*c <= ' ' || *c >= 0x7f)
			*c = '-';
	snprintf(name, BELL_NAME_MAX + 1, "%s-%u", host[0] ? host : "peer", os_pid());
}

static int set_name(struct bell_bus *bus, const struct bell_bus_config *cfg)
{
	int rc;

	if (!cfg || !cfg->name) {
		default_name(bus->name);
		return 0;
	}
	rc = directory_check_name(cfg->name);
	if (rc == 0)
		memcpy(bus->name, cfg->name, strlen(cfg->name) + 1);
	return rc;
}

/* Guests made from one image can have the same name and process ids. */
static void add_id(struct bell_bus *bus)
{
	char id[BELL_ID_TEXT];
	size_t room = sizeof(bus->name) - 1, len = strlen(bus->name), n;

	n = strlen(bell_id_text(bus->peer->port->id, id));
	if (len + 1 + n > room)
		len = room - n - 1;
	bus->name[len] = '-';
	memcpy(bus->name + len + 1, id, n + 1);
}

static int enter(struct bell_bus *bus)
{
	const struct bell_port *port = bus->peer->port;
	struct directory_entry e = { .id = port->id,
				     .kind = port->kind,
				     .vectors = port->vectors,
				     .vector = bus->vector,
				     .pid = os_pid(),
				     .name = bus->name };
	int rc = directory_enter(bus->memory, &bus->layout, &e, &bus->slot,
				 &bus->slot_word);

	if (rc == 0)
		bus->self = layout_slot(bus->memory, &bus->layout, bus->slot);
	return rc;
}

struct doorbell {
	uint32_t id;
	unsigned vector;
};

/*
 * Formats whatever the memory holds. Who sleeps on what it held would never hear
 * of it: so those are rung, and find another session.
 */
static int format(struct bell_bus *bus)
{
	const struct bell_port *port = bus->peer->port;
	struct layout old = { .slot_count = 0 };
	struct doorbell *bells;
	uint32_t n = 0;
	int rc;

	(void)layout_read(port->memory, port->size, &old);
	bells = calloc(old.slot_count + 1, sizeof(*bells));
	if (!bells)
		return error_plain(BELL_ENOMEM);
	for (uint32_t i = 0; i < old.slot_count; i++) {
		struct layout_slot *s = layout_slot(port->memory, &old, i);
		uint64_t w = shm_acquire(&s->word);

		if (slot_state(w) == SLOT_LIVE && slot_id(w) != port->id)
			bells[n++] = (struct doorbell){
				slot_device(w), shm_peek(&s->vector) & BELL_VECTOR_MAX
			};
	}
	rc = layout_attach(port->memory, port->size, true, &bus->layout);
	for (uint32_t i = 0; rc == 0 && i < n; i++)
		(void)port->ops->ring(bus->peer->port, bells[i].id, bells[i].vector);
	free(bells);
	return rc;
}

/*
 * The processes of a device have a vector each, as far as there are enough. Those
 * that the server does not give nobody can ring, though the device has them.
 */
static int listen(struct bell_bus *bus)
{
	struct bell_port *port = bus->peer->port;
	uint32_t given = bus->layout.server_vectors, n = port->vectors;

	if (n == 0)
		return 0;
	if (given > 0 && given < n)
		n = given;
	bus->vector = BELL_ID_PROCESS(port->id) % n;
	return port->ops->listen ? port->ops->listen(port, bus->vector) : 0;
}

/*
 * Whoever has doorbells sleeps until it is rung: who cannot ring would send what
 * nobody hears of.
 */
static int check_doorbells(const struct bell_port *port)
{
	struct layout l;
	uint32_t rung;

	if (!port->silent || layout_read(port->memory, port->size, &l) < 0)
		return 0;
	rung = l.server_vectors;
	for (uint32_t i = 0; rung == 0 && i < l.slot_count; i++) {
		struct layout_slot *s = layout_slot(port->memory, &l, i);

		if (slot_state(shm_acquire(&s->word)) == SLOT_LIVE)
			rung = shm_peek(&s->vectors);
	}
	if (rung == 0)
		return 0;
	return error_detail(BELL_EUNSUP, "peers of this memory have doorbells, which port "
			    "%s cannot ring: open it by unix: or pci:", port->ops->name);
}

static int start(struct bell_bus *bus, const struct bell_bus_config *cfg)
{
	const struct bell_port *port = bus->peer->port;
	bool force = cfg && (cfg->flags & BELL_FORMAT);
	int rc = set_name(bus, cfg);

	/* Before anything is formatted; and again, if others did that meanwhile. */
	if (rc == 0)
		rc = check_doorbells(port);
	if (rc == 0)
		rc = force ? format(bus) : layout_attach(port->memory, port->size, false,
							 &bus->layout);
	if (rc == 0)
		rc = check_doorbells(port);
	if (rc == 0)
		rc = listen(bus);
	if (rc < 0)
		return rc;
	bus->in = calloc(bus->layout.link_count, sizeof(bus->in[0]));
	bus->active = calloc(bus->layout.link_count, sizeof(bus->active[0]));
	bus->lost = calloc(bus->layout.link_count, sizeof(bus->lost[0]));
	if (!bus->in || !bus->active || !bus->lost)
		return error_plain(BELL_ENOMEM);
	rc = enter(bus);
	if (rc == -BELL_EEXIST && !(cfg && cfg->name)) {
		add_id(bus);
		rc = enter(bus);
	}
	if (rc < 0)
		return rc;
	bus->peer->bus = bus;
	steward_tell_all(bus->memory, &bus->layout, port->id, ring_others, bus);
	will_write(bus);
	return 0;
}

static void set_mode(struct bell_bus *bus, enum bell_wait_mode mode)
{
	bus->poll_only = mode == BELL_POLL_ONLY;
	bus->mode = bus->poll_only ? BELL_POLL : mode;
	bus->waits_ns = 0;
	bus->settle_ns = 0;
	bus->settle_begin = 0;
	bus->settle_skip = 0;
}

int bell_join(struct bell_peer *peer, const struct bell_bus_config *cfg,
	      struct bell_bus **out)
{
	struct bell_bus *bus;
	int rc;

	if (peer->bus)
		return error_detail(BELL_EBUSY, "this peer is on the bus already");
	if (cfg && ((cfg->flags & ~BELL_FORMAT) || cfg->wait > BELL_POLL_ONLY))
		return error_detail(BELL_EINVAL, "unknown flags or wait mode");
	bus = calloc(1, sizeof(*bus));
	if (!bus)
		return error_plain(BELL_ENOMEM);
	bus->peer = peer;
	bus->memory = peer->port->memory;
	set_mode(bus, cfg ? cfg->wait : BELL_INTERRUPT);
	rc = start(bus, cfg);
	if (rc < 0) {
		bell_leave(bus);
		return rc;
	}
	*out = bus;
	return 0;
}

/* What the memory holds now is another session's: nothing of it is ours. */
static void exit_directory(struct bell_bus *bus)
{
	if (!layout_same(bus->memory, &bus->layout))
		return;
	directory_exit(bus->memory, &bus->layout, bus->slot, bus->slot_word);
	steward_tell_all(bus->memory, &bus->layout, slot_id(bus->slot_word),
			 ring_others, bus);
}

static bool something_kept(const struct bell_bus *bus)
{
	const struct bus_out *out = bus->outs;

	while (out && !out->kept)
		out = out->next;
	return out != NULL;
}

/* Ends of streams and replies that found no space yet get a little time. */
static void linger(struct bell_bus *bus)
{
	uint64_t deadline = bus_deadline(LINGER_MS);

	while (something_kept(bus))
		if (bus_scan(bus) < 0 || bus_idle(bus, NULL, 0, deadline) < 0)
			return;
}

static void free_links(struct bell_bus *bus)
{
	struct bus_out *out;

	/* Their receivers drain and free the links themselves. */
	while ((out = bus->outs) != NULL) {
		bus->outs = out->next;
		link_free_out(bus, out);
	}
	for (uint32_t i = 0; bus->in && i < bus->layout.link_count; i++)
		if (bus->in[i])
			link_free_in(bus, bus->in[i]);
}

void bell_leave(struct bell_bus *bus)
{
	if (!bus)
		return;
	stream_done(bus);
	call_done(bus);
	topic_done(bus);
	presence_done(bus);
	if (bus->self) {
		linger(bus);
		call_done(bus); /* the refusals of calls that came meanwhile */
		exit_directory(bus);
		will_take_back(bus);
	}
	if (bus->peer->bus == bus)
		bus->peer->bus = NULL;
	if (bus->active && bus->lost)
		free_links(bus);
	free(bus->in);
	free(bus->active);
	free(bus->lost);
	free(bus);
}

const char *bell_bus_name(const struct bell_bus *bus)
{
	return bus->name;
}

int bell_set_wait(struct bell_bus *bus, enum bell_wait_mode mode)
{
	bool begins = mode == BELL_POLL_ONLY && !bus->poll_only;
	int rc = begins ? bus_check(bus) : 0;

	if (mode > BELL_POLL_ONLY)
		return error_detail(BELL_EINVAL, "no such way to wait: %d", (int)mode);
	if (bus->poll_only && mode != BELL_POLL_ONLY)
		return error_detail(BELL_EINVAL, "this bus polls for good");
	if (rc < 0)
		return rc;
	set_mode(bus, mode);
	if (begins)
		link_poll_only(bus);
	return 0;
}

size_t bell_max_piece(const struct bell_bus *bus)
{
	return (size_t)ring_max_piece(bus->layout.ring_size);
}

void bell_get_stats(const struct bell_bus *bus, struct bell_stats *out)
{
	*out = bus->stats;
}
