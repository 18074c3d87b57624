/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call.h - what the bus asks of its calls
 *
 * All are fine with a bus that has no calls (bus->calls is NULL).
 */
#ifndef BELL_CALL_H
#define BELL_CALL_H

#include "bus.h"

/* A RECORD_CALL came: checked here, copied out at once. */
void call_frame(struct bell_bus *bus, struct bus_in *in,
		const struct ring_record *rec);
/* Somebody may be gone (link_remote_gone()): calls to it fail, its own are moot. */
void call_review(struct bell_bus *bus);
/*
 * A link to or from it was dropped because it was broken: requests and replies
 * may be lost, so its calls end. Only changes state: may be called from anywhere.
 */
void call_lost(struct bell_bus *bus, const struct bus_remote *r);
/* Kept frames were sent: tries the answers that frame_send() did not keep. */
void call_flush(struct bell_bus *bus);
/* Ends what ran out of time, then calls the callbacks that are due; how many. */
int call_tell(struct bell_bus *bus);
/* The next deadline of a call or request, on os_now_ns()'s clock; BUS_FOREVER. */
uint64_t call_deadline(const struct bell_bus *bus);
/*
 * bell_leave(): frees all. The others learn by the directory that we left: their
 * calls to us fail, and ours are cancelled.
 */
void call_done(struct bell_bus *bus);

#endif
