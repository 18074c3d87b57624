/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of an opened peer, by the public API: the same in all systems. */
#include "doctor-parts.h"
#include "sys.h"

#include <string.h>

#define WAIT_MS 2000 /* for own doorbells: an emulated CPU takes some ms */

/* ---- opening ---------------------------------------------------------------------- */

static void try_host(struct doctor *d, int code)
{
	switch (code) {
	case -BELL_ENODEV:
		doctor_try(d, "bellring-server -S %s", doctor_word(d));
		return;
	case -BELL_EPERM:
		doctor_try(d, "bellring server -S %s status; man bellring-server # "
			   "--allow-user, --mode, --group", doctor_word(d));
		return;
	case -BELL_EVERSION:
		doctor_try(d, "bellring --version; bellring-server --version");
		return;
	case -BELL_ENOSPC:
		doctor_try(d, "bellring server -S %s peers", doctor_word(d));
		return;
	case -BELL_EBUSY:
		doctor_try(d, "bellring server -S %s drain --cancel", doctor_word(d));
		return;
	case -BELL_ENOMEM:
		doctor_try(d, "ulimit -n 65536");
		return;
	case -BELL_EAGAIN:
	case -BELL_EPROTO:
		doctor_try(d, "bellring-server -v -S %s # in place of what listens there",
			   doctor_word(d));
		return;
	}
}

static void try_guest(struct doctor *d, int code)
{
	if (code == -BELL_EUNSUP)
		doctor_try_guest(d, DOCTOR_UNUSABLE);
	else if (code == -BELL_EPERM)
		doctor_try_guest(d, DOCTOR_CLOSED);
	else if (code == -BELL_ENODEV)
		doctor_try_guest(d, DOCTOR_MISSING);
}

static void tell_failed(struct doctor *d, int code)
{
	const char *detail = bell_detail();

	if (d->side == DOCTOR_GUEST && code == -BELL_EBUSY) {
		doctor_try_guest(d, DOCTOR_TAKEN);
		doctor_tell(d, DOCTOR_SKIPPED, "another process uses the device, so it can "
			    "be used; end that one to look further: %s", detail);
		return;
	}
	if (d->side == DOCTOR_GUEST ? !d->device[0] : d->count[DOCTOR_FAILURE] > 0) {
		doctor_tell(d, DOCTOR_SKIPPED, "cannot go well after the failure above");
		return;
	}
	if (d->side == DOCTOR_HOST)
		try_host(d, code);
	else if (d->side == DOCTOR_GUEST)
		try_guest(d, code);
	doctor_tell(d, DOCTOR_FAILURE, "%s", *detail ? detail : bell_strerror(code));
}

static void check_open(struct doctor *d)
{
	int rc = bell_open(d->address, d->timeout_ms, &d->peer);
	char id[BELL_ID_TEXT];

	if (rc < 0)
		tell_failed(d, rc);
	else if (d->side == DOCTOR_HOST)
		doctor_tell(d, DOCTOR_OK, "the server answers: protocol 0, own id %s",
			    bell_id_text(bell_id(d->peer), id));
	else
		doctor_tell(d, DOCTOR_OK, "port %s, own id %s", bell_port_name(d->peer),
			    bell_id_text(bell_id(d->peer), id));
}

/* ---- vectors ---------------------------------------------------------------------- */

static void check_vectors(struct doctor *d)
{
	unsigned count = bell_vectors(d->peer);

	if (count > 1) {
		doctor_tell(d, DOCTOR_OK, d->side == DOCTOR_HOST ?
			    "%u: QEMU's vectors= may be that many, and no more" : "%u",
			    count);
		return;
	}
	if (count == 0)
		doctor_try_guest(d, DOCTOR_NO_VECTOR);
	else if (d->side == DOCTOR_HOST)
		doctor_try(d, "bellring-server -n 16 -S %s # and vectors=16 for QEMU",
			   doctor_word(d));
	else
		doctor_try(d, "qemu-system-x86_64 ... -device ivshmem-doorbell,"
			   "chardev=...,vectors=16");
	if (count == 1)
		doctor_tell(d, DOCTOR_WARNING, "only 1: the bus and all else share it%s",
			    d->side == DOCTOR_GUEST ? "; it is what QEMU gives without "
						      "vectors=" : "");
	else
		doctor_tell(d, DOCTOR_WARNING, "none: this way has no interrupts, "
			    "messages are polled for");
}

/* ---- memory ----------------------------------------------------------------------- */

static void check_memory(struct doctor *d)
{
	size_t size;

	(void)bell_memory(d->peer, &size);
	if ((size & (size - 1)) == 0) {
		doctor_tell(d, DOCTOR_OK, "%zu KiB, a power of two%s", size / 1024,
			    size >> 16 >> 16 ? "; in Windows guests virtio-win's driver "
					       "does not start with 4 GiB and more" : "");
		return;
	}
	if (d->side == DOCTOR_HOST)
		doctor_try(d, "bellring-server -l %zuK -S %s",
			   doctor_power_of_two(size) / 1024, doctor_word(d));
	else
		doctor_try(d, "truncate -s %zu %s", doctor_power_of_two(size),
			   doctor_word(d));
	doctor_tell(d, DOCTOR_FAILURE, "%zu bytes, no power of two: QEMU aborts with it",
		    size);
}

/* ---- the bus ---------------------------------------------------------------------- */

/* doc/layout.md: a bus begins with these bytes. */
static bool looks_like_bus(const void *memory, size_t size)
{
	return size >= 8 && memcmp(memory, "BELRING", 8) == 0;
}

static bool is_zero(const unsigned char *memory, size_t size)
{
	size_t i;

	for (i = 0; i < size && i < 4096; i++)
		if (memory[i])
			return false;
	return true;
}

