/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue.h"

#include "error.h"
#include "proto.h"

#include <stdlib.h>

void queue_init(struct queue *q)
{
	*q = (struct queue){ .tail = &q->head };
}

static void unlink_item(struct queue *q, struct queue_item **at)
{
	struct queue_item *item = *at;

	*at = item->next;
	if (q->tail == &item->next)
		q->tail = at;
	q->items--;
	q->bytes -= (size_t)(item->count - item->sent) * PROTO_SIZE;
	free(item);
}

void queue_done(struct queue *q)
{
	while (q->head)
		unlink_item(q, &q->head);
}

static int add(struct queue *q, struct queue_item with)
{
	struct queue_item *item = malloc(sizeof(*item));

	if (!item)
		return error_plain(BELL_ENOMEM);
	*item = with;
	*q->tail = item;
	q->tail = &item->next;
	q->items++;
	q->bytes += (size_t)(item->count - item->sent) * PROTO_SIZE;
	return 0;
}

int queue_number(struct queue *q, int64_t number, enum queue_what what)
{
	return add(q, (struct queue_item){ .number = number, .what = what,
					   .count = 1 });
}

int queue_vectors(struct queue *q, uint32_t id, unsigned first, unsigned count)
{
	return add(q, (struct queue_item){ .number = id, .what = QUEUE_VECTORS,
					   .count = count, .sent = first });
}

bool queue_forget(struct queue *q, uint32_t id)
{
	for (struct queue_item **at = &q->head; *at; at = &(*at)->next) {
		struct queue_item *item = *at;
		bool begun = item->sent > 0;

		if (item->what != QUEUE_VECTORS || item->number != (int64_t)id)
			continue;
		unlink_item(q, at);
		return !begun;
	}
	return false;
}

size_t queue_peek(const struct queue *q, struct queue_message *out, size_t room)
{
	size_t n = 0;

	for (const struct queue_item *item = q->head; item; item = item->next)
		for (unsigned i = item->sent; i < item->count; i++) {
			if (n == room)
				return n;
			out[n++] = (struct queue_message){ item->number,
							   item->what, i };
		}
	return n;
}

void queue_sent(struct queue *q, size_t messages)
{
	while (messages > 0) {
		struct queue_item *item = q->head;
		unsigned left = item->count - item->sent;

		if (messages < left) {
			item->sent += (unsigned)messages;
			q->bytes -= messages * PROTO_SIZE;
			return;
		}
		messages -= left;
		unlink_item(q, &q->head);
	}
}
