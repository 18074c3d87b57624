/* SPDX-License-Identifier: BSD-2-Clause */
/* A peer: addresses, callbacks, the doorbell, listing who is there. */
#include "peer.h"

#include "bus.h"
#include "call.h"
#include "error.h"
#include "steward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GREETING_MS 5000
#define REFUSALS_SIZE 1024
#define FORMS_SIZE 256
#define WHAT_SIZE 256

/* What can be given, by the ports that there are. */
static int not_an_address(const char *what)
{
	char forms[FORMS_SIZE];
	size_t used = 0;

	for (int i = 0; bell_ports[i] && used < sizeof(forms); i++) {
		int n = bell_ports[i]->form ?
				snprintf(forms + used, sizeof(forms) - used, "%s%s",
					 used ? ", " : "", bell_ports[i]->form) : 0;

		used += n > 0 ? (size_t)n : 0;
	}
	return error_detail(BELL_EINVAL, "%s; the forms are %s, by -a or BELLRING_ADDRESS",
			    what, used ? forms : "none: no port is built in");
}

/* The port's scheme, without the colon, is what the address begins with. */
static bool serves(const struct bell_port_ops *ops, const char *address)
{
	size_t len = strlen(ops->scheme);

	return strncmp(ops->scheme, address, len) == 0 && address[len] == ':';
}

/* Why each port cannot serve the address, for an error. */
struct refusals {
	char text[REFUSALS_SIZE];
	size_t used;
	int count;
};

static void add_refusal(struct refusals *r, const char *port)
{
	int n;

	if (r->used < sizeof(r->text)) {
		n = snprintf(r->text + r->used, sizeof(r->text) - r->used, "%s%s: %s",
			     r->count ? "; " : "", port, bell_detail());
		r->used += n > 0 ? (size_t)n : 0;
	}
	r->count++;
}

static int open_port(const char *address, int timeout_ms, struct bell_port **out)
{
	struct refusals refusals = { .count = 0 };
	char what[WHAT_SIZE];
	int rc = -BELL_EINVAL;

	for (int i = 0; bell_ports[i]; i++) {
		const struct bell_port_ops *ops = bell_ports[i];

		if (!serves(ops, address))
			continue;
		rc = ops->open(address + strlen(ops->scheme) + 1, timeout_ms, out);
		if (rc >= 0)
			return rc;
		add_refusal(&refusals, ops->name);
		if (rc != -BELL_EUNSUP)
			break;
	}
	if (refusals.count == 1)
		return rc; /* its own words */
	if (refusals.count > 1)
		return error_detail(-rc, "%s", refusals.text);
	snprintf(what, sizeof(what), "%s: not an address", address);
	return not_an_address(what);
}

static void ring_others(void *arg, uint32_t id, unsigned vector)
{
	struct bell_peer *peer = arg;

	(void)peer->port->ops->ring(peer->port, id, vector);
}

/*
 * Who cannot ring has numbers of its own making, and is in memory without doorbells:
 * a peer that has vectors is a server's, and its id says nothing to us.
 */
static bool lives(void *arg, uint32_t id, uint32_t vectors)
{
	const struct bell_peer *peer = arg;
	const struct bell_port *port = peer->port;

	if (port->silent && vectors > 0)
		return true;
	return id != port->id && (!port->ops->there || port->ops->there(port, id));
}

/*
 * A port is one process's at a time: whoever is in the directory under its id is
 * an earlier process, which died without anybody being told, as in a guest whose
 * machine runs on; and of a machine that was reset all its processes are. It may
 * have died while joining, or have left and died before it told the others.
 */
static void bury_predecessors(struct bell_peer *peer)
{
	struct bell_port *port = peer->port;
	struct layout l;

	if (layout_read(port->memory, port->size, &l) == 0)
		(void)steward_bury(port->memory, &l, port->id, lives, ring_others, peer);
}

int peer_from_port(struct bell_port *port, struct bell_peer **out)
{
	struct bell_peer *peer = calloc(1, sizeof(*peer));

	if (!peer) {
		port->ops->close(port);
		return error_plain(BELL_ENOMEM);
	}
	peer->port = port;
	bury_predecessors(peer);
	*out = peer;
	return 0;
}

int bell_open(const char *address, int timeout_ms, struct bell_peer **out)
{
	struct bell_port *port = NULL;
	int rc;

	if (!address)
		address = getenv("BELLRING_ADDRESS");
	if (!address || !*address)
		return not_an_address("no address");
	rc = open_port(address, timeout_ms < 0 ? GREETING_MS : timeout_ms, &port);
	return rc < 0 ? rc : peer_from_port(port, out);
}

void bell_close(struct bell_peer *peer)
{
	if (!peer)
		return;
	peer->port->ops->close(peer->port);
	free(peer);
}

uint32_t bell_id(const struct bell_peer *peer)
{
	return peer->port->id;
}

unsigned bell_vectors(const struct bell_peer *peer)
{
	return peer->port->vectors;
}

const char *bell_port_name(const struct bell_peer *peer)
{
	return peer->port->ops->name;
}

void *bell_memory(const struct bell_peer *peer, size_t *size)
{
	if (size)
		*size = peer->port->size;
	return peer->port->memory;
}

uint64_t bell_bus_size(const struct bell_peer *peer)
{
	struct layout l;

	return layout_read(peer->port->memory, peer->port->size, &l) < 0 ?
		       0 : l.bus_size;
}

