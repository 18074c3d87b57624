/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

struct queue_item {
	struct queue_item *next;
	int64_t number;
	int fd;                  /* borrowed; -1: none, or see vectors */
	struct vectors *vectors; /* or NULL */
	unsigned count;          /* messages */
	unsigned sent;           /* of these */
};

void queue_init(struct queue *q)
{
	*q = (struct queue){ .tail = &q->head };
}

static void item_free(struct queue_item *item)
{
	vectors_unref(item->vectors);
	free(item);
}

void queue_done(struct queue *q)
{
	while (q->head) {
		struct queue_item *item = q->head;

		q->head = item->next;
		item_free(item);
	}
	queue_init(q);
}

static int add(struct queue *q, struct queue_item with)
{
	struct queue_item *item = malloc(sizeof(*item));

	if (!item)
		return error_plain(BELL_ENOMEM);
	*item = with;
	if (item->vectors)
		vectors_ref(item->vectors);
	*q->tail = item;
	q->tail = &item->next;
	q->bytes += (size_t)item->count * PROTO_SIZE;
	return 0;
}

int queue_number(struct queue *q, int64_t number, int fd)
{
	return add(q, (struct queue_item){ .number = number, .fd = fd,
					   .count = 1 });
}

int queue_vectors(struct queue *q, uint32_t id, struct vectors *v)
{
	return add(q, (struct queue_item){ .number = id, .fd = -1, .vectors = v,
					   .count = v->count });
}

static void unlink_item(struct queue *q, struct queue_item **at)
{
	struct queue_item *item = *at;

	*at = item->next;
	if (q->tail == &item->next)
		q->tail = at;
	q->bytes -= (size_t)(item->count - item->sent) * PROTO_SIZE;
	item_free(item);
}

bool queue_forget(struct queue *q, uint32_t id)
{
	for (struct queue_item **at = &q->head; *at; at = &(*at)->next) {
		struct queue_item *item = *at;
		bool begun = item->sent > 0 ||
			     (item == q->head && q->offset > 0);

		if (!item->vectors || item->number != (int64_t)id || begun)
			continue;
		unlink_item(q, at);
		return true;
	}
	return false;
}

bool queue_next(const struct queue *q, struct queue_piece *out)
{
	const struct queue_item *item = q->head;
	unsigned char whole[PROTO_SIZE];

	if (!item)
		return false;
	proto_encode(item->number, whole);
	out->len = PROTO_SIZE - q->offset;
	memcpy(out->bytes, whole + q->offset, out->len);
	out->fd = -1;
	/* A descriptor goes with the first byte. */
	if (q->offset == 0)
		out->fd = item->vectors ? item->vectors->fd[item->sent] : item->fd;
	return true;
}

void queue_sent(struct queue *q, size_t n)
{
	struct queue_item *item = q->head;

	q->offset += (unsigned)n;
	if (q->offset < PROTO_SIZE)
		return;
	q->offset = 0;
	q->bytes -= PROTO_SIZE;
	if (++item->sent < item->count)
		return;
	q->head = item->next;
	if (!q->head)
		q->tail = &q->head;
	item_free(item);
}
