/* SPDX-License-Identifier: BSD-2-Clause */
/* All streams of a bus: found by number, told to callbacks, ended with it. */
#include "stream-set.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 16u

/* ---- lists ---- */

static void list_init(struct stream_node *head)
{
	head->prev = head->next = head;
}

static bool list_add(struct stream_node *head, struct stream_node *n)
{
	if (n->next)
		return false;
	n->prev = head->prev;
	n->next = head;
	n->prev->next = n;
	head->prev = n;
	return true;
}

static bool list_remove(struct stream_node *n)
{
	if (!n->next)
		return false;
	n->prev->next = n->next;
	n->next->prev = n->prev;
	n->prev = n->next = NULL;
	return true;
}

static struct bell_stream *of_owed(struct stream_node *n)
{
	return (struct bell_stream *)(void *)((char *)n -
					      offsetof(struct bell_stream, owed_node));
}

static struct bell_stream *of_due(struct stream_node *n)
{
	return (struct bell_stream *)(void *)((char *)n -
					      offsetof(struct bell_stream, due_node));
}

/* ---- the set ---- */

struct stream_set *stream_set_need(struct bell_bus *bus)
{
	struct stream_set *set = bus->streams;

	if (set)
		return set;
	set = calloc(1, sizeof(*set));
	if (!set)
		return NULL;
	list_init(&set->owed);
	list_init(&set->due);
	set->bucket_count = BUCKETS_MIN;
	set->buckets = calloc(set->bucket_count, sizeof(set->buckets[0]));
	set->of_slot = calloc(bus->layout.slot_count, sizeof(set->of_slot[0]));
	if (!set->buckets || !set->of_slot) {
		free(set->buckets);
		free(set->of_slot);
		free(set);
		return NULL;
	}
	bus->streams = set;
	return set;
}

uint32_t *stream_count_of(const struct bell_bus *bus, const struct bus_remote *r)
{
	return &bus->streams->of_slot[r->slot -
				      layout_slot(bus->memory, &bus->layout, 0)];
}

static struct bell_stream **bucket(const struct stream_set *set,
				   const struct bus_remote *r, uint32_t number)
{
	uint64_t h = (r->word ^ (uint64_t)number << 32) * UINT64_C(0x9e3779b97f4a7c15);

	h ^= number;
	h = (h ^ h >> 32) * UINT64_C(0xff51afd7ed558ccd);
	return &set->buckets[h >> 32 & (set->bucket_count - 1)];
}

struct bell_stream *stream_find(const struct bell_bus *bus,
				const struct bus_remote *r, uint32_t number,
				bool ours)
{
	struct bell_stream *s;

	if (!bus->streams)
		return NULL;
	s = *bucket(bus->streams, r, number);
	while (s && (s->number != number || s->ours != ours ||
		     s->remote.slot != r->slot || s->remote.word != r->word))
		s = s->next;
	return s;
}

uint32_t stream_next_number(struct bell_bus *bus, const struct bus_remote *r)
{
	uint32_t number;

	do
		number = bus->streams->next_number++;
	while (stream_find(bus, r, number, true));
	return number;
}

static void enlarge(struct stream_set *set)
{
	struct stream_set larger = *set;

	larger.bucket_count = 2 * set->bucket_count;
	larger.buckets = calloc(larger.bucket_count, sizeof(larger.buckets[0]));
	if (!larger.buckets)
		return; /* slower, that is all */
	for (uint32_t i = 0; i < set->bucket_count; i++) {
		struct bell_stream *s, **p;

		while ((s = set->buckets[i]) != NULL) {
			set->buckets[i] = s->next;
			p = bucket(&larger, &s->remote, s->number);
			s->next = *p;
			*p = s;
		}
	}
	free(set->buckets);
	set->buckets = larger.buckets;
	set->bucket_count = larger.bucket_count;
}

struct bell_stream *stream_new(struct bell_bus *bus, const struct bus_remote *r,
			       uint32_t number, bool ours, const char *service)
{
	struct stream_set *set = bus->streams;
	struct bell_stream *s = calloc(1, sizeof(*s)), **p;

	if (!s)
		return NULL;
	s->bus = bus;
	s->remote = *r;
	s->number = number;
	s->ours = ours;
	s->held = true;
	s->window = stream_window(bus, ours ? 0 : (*stream_count_of(bus, r))++);
	s->granted = s->window;
	memcpy(s->service, service, strlen(service) + 1);
	if (++set->count > set->bucket_count)
		enlarge(set);
	p = bucket(set, r, number);
	s->next = *p;
	*p = s;
	return s;
}

void stream_free(struct bell_stream *s)
{
	struct stream_set *set = s->bus->streams;
	struct bell_stream **p = bucket(set, &s->remote, s->number);

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	set->count--;
	if (!s->ours)
		--*stream_count_of(s->bus, &s->remote);
	stream_backlog_remove(s);
	(void)list_remove(&s->owed_node);
	if (list_remove(&s->due_node))
		set->due_count--;
	stream_buffer_drop(&s->in);
	free(s);
}