int bell_sync(struct bell_peer *peer)
{
	const struct bell_port_ops *ops = peer->port->ops;

	return ops->sync ? ops->sync(peer->port) : 0;
}

int bell_ring(struct bell_peer *peer, uint32_t id, unsigned vector)
{
	if (id > BELL_ID_MAX)
		return error_detail(BELL_EINVAL, "peer id %u: 0 to %u are possible", id,
				    BELL_ID_MAX);
	if (vector > BELL_VECTOR_MAX)
		return error_detail(BELL_EINVAL, "vector %u: 0 to %d are possible",
				    vector, BELL_VECTOR_MAX);
	return peer->port->ops->ring(peer->port, BELL_ID_DEVICE(id), vector);
}

int bell_on_interrupt(struct bell_peer *peer, unsigned vector,
		      bell_interrupt_fn *fn, void *arg)
{
	if (peer->port->vectors == 0)
		return error_detail(BELL_EUNSUP, "this peer has no interrupts");
	if (vector >= peer->port->vectors)
		return error_detail(BELL_EINVAL, "vector %u: this peer has 0 to %u",
				    vector, peer->port->vectors - 1);
	if (fn && peer->port->ops->listen) {
		int rc = peer->port->ops->listen(peer->port, vector);

		if (rc < 0)
			return rc;
	}
	peer->on_interrupt[vector].fn = fn;
	peer->on_interrupt[vector].arg = arg;
	return 0;
}

int bell_on_peer(struct bell_peer *peer, bell_peer_fn *fn, void *arg)
{
	if (!peer->port->ops->peers)
		return error_detail(BELL_EUNSUP,
				    "the device does not tell who joins and leaves");
	peer->on_peer = fn;
	peer->on_peer_arg = arg;
	return 0;
}

bell_handle_t bell_handle(const struct bell_peer *peer)
{
	return peer->port->ops->handle(peer->port);
}

static void tell_interrupt(void *arg, unsigned vector)
{
	struct bell_peer *peer = arg;

	if (vector <= BELL_VECTOR_MAX && peer->on_interrupt[vector].fn)
		peer->on_interrupt[vector].fn(peer, vector,
					      peer->on_interrupt[vector].arg);
}

static void tell_peer(void *arg, uint32_t id, enum bell_peer_event event)
{
	struct bell_peer *peer = arg;
	struct layout l;

	/* Under a server that knows no bus we are the ones who know of a death. */
	if (event == BELL_PEER_LEFT &&
	    layout_read(peer->port->memory, peer->port->size, &l) == 0)
		(void)steward_mark_dead(peer->port->memory, &l, id, ring_others, peer);
	if (peer->on_peer)
		peer->on_peer(peer, id, event, peer->on_peer_arg);
}

int peer_wait(struct bell_peer *peer, int timeout_ms)
{
	struct port_sink sink = { tell_interrupt, tell_peer, peer };
	int rc = peer->port->ops->wait(peer->port, timeout_ms, &sink);

	if (rc > 0)
		peer->events += (unsigned)rc;
	return rc;
}

int bell_dispatch(struct bell_peer *peer)
{
	int events = peer_wait(peer, 0), messages;

	if (events < 0 || !peer->bus)
		return events;
	messages = bus_dispatch(peer->bus);
	return messages < 0 ? messages : events + messages;
}

static int wait_with_bus(struct bell_peer *peer, int timeout_ms)
{
	uint64_t deadline = bus_deadline(timeout_ms);
	uint64_t before = peer->events;

	for (;;) {
		uint64_t until;
		int rc = bell_dispatch(peer);

		if (rc < 0)
			return rc;
		/* Counts also the interrupts that ended a sleep of bus_idle(). */
		if (rc > 0 || peer->events != before)
			return rc > 0 ? rc : (int)(peer->events - before);
		if (deadline == 0)
			return error_plain(BELL_EAGAIN);
		/* A call that runs out of time is an event, too. */
		until = call_deadline(peer->bus);
		rc = bus_idle(peer->bus, NULL, 0, until < deadline ? until : deadline);
		if (rc < 0 && (rc != -BELL_EAGAIN || until >= deadline))
			return rc;
	}
}

/* A port may return without an event: then wait for what is left of the time. */
static int wait_on_port(struct bell_peer *peer, int timeout_ms)
{
	uint64_t deadline = bus_deadline(timeout_ms);

	for (;;) {
		int left_ms = bus_remaining_ms(deadline);
		int rc = peer_wait(peer, left_ms);

		if (rc != 0)
			return rc;
		if (left_ms == 0)
			return error_plain(BELL_EAGAIN);
	}
}

int bell_wait(struct bell_peer *peer, int timeout_ms)
{
	return peer->bus ? wait_with_bus(peer, timeout_ms) :
			   wait_on_port(peer, timeout_ms);
}

const char *bell_kind_name(enum bell_kind kind)
{
	static const char *const names[] = { "unknown", "host", "linux", "windows" };

	return (unsigned)kind <= BELL_KIND_WINDOWS ? names[kind] : names[0];
}

const char *bell_state_name(enum bell_state state)
{
	static const char *const names[] = { "raw", "joining", "live", "dead" };

	return (unsigned)state <= BELL_STATE_DEAD ? names[state] : names[0];
}
