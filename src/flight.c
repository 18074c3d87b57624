/* SPDX-License-Identifier: BSD-2-Clause */
#include "flight.h"

#include "error.h"

#include <stdlib.h>

static struct call **bucket(const struct call_set *set, uint64_t id)
{
	/* Ids are consecutive: as good as any hash. */
	return &set->calls[id & (set->call_room - 1)];
}

struct call *flight_find(const struct call_set *set, uint64_t id)
{
	struct call *call;

	if (set->call_count == 0)
		return NULL;
	for (call = *bucket(set, id); call; call = call->next)
		if (call->id == id)
			return call;
	return NULL;
}

void flight_list(struct call_set *set, struct call *call)
{
	struct call **b = bucket(set, call->id);

	call->next = *b;
	*b = call;
	set->call_count++;
}

void flight_unlist(struct call_set *set, struct call *call)
{
	struct call **p = bucket(set, call->id);

	while (*p != call)
		p = &(*p)->next;
	*p = call->next;
	set->call_count--;
	queue_remove(&call->item);
	due_remove(&set->dues, &call->due);
}

int flight_room(struct call_set *set)
{
	size_t old_room = set->call_room, room = old_room ? 2 * old_room : 64;
	struct call **old = set->calls, *call;

	if (set->call_count < old_room)
		return 0;
	set->calls = calloc(room, sizeof(*set->calls));
	if (!set->calls) {
		set->calls = old;
		/* Longer chains work as well. */
		return old ? 0 : error_plain(BELL_ENOMEM);
	}
	set->call_room = room;
	set->call_count = 0;
	for (size_t i = 0; i < old_room; i++) {
		while ((call = old[i]) != NULL) {
			old[i] = call->next;
			flight_list(set, call);
		}
	}
	free(old);
	return 0;
}