void stream_settle(struct bell_stream *s)
{
	if (!s->held && !(s->owed & ~OWED_SPACE))
		stream_free(s);
}

void stream_owe(struct bell_stream *s, unsigned owed)
{
	s->owed |= owed;
	if (s->owed)
		(void)list_add(&s->bus->streams->owed, &s->owed_node);
}

void stream_paid(struct bell_stream *s)
{
	if (s->owed == 0)
		(void)list_remove(&s->owed_node);
}

/* ---- callbacks ---- */

void stream_due(struct bell_stream *s, unsigned events)
{
	struct stream_set *set = s->bus->streams;

	if (!s->fn || events == 0)
		return;
	s->events |= events;
	if (list_add(&set->due, &s->due_node))
		set->due_count++;
	bus_pend(s->bus);
}

static bool is_readable(const struct bell_stream *s)
{
	return s->in.len > 0 || s->fin || s->read_error;
}

/* What happened before there was a callback, too. */
static unsigned events_now(const struct bell_stream *s)
{
	unsigned events = 0;

	if (s->ours && s->open && !s->told_open)
		events |= BELL_STREAM_OPENED;
	if (is_readable(s))
		events |= BELL_STREAM_READABLE;
	if (s->write_error)
		events |= BELL_STREAM_ENDED;
	else if (s->want_write && s->sent < s->limit)
		events |= BELL_STREAM_WRITABLE;
	return events;
}

void bell_on_stream(struct bell_stream *s, bell_stream_fn *fn, void *arg)
{
	s->fn = fn;
	s->arg = arg;
	s->events = 0;
	if (fn)
		stream_due(s, events_now(s));
	else if (list_remove(&s->due_node))
		s->bus->streams->due_count--;
}

static int tell(struct bell_stream *s)
{
	struct bell_bus *bus = s->bus;
	unsigned events = s->events;
	bool calling = bus->calling;

	if (list_remove(&s->due_node))
		bus->streams->due_count--;
	s->events = 0;
	if (!is_readable(s)) /* it was read meanwhile */
		events &= ~BELL_STREAM_READABLE;
	if (events & BELL_STREAM_OPENED)
		s->told_open = true;
	if (events & BELL_STREAM_WRITABLE)
		s->want_write = false;
	if (events == 0)
		return 0;
	bus->calling = true;
	s->fn(s, events, s->arg); /* may free it */
	bus->calling = calling;
	return 1;
}

int stream_tell(struct bell_bus *bus)
{
	struct stream_set *set = bus->streams;
	uint32_t left;
	int n;

	if (!set)
		return 0;
	n = stream_tell_accepts(bus);
	/* What becomes due meanwhile is for the next dispatch. */
	for (left = set->due_count; left > 0 && set->due_count > 0; left--)
		n += tell(of_due(set->due.next));
	return n;
}

/* ---- what the bus tells ---- */

void stream_flush(struct bell_bus *bus)
{
	struct stream_set *set = bus->streams;
	uint32_t left = 0;

	if (!set)
		return;
	for (struct stream_node *n = set->owed.next; n != &set->owed; n = n->next)
		left++;
	/* Each gets one try; those that have to wait on go to the end. */
	for (; left > 0 && set->owed.next != &set->owed; left--) {
		struct bell_stream *s = of_owed(set->owed.next);

		(void)list_remove(&s->owed_node);
		stream_push(s);
		stream_owe(s, 0);
		stream_settle(s);
	}
}

/* Calls fn for each stream to that peer, or (NULL) for all; fn may free it. */
static void for_each(struct bell_bus *bus, const struct bus_remote *r,
		     void (*fn)(struct bell_stream *s))
{
	struct stream_set *set = bus->streams;

	for (uint32_t i = 0; set && i < set->bucket_count; i++) {
		struct bell_stream *s, *next;

		for (s = set->buckets[i]; s; s = next) {
			next = s->next;
			if (!r || (s->remote.slot == r->slot && s->remote.word == r->word))
				fn(s);
		}
	}
}

static void review(struct bell_stream *s)
{
	if (!link_remote_gone(s->bus, &s->remote))
		return;
	s->owed = 0;
	stream_paid(s);
	stream_end(s, -link_left(s->bus, &s->remote));
	stream_settle(s);
}

void stream_review(struct bell_bus *bus)
{
	for_each(bus, NULL, review);
	stream_flush(bus); /* the resets that stream_lost() left */
}

static void lose(struct bell_stream *s)
{
	if (stream_break(s, BELL_ECORRUPT))
		s->bus->review = true;
}

void stream_lost(struct bell_bus *bus, const struct bus_remote *r)
{
	for_each(bus, r, lose);
}

void stream_done(struct bell_bus *bus)
{
	struct stream_set *set = bus->streams;

	if (!set)
		return;
	/* The others see us go, and that is the end of what is still open. */
	for_each(bus, NULL, stream_free);
	stream_free_listeners(bus);
	free(set->buckets);
	free(set->of_slot);
	free(set);
	bus->streams = NULL;
}
