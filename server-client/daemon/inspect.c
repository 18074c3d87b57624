/* SPDX-License-Identifier: BSD-2-Clause */
#include "inspect.h"

#include "directory.h"
#include "error.h"
#include "sandbox.h"
#include "server.h"

#include <event2/event.h>
#include <string.h>
#include <sys/resource.h>

/* ---- the bus ---- */

static void count_bus(const struct server *s, const struct layout *l,
		      struct inspect_status *out)
{
	out->bus = true;
	out->bus_size = l->bus_size;
	out->session = l->session;
	out->slots = l->slot_count;
	out->links = l->link_count;
	for (uint32_t i = 0; i < l->slot_count; i++)
		out->slots_live += slot_state(shm_peek(
			&layout_slot(s->shm.memory, l, i)->word)) == SLOT_LIVE;
	for (uint32_t i = 0; i < l->link_count; i++)
		out->links_open += link_state(shm_peek(
			&layout_link(s->shm.memory, l, i)->word)) != LINK_FREE;
}

/* A peer may write anything there: what is believed is what is copied. */
static void find_on_bus(const struct server *s, const struct layout *l,
			struct inspect_peer *peer)
{
	struct bell_peer_info info;
	uint32_t slot;
	uint64_t word;

	if (directory_lookup(s->shm.memory, l, peer->id, &slot, &word) < 0 ||
	    !directory_read(s->shm.memory, l, slot, &info, &word))
		return;
	peer->slot = (long)slot;
	peer->kind = bell_kind_name(info.kind);
	memcpy(peer->name, info.name, sizeof(peer->name));
}

/* ---- the server ---- */

static size_t count_descriptors(const struct server *s)
{
	size_t n = 0;

	for (size_t i = 0; i < peers_count(s->peers); i++)
		n += 1 + s->clients[peers_id(s->peers, i)]->vectors->count;
	return n;
}

static size_t descriptor_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) < 0 ? 0 : (size_t)limit.rlim_cur;
}

void inspect_status(struct server *s, struct inspect_status *out)
{
	struct layout layout;
	uint32_t oldest;

	*out = (struct inspect_status){
		.socket_path = s->cfg->socket.path,
		.memory_kind = s->shm.kind,
		.sandbox = sandbox_text(),
		.store = store_text(s->store),
		.memory_size = s->shm.size,
		.memory_sealed = s->shm.sealed,
		.vectors = s->cfg->vectors,
		.peers = peers_count(s->peers),
		.peers_max = s->max_peers,
		.ids_left = peers_ids_left(s->peers, &oldest),
		.draining = s->draining,
		.started_ns = s->started_ns,
		.descriptors = count_descriptors(s),
		.descriptors_max = descriptor_limit(),
		.counters = s->counters,
	};
	if (layout_read(s->shm.memory, s->shm.size, &layout) == 0)
		count_bus(s, &layout, out);
}

void inspect_peers(struct server *s, inspect_peer_fn *fn, void *arg)
{
	struct layout layout;
	bool bus = layout_read(s->shm.memory, s->shm.size, &layout) == 0;

	for (size_t i = 0; i < peers_count(s->peers); i++) {
		const struct client *c = s->clients[peers_id(s->peers, i)];
		struct inspect_peer peer = {
			.id = c->id,
			.slot = -1,
			.kind = "",
			.pid = c->who.pid,
			.uid = c->who.uid,
			.gid = c->who.gid,
			.since_ns = c->joined_ns,
			.vectors = c->vectors->count,
			.queued_bytes = c->queue.bytes,
			.queued_max = c->bound,
			.greeted = c->greeted_ns != 0,
		};

		if (bus)
			find_on_bus(s, &layout, &peer);
		fn(arg, &peer);
	}
}

int inspect_kick(struct server *s, uint32_t id)
{
	struct client *c = id < PEERS_IDS ? s->clients[id] : NULL;

	if (!c)
		return error_detail(BELL_ENOPEER, "no peer %u is connected", id);
	client_doom(c, "dropped: kicked");
	return 0;
}

void inspect_drain(struct server *s, bool on)
{
	s->draining = on;
	state_change(s->state);
	state_save(s->state);
	/* Looks whether there is nobody already. */
	event_active(s->reap, 0, 0);
}
