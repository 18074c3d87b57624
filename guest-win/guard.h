/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guard.h - memory that the driver takes away while it is in use
 *
 * When a device is removed the driver unmaps its memory (Device.c,
 * IVSHMEMEvtDeviceReleaseHardware()), whatever the process is doing. That does so in
 * a thread of the system, and MmUnmapLockedPages() is documented for the process's
 * own: what it comes to is not known before somebody tries. If the memory vanishes,
 * whoever touches it gets zeroes instead of an access violation: private memory takes
 * its place, and the port says that the device is gone. (Between the two something
 * else may be put there, as a thread's new stack: a process cannot prevent that.) If it
 * stays, notices.h or the next call of the driver tells.
 */
#ifndef BELL_GUARD_H
#define BELL_GUARD_H

#include "events.h"

struct guard {
	void *memory;
	size_t size;
	struct events *events; /* told by events_leaving(); borrowed */
	bool replaced;
	struct guard *next;
};

/* 0, or -BELL_ENOMEM. g stays where it is until guard_done(). */
int guard_begin(struct guard *g, void *memory, size_t size, struct events *e);
/*
 * To be called when the driver's mapping is gone: gives private memory back. All zero
 * is fine.
 */
void guard_done(struct guard *g);

#endif
