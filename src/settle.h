/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * settle.h - the short wait of who has caught up with the other side of a stream
 *
 * It comes before every other wait, in every mode: two that work on the same few
 * lines take them from each other with every message, which costs ten times what the
 * messages do, and a sleep costs more still. Time makes the distance, not a count:
 * what is not looked at is not taken.
 *
 * The wait is as long as what it brought took to receive: it grows if the sender
 * is more than half as fast as the receiver, and shrinks to nothing if it is not.
 * Who has sent since its last wait is in a conversation, and does not settle.
 */
#ifndef BELL_SETTLE_H
#define BELL_SETTLE_H

#include "bus.h"

/* ---- what a wait knows of the load ---- */

/*
 * Adaptive: waits that lasted longer than this lately are slept through from
 * their start. About what a sleep and a wake-up cost.
 */
#define SPIN_WORTH_NS UINT64_C(20000)
#define BURST_LEAST 8u /* messages without a wait between them */

/* So much came since the last wait, and nothing went out: that is no conversation. */
static inline bool bus_in_burst(const struct bell_bus *bus)
{
	return bus->stats.received - bus->settled >= BURST_LEAST &&
	       bus->stats.sent == bus->answered;
}

/* A wait begins. */
static inline void bus_caught_up(struct bell_bus *bus)
{
	bus->settled = bus->stats.received;
	bus->converses = bus->stats.sent != bus->answered;
	bus->answered = bus->stats.sent;
}

/*
 * The wait that begins will not be slept through from its start, nor does it settle,
 * and nobody wants space who is told of it by waits.
 */
static inline bool bus_is_eager(const struct bell_bus *bus)
{
	return bus->mode != BELL_INTERRUPT && !bus_in_burst(bus) && bus->thirsty == 0 &&
	       !bus->space_lost &&
	       (bus->mode == BELL_POLL || bus->waits_ns <= SPIN_WORTH_NS);
}

/* ---- settling ---- */

/* Until there may be a few messages more, 40 us at most. False: none came. */
bool settle_messages(struct bell_bus *bus);
/*
 * Until half of the ring is free, if that is within 100 us. False: there is no space
 * for len bytes, and the receiver is there.
 */
bool settle_space(struct bell_bus *bus, struct bus_out *out, uint32_t len);
/* A sleep is over: if it began with settling, that may have been too short by far. */
void settle_judge(struct bell_bus *bus);

#endif
