/* SPDX-License-Identifier: BSD-2-Clause */
/* The places for events: Device.h of the driver, MAX_EVENTS, and Queue.c. */
#include "contract.h"

enum { ATTEMPTS = 64 };

/* Registers until that fails; how many, and the error. */
static int fill(HANDLE h, HANDLE event, DWORD *error)
{
	int n = 0;

	while (n < ATTEMPTS) {
		*error = enlist(h, 0, event, 0);
		if (*error)
			break;
		n++;
	}
	return n;
}

static void wants_slots(struct contract *c, HANDLE h, int wanted)
{
	HANDLE event = new_event();
	DWORD error = 0;
	int n = fill(h, event, &error);

	if (n != wanted)
		failed(c, "%d more slots, not %d", n, wanted);
	wants(c, "REGISTER with all slots used", error, ERROR_NO_SYSTEM_RESOURCES);
	CloseHandle(event);
}

static void all_slots(struct contract *c)
{
	struct map_answer m;
	HANDLE h = device_mapped(c, &m);

	wants_slots(c, h, SLOTS);
	CloseHandle(h);
}

static void freed_slots(struct contract *c)
{
	int i;

	for (i = 0; i < 3 && !c->failures; i++)
		all_slots(c);
}

/* Where mappings are one a handle, slots are still one pool a device. */
static void shared_slots(struct contract *c)
{
	struct map_answer m;
	HANDLE a, b;

	if (!c->per_handle) {
		skip(c, "one mapping a device");
		return;
	}
	a = device_mapped(c, &m);
	b = device_mapped(c, &m);
	wants_slots(c, a, SLOTS);
	wants_slots(c, b, 0);
	CloseHandle(a);
	wants_slots(c, b, SLOTS);
	CloseHandle(b);
}

/* The event is set before its place is free: Device.c, IVSHMEMInterruptDPC(). */
static void wants_slot_soon(struct contract *c, HANDLE h)
{
	HANDLE event = new_event();
	DWORD error = ERROR_NO_SYSTEM_RESOURCES;
	int ms;

	for (ms = 0; error == ERROR_NO_SYSTEM_RESOURCES && ms < EVENT_MS; ms++) {
		error = enlist(h, 0, event, 0);
		if (error)
			Sleep(1);
	}
	wants(c, "REGISTER after the shot", error, 0);
	wants_slots(c, h, 0);
	CloseHandle(event);
}

static void single_shot(struct contract *c)
{
	HANDLE event, h = device_ringing(c);

	if (h == INVALID_HANDLE_VALUE)
		return;
	event = enlisted(c, h, 0, 1);
	wants_slots(c, h, SLOTS - 1);
	wants(c, "RING", ring(h, c->id, 0), 0);
	if (!is_set(event, EVENT_MS))
		failed(c, "the event was not set");
	wants_slot_soon(c, h);
	wants(c, "RING again", ring(h, c->id, 0), 0);
	if (is_set(event, SILENCE_MS))
		failed(c, "the event was set twice");
	CloseHandle(h);
}

const struct check slot_checks[] = {
	{"a device has 32 events, one more is error 1450", all_slots},
	{"closing the handle gives its events back", freed_slots},
	{"handles share the 32 events", shared_slots},
	{"a single shot fires once and gives its event back", single_shot},
	{NULL, NULL},
};
