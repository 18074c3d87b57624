/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is there: the directory in the memory, and what the port knows beyond. */
#include "directory.h"
#include "error.h"
#include "id.h"
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	struct bell_peer_info *all;
	size_t count;
	struct bell_peer_info *connected; /* of all, what the port says */
	size_t connected_count;
};

static void done(struct listing *l)
{
	free(l->all);
	free(l->connected);
	*l = (struct listing){ NULL, 0, NULL, 0 };
}

/* As people read it: the processes of a device stand together. */
static uint32_t rank(uint32_t id)
{
	return BELL_ID_DEVICE(id) << 8 | BELL_ID_PROCESS(id);
}

static int by_id(const void *a, const void *b)
{
	const struct bell_peer_info *x = a, *y = b;

	if (x->id != y->id)
		return rank(x->id) < rank(y->id) ? -1 : 1;
	/* The living first. */
	return (y->state == BELL_STATE_LIVE) - (x->state == BELL_STATE_LIVE);
}

static void add_directory(struct listing *l, const void *memory,
			  const struct layout *layout)
{
	for (uint32_t i = 0; i < layout->slot_count; i++) {
		uint64_t word;

		if (directory_read(memory, layout, i, &l->all[l->count], &word))
			l->count++;
	}
}

/* What the port knows of who is not in the directory, or dead in it. */
static void add_connected(struct listing *l, const struct bell_peer_info *info,
			  size_t count)
{
	size_t in_directory = l->count;

	for (size_t i = 0; i < count; i++) {
		size_t j = 0;

		while (j < in_directory && l->all[j].id != info[i].id)
			j++;
		if (j == in_directory)
			l->all[l->count++] = info[i];
		else if (l->all[j].vectors == 0)
			l->all[j].vectors = info[i].vectors;
	}
}

/* Gives a list to free. */
static int list_all(struct bell_peer *peer, struct listing *l)
{
	const struct bell_port *port = peer->port;
	size_t room = 0, connected = 0;
	struct layout layout;
	int rc = layout_read(port->memory, port->size, &layout);

	if (rc < 0 && !port->ops->peers)
		return rc;
	if (rc == 0)
		room = layout.slot_count;
	if (port->ops->peers)
		connected = port->ops->peers(port, NULL, 0);
	*l = (struct listing){
		.all = calloc(room + connected + 2, sizeof(*l->all)),
		.connected = calloc(connected + 1, sizeof(*l->connected)),
		.connected_count = connected + 1,
	};
	if (!l->all || !l->connected) {
		done(l);
		return error_plain(BELL_ENOMEM);
	}
	if (rc == 0)
		add_directory(l, port->memory, &layout);
	l->connected[0] = (struct bell_peer_info){ .id = port->id,
						   .vectors = port->vectors,
						   .kind = port->kind };
	if (connected > 0)
		connected = port->ops->peers(port, l->connected + 1, connected);
	if (connected + 1 < l->connected_count)
		l->connected_count = connected + 1;
	add_connected(l, l->connected, l->connected_count);
	qsort(l->all, l->count, sizeof(*l->all), by_id);
	return 0;
}

int bell_peers(struct bell_peer *peer, struct bell_peer_info *list, size_t max)
{
	struct listing l;
	int rc = list_all(peer, &l);

	if (rc < 0)
		return rc;
	if (max > 0)
		memcpy(list, l.all, (l.count < max ? l.count : max) * sizeof(*list));
	rc = (int)l.count;
	done(&l);
	return rc;
}

/* Ids of live peers with that name as text, for an error. */
static int ambiguous(const struct listing *l, const char *name)
{
	char ids[160] = "";
	size_t used = 0;

	for (size_t i = 0; i < l->count && used + BELL_ID_TEXT < sizeof(ids); i++)
		if (l->all[i].state == BELL_STATE_LIVE &&
		    strcmp(l->all[i].name, name) == 0)
			used += (size_t)snprintf(ids + used, sizeof(ids) - used, " %s",
						 ID_TEXT(l->all[i].id));
	return error_detail(BELL_ENOTUNIQ, "%s is the name of peers%s: use an id", name,
			    ids);
}

static int find_name(const struct listing *l, const char *name, uint32_t *id)
{
	size_t matches = 0;

	for (size_t i = 0; i < l->count; i++) {
		if (l->all[i].state != BELL_STATE_LIVE ||
		    strcmp(l->all[i].name, name) != 0)
			continue;
		if (matches++ == 0)
			*id = l->all[i].id;
	}
	if (matches == 0)
		return error_detail(BELL_ENOPEER, "nobody on the bus is called %s", name);
	return matches == 1 ? 0 : ambiguous(l, name);
}

/* A device that is connected can be rung, whatever became of its life on the bus. */
static bool is_there(const struct listing *l, uint32_t id)
{
	for (size_t i = 0; i < l->connected_count; i++)
		if (l->connected[i].id == id)
			return true;
	for (size_t i = 0; i < l->count; i++)
		if (l->all[i].id == id && l->all[i].state != BELL_STATE_DEAD)
			return true;
	return false;
}

static int find_id(const struct bell_peer *peer, const struct listing *l,
		   const char *text, uint32_t *id)
{
	uint32_t n;

	if (id_parse(text, &n) < 0)
		return -BELL_ENOPEER;
	/* In a guest the device does not tell who is connected without a bus. */
	if (!peer->port->ops->peers) {
		*id = n;
		return 0;
	}
	if (!is_there(l, n))
		return error_detail(BELL_ENOPEER, "no peer %s is connected", text);
	*id = n;
	return 0;
}

int bell_find(struct bell_peer *peer, const char *name, uint32_t *id)
{
	struct listing l = { NULL, 0, NULL, 0 };
	uint32_t found = 0;
	int rc = list_all(peer, &l);

	if (id_is_number(name))
		rc = find_id(peer, &l, name, &found);
	else if (rc == 0)
		rc = find_name(&l, name, &found);
	done(&l);
	if (rc == 0)
		*id = found;
	return rc;
}