static void check_bus(struct doctor *d)
{
	size_t size;
	const void *memory = bell_memory(d->peer, &size);
	uint64_t bus = bell_bus_size(d->peer);

	if (bus > 0) {
		doctor_tell(d, DOCTOR_OK, "formatted: %llu KiB, and %llu KiB of raw memory",
			    (unsigned long long)bus / 1024,
			    (unsigned long long)(size - bus) / 1024);
	} else if (looks_like_bus(memory, size)) {
		const char *why = bell_detail();

		doctor_try(d, "bellring --version # on the host and in each guest");
		doctor_tell(d, DOCTOR_FAILURE, "cannot be used: %s", why);
	} else if (is_zero(memory, size)) {
		doctor_tell(d, DOCTOR_OK, "not formatted: the first that joins does it");
	} else {
		doctor_try_guest(d, DOCTOR_FOREIGN);
		doctor_tell(d, DOCTOR_WARNING, "no bus: the memory holds something else, "
			    "which joining would refuse or overwrite");
	}
}

static void check_peers(struct doctor *d)
{
	static struct bell_peer_info list[2048];
	unsigned state[4] = { 0 };
	int count = bell_peers(d->peer, list, 2048), i;

	if (count == -BELL_ELAYOUT) {
		doctor_tell(d, DOCTOR_SKIPPED, "without a bus nobody here knows who is there");
		return;
	}
	if (count < 0) {
		doctor_tell(d, DOCTOR_FAILURE, "%s", bell_detail());
		return;
	}
	for (i = 0; i < count && i < 2048; i++)
		state[list[i].state]++;
	if (state[BELL_STATE_JOINING] > 0) {
		doctor_try(d, "bellring peers; bellring doctor %s", d->address);
		doctor_tell(d, DOCTOR_WARNING, "%u joining, or dead while it joined",
			    state[BELL_STATE_JOINING]);
	}
	doctor_tell(d, DOCTOR_OK, "%u live, %u only connected (with this one), %u dead, "
		    "whose places newcomers get", state[BELL_STATE_LIVE],
		    state[BELL_STATE_RAW], state[BELL_STATE_DEAD]);
}

/* ---- doorbells -------------------------------------------------------------------- */

struct bells {
	bool heard[BELL_VECTOR_MAX + 1];
	unsigned count;
};

static void on_interrupt(struct bell_peer *peer, unsigned vector, void *arg)
{
	struct bells *b = arg;

	(void)peer;
	if (!b->heard[vector])
		b->count++;
	b->heard[vector] = true;
}

static int ring_all(struct doctor *d, unsigned count, struct bells *b)
{
	uint64_t deadline = sys_deadline(WAIT_MS);
	int rc = 0;
	unsigned v;

	for (v = 0; v < count && rc == 0; v++)
		rc = bell_on_interrupt(d->peer, v, on_interrupt, b);
	for (v = 0; v < count && rc == 0; v++)
		rc = bell_ring(d->peer, bell_id(d->peer), v);
	while (rc >= 0 && b->count < count && sys_left_ms(deadline) > 0)
		rc = bell_wait(d->peer, sys_left_ms(deadline));
	for (v = 0; v < count; v++)
		(void)bell_on_interrupt(d->peer, v, NULL, NULL);
	return rc;
}

static void tell_dead(struct doctor *d, const struct bells *b, unsigned count)
{
	unsigned first = 0;

	while (b->heard[first])
		first++;
	if (d->side == DOCTOR_GUEST && first > 0)
		doctor_try(d, "qemu-system-x86_64 ... -device ivshmem-doorbell,"
			   "chardev=...,vectors=%u", first);
	else if (d->side == DOCTOR_GUEST)
		doctor_try_guest(d, DOCTOR_SILENT);
	else
		doctor_try(d, "bellring server -S %s peers", doctor_word(d));
	doctor_tell(d, DOCTOR_FAILURE, "%u of %u vectors stay silent, vector %u first%s",
		    count - b->count, count, first,
		    d->side == DOCTOR_GUEST && first > 0 ?
			    ": QEMU's vectors= is more than the server's" : "");
}

static void check_doorbell(struct doctor *d)
{
	unsigned count = bell_vectors(d->peer);
	struct bells b = { .count = 0 };
	uint64_t begin = sys_now_ns();
	int rc;

	if (count == 0) {
		doctor_tell(d, DOCTOR_SKIPPED, "no interrupts this way");
		return;
	}
	rc = ring_all(d, count, &b);
	if (b.count == count)
		doctor_tell(d, DOCTOR_OK, "rang itself on all %u vectors, in %.1f ms", count,
			    (double)(sys_now_ns() - begin) / 1e6);
	else if (rc < 0 && rc != -BELL_EAGAIN)
		doctor_tell(d, DOCTOR_FAILURE, "%s: %s", bell_strerror(rc), bell_detail());
	else
		tell_dead(d, &b, count);
}

const struct doctor_check doctor_opening[] = {
	{ "open", DOCTOR_ALL, false, check_open },
	{ NULL, 0, false, NULL },
};

const struct doctor_check doctor_opened[] = {
	{ "vectors", DOCTOR_HOST | DOCTOR_GUEST, true, check_vectors },
	{ "doorbell", DOCTOR_HOST | DOCTOR_GUEST, true, check_doorbell },
	{ "memory", DOCTOR_ALL, true, check_memory },
	{ "speed", DOCTOR_ALL, true, doctor_check_speed },
	{ "bus", DOCTOR_ALL, true, check_bus },
	{ "peers", DOCTOR_ALL, true, check_peers },
	{ NULL, 0, false, NULL },
};
