/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts: Device.c of the driver, IVSHMEMInterruptISR() and IVSHMEMInterruptDPC(). */
#include "contract.h"

enum { ORDER_ROUNDS = 1000 };

HANDLE new_event(void)
{
	return CreateEventW(NULL, FALSE, FALSE, NULL);
}

int is_set(HANDLE event, DWORD ms)
{
	return WaitForSingleObject(event, ms) == WAIT_OBJECT_0;
}

HANDLE device_ringing(struct contract *c)
{
	struct map_answer m;

	if (!c->vectors) {
		skip(c, "no vector is granted: no MSI-X, or vectors=0");
		return INVALID_HANDLE_VALUE;
	}
	if (c->silent) {
		skip(c, "interrupts do not come");
		return INVALID_HANDLE_VALUE;
	}
	return device_mapped(c, &m);
}

HANDLE enlisted(struct contract *c, HANDLE h, uint16_t vector, int single_shot)
{
	HANDLE event = new_event();

	wants(c, "REGISTER", enlist(h, vector, event, single_shot), 0);
	return event;
}

/* The event of this vector is set, those of the others are not. */
static void ring_one(struct contract *c, HANDLE h, const HANDLE *events, uint16_t count,
		     uint16_t vector)
{
	uint16_t v;

	wants(c, "RING", ring(h, c->id, vector), 0);
	if (!is_set(events[vector], EVENT_MS))
		failed(c, "vector %u: no interrupt in %d ms", vector, EVENT_MS);
	for (v = 0; v < count; v++)
		if (is_set(events[v], 0))
			failed(c, "vector %u set the event of %u", vector, v);
}

static void each_vector(struct contract *c)
{
	uint16_t v, round, count = c->vectors < SLOTS ? c->vectors : SLOTS;
	HANDLE events[SLOTS], h = device_ringing(c);

	if (h == INVALID_HANDLE_VALUE)
		return;
	for (v = 0; v < count; v++)
		events[v] = enlisted(c, h, v, 0);
	for (round = 0; round < 2; round++)
		for (v = 0; v < count && !c->failures; v++)
			ring_one(c, h, events, count, v);
	c->silent = c->failures != 0;
	seen(c, "%u vectors", count);
	CloseHandle(h);
}

static void clearing(struct contract *c)
{
	HANDLE event = CreateEventW(NULL, TRUE, TRUE, NULL), h = device_ringing(c);

	if (h == INVALID_HANDLE_VALUE)
		return;
	wants(c, "REGISTER", enlist(h, 0, event, 0), 0);
	if (is_set(event, 0))
		failed(c, "the event is still set");
	CloseHandle(h);
	CloseHandle(event);
}

struct ringer {
	HANDLE device;
	HANDLE go;
	uint16_t id;
	volatile LONG ended;
};

static DWORD WINAPI ring_when_told(void *arg)
{
	struct ringer *r = arg;

	while (WaitForSingleObject(r->go, INFINITE) == WAIT_OBJECT_0 && !r->ended) {
		SwitchToThread();
		ring(r->device, r->id, 0);
	}
	return 0;
}

/*
 * Who already waits for both is woken by the one that is set first, and told of
 * that; who comes late is told of the lower index. So 1 is never right.
 */
static void ordered(struct contract *c, const HANDLE *events, HANDLE go)
{
	DWORD rc;

	SetEvent(go);
	rc = WaitForMultipleObjects(2, events, FALSE, EVENT_MS);
	if (rc == WAIT_OBJECT_0 + 1)
		failed(c, "the second was set before the first");
	else if (rc != WAIT_OBJECT_0)
		failed(c, "no event was set");
	else if (!is_set(events[1], EVENT_MS))
		failed(c, "the second was not set");
}

/* The list is walked from its head, and REGISTER adds at its tail. */
static void order(struct contract *c)
{
	HANDLE events[2], thread, h = device_ringing(c);
	struct ringer r = {h, new_event(), c->id, 0};
	int i;

	if (h == INVALID_HANDLE_VALUE)
		return;
	events[0] = enlisted(c, h, 0, 0);
	events[1] = enlisted(c, h, 0, 0);
	thread = CreateThread(NULL, 0, ring_when_told, &r, 0, NULL);
	for (i = 0; i < ORDER_ROUNDS && !c->failures; i++)
		ordered(c, events, r.go);
	r.ended = 1;
	SetEvent(r.go);
	WaitForSingleObject(thread, INFINITE);
	CloseHandle(thread);
	seen(c, "%d rounds", i);
	CloseHandle(h);
}

static void closed_event(struct contract *c)
{
	HANDLE mine, theirs, h = device_ringing(c);

	if (h == INVALID_HANDLE_VALUE)
		return;
	theirs = enlisted(c, h, 0, 0);
	DuplicateHandle(GetCurrentProcess(), theirs, GetCurrentProcess(), &mine, 0, FALSE,
			DUPLICATE_SAME_ACCESS);
	CloseHandle(theirs);
	wants(c, "RING", ring(h, c->id, 0), 0);
	if (!is_set(mine, EVENT_MS))
		failed(c, "not set once the registered handle was closed");
	CloseHandle(mine);
	wants(c, "RING with no handle left", ring(h, c->id, 0), 0);
	CloseHandle(h);
}

/* ioctl_release_mmap() leaves the list alone. */
static void released(struct contract *c)
{
	HANDLE event, h = device_ringing(c);
	struct map_answer m;

	if (h == INVALID_HANDLE_VALUE)
		return;
	event = enlisted(c, h, 0, 0);
	wants(c, "RELEASE", unmap(h), 0);
	wants(c, "MMAP", map(h, CACHED, &m), 0);
	wants(c, "RING", ring(h, c->id, 0), 0);
	if (!is_set(event, EVENT_MS))
		failed(c, "the event was lost by RELEASE");
	CloseHandle(h);
}

/* An interrupt is a hint: what nobody takes coalesces in an auto-reset event. */
static void coalescing(struct contract *c)
{
	HANDLE event, h = device_ringing(c);
	int i, taken = 0;

	if (h == INVALID_HANDLE_VALUE)
		return;
	event = enlisted(c, h, 0, 0);
	for (i = 0; i < 10; i++)
		wants(c, "RING", ring(h, c->id, 0), 0);
	while (is_set(event, taken ? SILENCE_MS : EVENT_MS))
		taken++;
	if (taken < 1 || taken > 10)
		failed(c, "10 doorbells set the event %d times", taken);
	seen(c, "10 doorbells at once set the event %d times", taken);
	CloseHandle(h);
}

const struct check event_checks[] = {
	{"ringing oneself sets the event of that vector, and no other", each_vector},
	{"REGISTER clears the event", clearing},
	{"of two events on a vector, the first registered is set no later", order},
	{"an event outlives its handle", closed_event},
	{"an event outlives RELEASE", released},
	{"doorbells may coalesce, and are not lost", coalescing},
	{NULL, NULL},
};
