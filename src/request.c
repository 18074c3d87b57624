/* SPDX-License-Identifier: BSD-2-Clause */
/* The side that answers: requests until they are answered. */
#include "request.h"

#include "error.h"
#include "os.h"

#include <stdlib.h>

#define REQUESTS_MAX 1024u /* not answered, or the answer was not sent yet */
#define REQUEST_BYTES_MAX (64u << 20) /* that those came with */
#define NS_PER_MS UINT64_C(1000000)

/* ---- requests that somebody waits for, by caller and id ---- */

static struct bell_request **bucket(struct call_set *set, const struct bus_remote *from,
				    uint64_t id)
{
	/* Ids of one caller are consecutive; those of several may be the same. */
	return &set->requests[(id + slot_id(from->word)) % REQUEST_BUCKETS];
}

static struct bell_request *find(struct call_set *set, const struct bus_remote *from,
				 uint64_t id)
{
	struct bell_request *r = *bucket(set, from, id);

	while (r && (r->id != id || !call_same_remote(&r->from, from)))
		r = r->next;
	return r;
}

static void list(struct call_set *set, struct bell_request *r)
{
	struct bell_request **b = bucket(set, &r->from, r->id);

	r->next = *b;
	*b = r;
	set->request_count++;
	set->request_bytes += r->len;
}

void request_unlist(struct bell_request *r)
{
	struct call_set *set = r->bus->calls;
	struct bell_request **p = bucket(set, &r->from, r->id);

	while (*p != r)
		p = &(*p)->next;
	*p = r->next;
	queue_remove(&r->item);
	due_remove(&set->dues, &r->due);
	set->request_bytes -= r->len;
	free(r->data);
	r->data = NULL;
	r->len = 0;
}

void request_drop(struct bell_request *r)
{
	struct call_set *set = r->bus->calls;

	if (r->state == REQUEST_FRESH || r->state == REQUEST_HELD)
		request_unlist(r);
	queue_remove(&r->item);
	if (r->state == REQUEST_REFUSED)
		set->refusal_count--;
	else
		set->request_count--;
	free(r->data);
	free(r);
}

/* Nobody waits for it any more. A handler that has it already is told. */
static void make_moot(struct bell_request *r, int code)
{
	struct call_set *set = r->bus->calls;

	if (r->state == REQUEST_FRESH) {
		request_drop(r);
		return;
	}
	if (r->moot)
		return;
	r->moot = code;
	due_remove(&set->dues, &r->due);
	if (r->on_cancel) {
		queue_add(&set->moot, &r->item);
		bus_pend(r->bus);
	}
}

static void pass(void *owner)
{
	make_moot(owner, -BELL_EAGAIN);
}

struct bell_request *request_new(struct bell_bus *bus, const struct bus_remote *from,
				 uint64_t id, uint16_t method)
{
	struct bell_request *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	queue_init(&r->item);
	r->due.at_ns = BUS_FOREVER;
	r->due.pass = pass;
	r->due.owner = r;
	r->bus = bus;
	r->id = id;
	r->from = *from;
	r->method = method;
	return r;
}

int request_moot(const struct bell_request *r)
{
	if (r->moot == 0 && r->due.at_ns != BUS_FOREVER && r->due.at_ns <= os_now_ns())
		return -BELL_EAGAIN;
	return r->moot;
}

/* ---- what comes from the caller ---- */

static uint64_t deadline_of(uint64_t left_ms)
{
	uint64_t now = os_now_ns();

	return left_ms >= (BUS_FOREVER - now) / NS_PER_MS ? BUS_FOREVER :
							    now + left_ms * NS_PER_MS;
}

/* A private copy, or NULL: too many are here, or memory is short. */
static struct bell_request *copy_request(struct bell_bus *bus,
					 const struct bus_in *in,
					 const struct ring_record *rec, uint64_t id)
{
	struct call_set *set = bus->calls;
	uint32_t len = rec->len - CALL_HEAD;
	struct bell_request *r;
	uint64_t left_ms;

	if (set->request_count >= REQUESTS_MAX ||
	    set->request_bytes + len > REQUEST_BYTES_MAX)
		return NULL;
	r = request_new(bus, &in->from, id, rec->tag);
	if (!r)
		return NULL;
	ring_copy_out(rec, CALL_WORD, &left_ms, sizeof(left_ms));
	r->due.at_ns = deadline_of(left_ms);
	r->len = len;
	r->data = malloc((size_t)len + 1);
	if (!r->data || (r->due.at_ns != BUS_FOREVER &&
			 due_add(&set->dues, &r->due) < 0)) {
		free(r->data);
		free(r);
		return NULL;
	}
	ring_copy_out(rec, CALL_HEAD, r->data, len);
	r->data[len] = '\0';
	return r;
}

