/* SPDX-License-Identifier: BSD-2-Clause */
#include "due.h"

#include "error.h"

#include <stdlib.h>

/* Places are counted from 1: the children of p are 2p and 2p + 1. */
static struct due **at(const struct due_heap *heap, size_t place)
{
	return &heap->all[place - 1];
}

static void put(struct due_heap *heap, size_t place, struct due *due)
{
	*at(heap, place) = due;
	due->place = place;
}

static void rise(struct due_heap *heap, size_t place, struct due *due)
{
	while (place > 1 && (*at(heap, place / 2))->at_ns > due->at_ns) {
		put(heap, place, *at(heap, place / 2));
		place /= 2;
	}
	put(heap, place, due);
}

static void sink(struct due_heap *heap, size_t place, struct due *due)
{
	size_t child;

	while ((child = 2 * place) <= heap->count) {
		if (child < heap->count &&
		    (*at(heap, child + 1))->at_ns < (*at(heap, child))->at_ns)
			child++;
		if ((*at(heap, child))->at_ns >= due->at_ns)
			break;
		put(heap, place, *at(heap, child));
		place = child;
	}
	put(heap, place, due);
}

int due_add(struct due_heap *heap, struct due *due)
{
	if (heap->count == heap->room) {
		size_t room = heap->room ? 2 * heap->room : 64;
		struct due **larger = realloc(heap->all, room * sizeof(*larger));

		if (!larger)
			return error_plain(BELL_ENOMEM);
		heap->all = larger;
		heap->room = room;
	}
	rise(heap, ++heap->count, due);
	return 0;
}

void due_remove(struct due_heap *heap, struct due *due)
{
	size_t place = due->place;
	struct due *last;

	if (place == 0)
		return;
	due->place = 0;
	last = *at(heap, heap->count--);
	if (last == due)
		return;
	if (place > 1 && (*at(heap, place / 2))->at_ns > last->at_ns)
		rise(heap, place, last);
	else
		sink(heap, place, last);
}

struct due *due_first(const struct due_heap *heap)
{
	return heap->count > 0 ? heap->all[0] : NULL;
}

void due_done(struct due_heap *heap)
{
	free(heap->all);
	*heap = (struct due_heap){ NULL, 0, 0 };
}
