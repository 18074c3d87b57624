/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notices.h - what Windows tells of a device that goes and of a machine that slept
 *
 * The driver keeps its registrations through a sleep (Device.c, IVSHMEMEvtD0Exit(),
 * does nothing), but an interrupt of that time is lost: so after it all is looked
 * at. Before a device is taken away those that have it open are asked; a handle that
 * stays open refuses, so the port says -BELL_EGONE, as vfio's does.
 */
#ifndef BELL_NOTICES_H
#define BELL_NOTICES_H

#include "events.h"

struct notices {
	void *removal, *power; /* registrations; NULL: none */
	struct events *events; /* told; borrowed */
	struct notices *next;
};

/*
 * Has events_resumed() and events_leaving() called, in threads of the system. A
 * Windows that cannot tell (before 8) tells nothing: then the next call of the
 * driver fails. e and n stay where they are until notices_done().
 */
void notices_begin(struct notices *n, struct events *e, HANDLE device);
/* No call is under way any more when it returns. All zero is fine. */
void notices_done(struct notices *n);

#endif