void request_came(struct bell_bus *bus, const struct bus_in *in,
		  const struct ring_record *rec, uint64_t id)
{
	struct call_set *set = bus->calls;
	struct bell_request *r;

	if (rec->len < CALL_HEAD)
		return;
	/* At once: the caller of a program that never dispatches is not to wait. */
	if (!handler_of(set, rec->tag)) {
		answer_refuse(bus, &in->from, id, rec->tag, CALL_NO_SERVICE);
		return;
	}
	if (find(set, &in->from, id))
		return; /* twice */
	r = copy_request(bus, in, rec, id);
	if (!r) {
		answer_refuse(bus, &in->from, id, rec->tag, CALL_BUSY);
		return;
	}
	list(set, r);
	queue_add(&set->fresh, &r->item);
	bus_pend(bus);
}

void request_cancelled(struct bell_bus *bus, const struct bus_in *in, uint64_t id)
{
	struct bell_request *r = bus->calls ? find(bus->calls, &in->from, id) : NULL;

	if (r)
		make_moot(r, -BELL_ECANCELED);
}

void request_review(struct bell_bus *bus)
{
	struct call_set *set = bus->calls;
	struct call_gone memo = { .gone = false };
	struct bell_request *r, *next;

	for (size_t i = 0; i < REQUEST_BUCKETS; i++) {
		for (r = set->requests[i]; r; r = next) {
			next = r->next;
			if (call_gone(bus, &memo, &r->from))
				make_moot(r, -BELL_ENOPEER);
		}
	}
	answer_flush(bus);
}

void request_lost(struct bell_bus *bus, const struct bus_remote *lost)
{
	struct bell_request *r, *next;

	for (size_t i = 0; i < REQUEST_BUCKETS; i++) {
		for (r = bus->calls->requests[i]; r; r = next) {
			next = r->next;
			if (call_same_remote(&r->from, lost))
				make_moot(r, -BELL_ECANCELED);
		}
	}
}

/* ---- what a handler looks at ---- */

const void *bell_request_data(const struct bell_request *r, size_t *len)
{
	*len = r->len;
	return r->data;
}

uint32_t bell_request_peer(const struct bell_request *r)
{
	return r->from.id;
}

uint16_t bell_request_method(const struct bell_request *r)
{
	return r->method;
}

int bell_request_left_ms(const struct bell_request *r)
{
	return bus_remaining_ms(r->due.at_ns);
}

void bell_on_cancel(struct bell_request *r, bell_cancel_fn *fn, void *arg)
{
	r->on_cancel = fn;
	r->arg = arg;
	queue_remove(&r->item);
	if (fn && r->moot && !r->told) {
		queue_add(&r->bus->calls->moot, &r->item);
		bus_pend(r->bus);
	}
}

/* ---- callbacks ---- */

/* Its handler was removed meanwhile. */
static void tell_no_service(struct bell_request *r)
{
	struct bell_bus *bus = r->bus;
	struct bus_remote from = r->from;
	uint64_t id = r->id;
	uint16_t method = r->method;

	/* First: a broken link found while sending ends its requests. */
	request_drop(r);
	answer_refuse(bus, &from, id, method, CALL_NO_SERVICE);
}

static int tell_fresh(struct bell_bus *bus, struct queue *now)
{
	struct call_set *set = bus->calls;
	int n = 0;

	while (!queue_empty(now)) {
		struct bell_request *r = (struct bell_request *)(void *)now->next;
		const struct call_handler *h = handler_of(set, r->method);

		if (!h) {
			tell_no_service(r);
			continue;
		}
		queue_remove(&r->item);
		r->state = REQUEST_HELD;
		h->fn(bus, r, h->arg);
		n++;
	}
	return n;
}

int request_tell(struct bell_bus *bus)
{
	struct call_set *set = bus->calls;
	struct queue now, moot;
	int n;

	queue_init(&now);
	queue_init(&moot);
	queue_move(&set->fresh, &now);
	queue_move(&set->moot, &moot);
	n = tell_fresh(bus, &now);
	for (; !queue_empty(&moot); n++) {
		struct bell_request *r = (struct bell_request *)(void *)moot.next;

		queue_remove(&r->item);
		r->told = true;
		r->on_cancel(r, r->moot, r->arg);
	}
	return n;
}

void request_done(struct call_set *set)
{
	struct bell_request *r;

	for (size_t i = 0; i < REQUEST_BUCKETS; i++) {
		while ((r = set->requests[i]) != NULL) {
			set->requests[i] = r->next;
			free(r->data);
			free(r);
		}
	}
	while (!queue_empty(&set->owed)) {
		r = (struct bell_request *)(void *)set->owed.next;
		queue_remove(&r->item);
		free(r->data);
		free(r);
	}
	free(set->handlers);
}
