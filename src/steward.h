/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steward.h - what who knows of a death does for the others
 *
 * For the server, and for host peers under a server that does not know the bus.
 * Everything here is idempotent, holds no lock, and survives any contents of
 * the memory: the layout is the caller's checked copy.
 */
#ifndef BELL_STEWARD_H
#define BELL_STEWARD_H

#include "layout.h"

/* Rings a vector of a peer; failures are the callee's to tell or to ignore. */
typedef void steward_ring_fn(void *arg, uint32_t id, unsigned vector);

/*
 * Peer id is gone: marks its slot dead, tells all live peers that the directory
 * changed and rings those that sleep; again if it is marked or left already,
 * since who did that may have died before telling. Returns true if it was this
 * call that marked it. A peer that was never on the bus is no error (false).
 */
bool steward_mark_dead(void *memory, const struct layout *l, uint32_t id,
		       steward_ring_fn *ring, void *arg);

/* The directory changed: sets that bit for all live peers but self, rings. */
void steward_tell_all(void *memory, const struct layout *l, uint32_t self,
		      steward_ring_fn *ring, void *arg);

#endif
