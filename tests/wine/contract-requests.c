/* SPDX-License-Identifier: BSD-2-Clause */
/* Codes, lengths and errors: Queue.c of the driver. */
#include "contract.h"

enum { READY_STEP_MS = 20, READY_STEPS = 500 };

/* IVSHMEMEvtIoDeviceControl() looks whether the device is ready before the code. */
static void is_ready(struct contract *c)
{
	HANDLE h = device_open(c);
	DWORD error = ERROR_NOT_READY;
	unsigned n;

	for (n = 0; error == ERROR_NOT_READY && n < READY_STEPS; n++) {
		if (n)
			Sleep(READY_STEP_MS);
		error = ask(h, ASK_NONSENSE, NULL, 0, NULL, 0, NULL);
	}
	if (error == ERROR_NOT_READY)
		failed(c, "still not ready (error 21) after %u s",
		       READY_STEP_MS * READY_STEPS / 1000);
	else
		seen(c, "%u requests failed with error 21 before", n - 1);
	CloseHandle(h);
}

static void open_twice(struct contract *c)
{
	HANDLE a = device_open(c), b = device_open(c);

	CloseHandle(b);
	CloseHandle(a);
}

static void nonsense(struct contract *c)
{
	HANDLE h = device_open(c);

	wants(c, "an unknown code", ask(h, ASK_NONSENSE, NULL, 0, NULL, 0, NULL),
	      ERROR_INVALID_FUNCTION);
	CloseHandle(h);
}

/* Every length but this one is wrong. */
static void lengths_out(struct contract *c, DWORD code, DWORD right)
{
	static const DWORD sizes[] = {0, 1, 2, 4, 7, 8, 9, 16};
	HANDLE h = device_open(c);
	char buffer[16], what[32];
	size_t i;

	for (i = 0; i < ARRAYSIZE(sizes); i++) {
		if (sizes[i] == right)
			continue;
		wsprintfA(what, "%u bytes out", sizes[i]);
		wants(c, what, ask(h, code, NULL, 0, buffer, sizes[i], NULL),
		      ERROR_INVALID_USER_BUFFER);
	}
	CloseHandle(h);
}

static void peer_id(struct contract *c)
{
	HANDLE h = device_open(c);
	DWORD got;

	if (wants(c, "PEERID", ask(h, ASK_PEER_ID, NULL, 0, &c->id, sizeof(c->id), &got), 0)) {
		if (got != sizeof(c->id))
			failed(c, "%lu bytes came", got);
		seen(c, "id %u", c->id);
	}
	CloseHandle(h);
	lengths_out(c, ASK_PEER_ID, sizeof(c->id));
}

static void size(struct contract *c)
{
	HANDLE h = device_open(c);
	DWORD got;

	if (wants(c, "SIZE", ask(h, ASK_SIZE, NULL, 0, &c->size, sizeof(c->size), &got), 0)) {
		if (got != sizeof(c->size))
			failed(c, "%lu bytes came", got);
		seen(c, "%llu bytes", (unsigned long long)c->size);
		if (!c->size || (c->size & (c->size - 1)))
			failed(c, "no power of two");
	}
	CloseHandle(h);
	lengths_out(c, ASK_SIZE, sizeof(c->size));
}

/* ioctl_release_mmap(), ioctl_ring_doorbell(), ioctl_register_event(): owner first. */
static void unmapped(struct contract *c)
{
	HANDLE h = device_open(c), event = CreateEventW(NULL, FALSE, FALSE, NULL);

	wants(c, "RELEASE", unmap(h), ERROR_INVALID_FUNCTION);
	wants(c, "RING", ring(h, c->id, 0), ERROR_INVALID_HANDLE);
	wants(c, "REGISTER", enlist(h, 0, event, 0), ERROR_INVALID_HANDLE);
	wants(c, "RING of 1 byte", ask(h, ASK_RING, "", 1, NULL, 0, NULL), ERROR_INVALID_HANDLE);
	wants(c, "REGISTER of 1 byte", ask(h, ASK_REGISTER, "", 1, NULL, 0, NULL),
	      ERROR_INVALID_HANDLE);
	CloseHandle(event);
	CloseHandle(h);
}

