/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream.h - what the bus asks of its streams
 *
 * All are fine with a bus that has no streams (bus->streams is NULL).
 */
#ifndef BELL_STREAM_H
#define BELL_STREAM_H

#include "bus.h"

/* A RECORD_STREAM came: checked here, copied out at once. */
void stream_frame(struct bell_bus *bus, struct bus_in *in,
		  const struct ring_record *rec);
/* Somebody may be gone (link_remote_gone()): its streams end. */
void stream_review(struct bell_bus *bus);
/*
 * A link to or from it was dropped because it was broken: frames of its streams
 * may be lost, so they end. Only changes state: may be called from anywhere.
 */
void stream_lost(struct bell_bus *bus, const struct bus_remote *r);
/* There may be space again: tries what its streams could not send. */
void stream_flush(struct bell_bus *bus);
/* Calls the callbacks that are due; how many, or -BELL_ENOMEM. */
int stream_tell(struct bell_bus *bus);
/* bell_leave(): frees all; the other sides see us go. */
void stream_done(struct bell_bus *bus);

#endif
