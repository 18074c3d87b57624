/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * events.h - one handle for the interrupts of all vectors
 *
 * For each vector that is listened to the driver gets two events: first the vector's
 * own, then one that is common to all, which is what a program waits for. The driver
 * sets them in that order (driver.h), so whoever finds the common one set and resets
 * it finds the vectors' own ones set, too. Other news (a device that goes, a machine
 * that woke from sleep) set the common one after a flag.
 *
 * Callbacks of the system come in threads of its own: events_resumed() and
 * events_leaving() may be called from any.
 */
#ifndef BELL_EVENTS_H
#define BELL_EVENTS_H

#include "driver.h"
#include "port.h"

#include <stdatomic.h>

/* Two of the driver's events each. */
#define EVENTS_VECTORS (DRIVER_EVENTS / 2)

struct events {
	HANDLE common;                  /* reset by hand */
	HANDLE own[DRIVER_VECTORS];     /* by vector; NULL: nobody listens */
	uint8_t listened[DRIVER_VECTORS]; /* those vectors, in order of listening */
	unsigned count;
	atomic_bool resumed, leaving;
};

/* 0, -BELL_ENOMEM, -BELL_EIO. All zero is safe for events_done(). */
int events_init(struct events *e);
void events_done(struct events *e);

/* As port.h's listen; doing it again is harmless. -BELL_EBUSY: no event is free. */
int events_listen(struct events *e, HANDLE device, const char *name, unsigned vector);

/*
 * As port.h's wait; what was rung while the machine slept is lost, so that all
 * vectors are told then. As events_check().
 */
int events_wait(struct events *e, const char *name, int timeout_ms,
		const struct port_sink *sink);

/* The machine slept and is awake again. */
void events_resumed(struct events *e);
/* The device goes, or was asked to; false: it stays after all. */
void events_leaving(struct events *e, bool leaving);
/* 0, or -BELL_EGONE with a detail while the device goes. */
int events_check(const struct events *e, const char *name);

#endif
