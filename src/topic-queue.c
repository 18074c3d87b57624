/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What BELL_DROP_OLDEST keeps: a queue for each topic and slow subscriber, of
 * references to copies that they share.
 */
#include "topic-set.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

/* A message that waits. */
struct kept {
	struct kept *next;
	struct topic_copy *copy;
};

/* Exists only while something waits in it. */
struct topic_queue {
	struct topic *topic;
	struct bus_remote to;
	struct kept *first, **end;
	uint32_t count;
	struct topic_queue *next;
};

struct topic_copy *topic_copy_new(const struct topic_record *rec)
{
	const struct bell_part *msg = &rec->parts[1];
	struct topic_copy *copy = malloc(sizeof(*copy) + msg->len);

	if (!copy)
		return NULL;
	copy->refs = 1;
	copy->rec = *rec;
	memcpy(&copy->hash, rec->parts[0].data, sizeof(copy->hash));
	if (msg->len > 0)
		memcpy(copy->bytes, msg->data, msg->len);
	copy->rec.parts[0].data = &copy->hash;
	copy->rec.parts[1].data = copy->bytes;
	return copy;
}

void topic_copy_drop(struct topic_copy *copy)
{
	if (copy && --copy->refs == 0)
		free(copy);
}

static void pop(struct topic_queue *q)
{
	struct kept *k = q->first;

	q->first = k->next;
	if (!q->first)
		q->end = &q->first;
	q->count--;
	q->topic->stats.kept--;
	topic_copy_drop(k->copy);
	free(k);
}

/* The oldest is not sent any more. */
static void lose(struct topic_queue *q)
{
	q->topic->stats.dropped++;
	pop(q);
}

/* Unlinks the queue *p; what is left in it is lost. */
static void remove_queue(struct topic_queue **p)
{
	struct topic_queue *q = *p;

	*p = q->next;
	while (q->first)
		lose(q);
	free(q);
}

static struct topic_queue **find(struct topic_set *set, const struct topic *topic,
				 const struct bus_remote *to)
{
	struct topic_queue **p = &set->queues;

	while (*p && ((*p)->topic != topic || (*p)->to.slot != to->slot ||
		      (*p)->to.word != to->word))
		p = &(*p)->next;
	return p;
}

/*
 * Sends the queue *p as far as there is space, and removes it once it is empty
 * or its subscriber gone. An error leaves the rest for another time.
 */
static int flush(struct bell_bus *bus, struct topic_queue **p)
{
	struct topic_queue *q = *p;

	while (q->first) {
		int rc = topic_try(bus, &q->to, &q->first->copy->rec);

		if (rc == 0) {
			q->topic->stats.sent++;
			pop(q);
		} else if (rc == -BELL_ECORRUPT) {
			lose(q); /* with its link; the next one starts another */
		} else if (rc == -BELL_ENOPEER) {
			break;
		} else {
			return rc;
		}
	}
	remove_queue(p);
	return 0;
}

int topic_queue_flush(struct bell_bus *bus, struct topic *topic,
		      const struct bus_remote *to, uint32_t *wanted)
{
	struct topic_queue **p = find(bus->topics, topic, to);
	int rc = *p ? flush(bus, p) : 0;

	if (rc < 0 && (*p)->first->copy->rec.len > *wanted)
		*wanted = (*p)->first->copy->rec.len;
	return rc;
}

static struct topic_queue *new_queue(struct topic_queue **at, struct topic *topic,
				     const struct bus_remote *to)
{
	struct topic_queue *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->topic = topic;
	q->to = *to;
	q->end = &q->first;
	*at = q;
	return q;
}

int topic_queue_add(struct bell_bus *bus, struct topic *topic,
		    const struct bus_remote *to, struct topic_copy *copy)
{
	struct topic_queue **p = find(bus->topics, topic, to), *q = *p;
	struct kept *k = malloc(sizeof(*k));

	if (k && !q)
		q = new_queue(p, topic, to);
	if (!k || !q) {
		free(k);
		return error_plain(BELL_ENOMEM);
	}
	while (q->count >= topic->depth)
		lose(q);
	k->next = NULL;
	k->copy = copy;
	copy->refs++;
	*q->end = k;
	q->end = &k->next;
	q->count++;
	topic->stats.kept++;
	return 0;
}

/* The first becomes the last, so that each is the first to get space in turn. */
static void rotate(struct topic_set *set)
{
	struct topic_queue *q = set->queues, **p = &set->queues;

	while (*p)
		p = &(*p)->next;
	*p = q;
	set->queues = q->next;
	q->next = NULL;
}

void topic_flush(struct bell_bus *bus)
{
	struct topic_queue **p, *q;

	if (!bus->topics || !bus->topics->queues)
		return;
	rotate(bus->topics);
	p = &bus->topics->queues;
	while ((q = *p) != NULL) {
		int rc = flush(bus, p);

		if (bus_is_over(rc))
			return;
		if (*p == q)
			p = &q->next;
	}
}

void topic_review(struct bell_bus *bus)
{
	struct topic_queue **p;

	if (!bus->topics)
		return;
	p = &bus->topics->queues;
	while (*p) {
		if (shm_acquire(&(*p)->to.slot->word) != (*p)->to.word)
			remove_queue(p);
		else
			p = &(*p)->next;
	}
}

void topic_queue_free_all(struct bell_bus *bus)
{
	while (bus->topics->queues)
		remove_queue(&bus->topics->queues);
}