/* ioctl_request_mmap(): input length, cache mode, output length. */
static void map_arguments(struct contract *c)
{
	static const DWORD outs[] = {0, 16, 24, 31, 33, 40};
	static const uint8_t in[8] = {CACHED};
	const uint8_t bad = NO_CACHE_MODE;
	HANDLE h = device_open(c);
	char out[40], what[32];
	size_t i;

	wants(c, "no input", ask(h, ASK_MAP, NULL, 0, out, 32, NULL), ERROR_INVALID_USER_BUFFER);
	wants(c, "2 bytes in", ask(h, ASK_MAP, in, 2, out, 32, NULL), ERROR_INVALID_USER_BUFFER);
	wants(c, "8 bytes in", ask(h, ASK_MAP, in, 8, out, 32, NULL), ERROR_INVALID_USER_BUFFER);
	wants(c, "cache mode 3", ask(h, ASK_MAP, &bad, 1, out, 32, NULL),
	      ERROR_INVALID_PARAMETER);
	wants(c, "cache mode 3, 31 bytes out", ask(h, ASK_MAP, &bad, 1, out, 31, NULL),
	      ERROR_INVALID_PARAMETER);
	for (i = 0; i < ARRAYSIZE(outs); i++) {
		wsprintfA(what, "%u bytes out", outs[i]);
		wants(c, what, ask(h, ASK_MAP, in, 1, out, outs[i], NULL),
		      ERROR_INVALID_USER_BUFFER);
	}
	CloseHandle(h);
}

static void owner_lengths(struct contract *c)
{
	static const DWORD rings[] = {0, 2, 3, 5, 8}, events[] = {0, 4, 16, 20, 23, 25, 32};
	static const char zeros[32];
	struct map_answer m;
	HANDLE h = device_mapped(c, &m);
	char what[32];
	size_t i;

	for (i = 0; i < ARRAYSIZE(rings); i++) {
		wsprintfA(what, "RING of %u bytes", rings[i]);
		wants(c, what, ask(h, ASK_RING, zeros, rings[i], NULL, 0, NULL),
		      ERROR_INVALID_USER_BUFFER);
	}
	for (i = 0; i < ARRAYSIZE(events); i++) {
		wsprintfA(what, "REGISTER of %u bytes", events[i]);
		wants(c, what, ask(h, ASK_REGISTER, zeros, events[i], NULL, 0, NULL),
		      ERROR_INVALID_USER_BUFFER);
	}
	CloseHandle(h);
}

static void bad_events(struct contract *c)
{
	HANDLE mutex = CreateMutexW(NULL, FALSE, NULL);
	struct map_answer m;
	HANDLE h = device_mapped(c, &m);

	wants(c, "no handle", enlist(h, 0, NULL, 0), ERROR_INVALID_HANDLE);
	wants(c, "no such handle", enlist(h, 0, (HANDLE)(uintptr_t)0x7ffffff0, 0),
	      ERROR_INVALID_HANDLE);
	wants(c, "a mutex", enlist(h, 0, mutex, 0), ERROR_INVALID_HANDLE);
	CloseHandle(h);
	CloseHandle(mutex);
}

/* The driver writes both numbers to the device, which drops what nobody has. */
static void nobody(struct contract *c)
{
	struct map_answer m;
	HANDLE h = device_mapped(c, &m);

	wants(c, "an id nobody has", ring(h, c->id == UINT16_MAX ? 0 : UINT16_MAX, 0), 0);
	wants(c, "a vector beyond", ring(h, c->id, UINT16_MAX), 0);
	CloseHandle(h);
}

const struct check request_checks[] = {
	{"the device becomes ready", is_ready},
	{"the device opens twice at a time, with no access asked for", open_twice},
	{"an unknown request is error 1", nonsense},
	{"PEERID answers with 2 bytes, other lengths are error 1784", peer_id},
	{"SIZE answers with 8 bytes, other lengths are error 1784", size},
	{"without a mapping RELEASE is error 1, RING and REGISTER error 6", unmapped},
	{"MMAP takes 1 byte and gives 32, else error 1784; cache mode 3 is error 87",
	 map_arguments},
	{"RING takes 4 bytes and REGISTER 24, else error 1784", owner_lengths},
	{"REGISTER without an event is error 6", bad_events},
	{"RING of a peer or vector that is not there succeeds", nobody},
	{NULL, NULL},
};
