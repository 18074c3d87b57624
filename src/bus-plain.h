/* SPDX-License-Identifier: BSD-2-Clause */
/* bus-plain.h - where messages come from while nothing is special */
#ifndef BELL_BUS_PLAIN_H
#define BELL_BUS_PLAIN_H

#include "bus.h"

/* The link whose turn it is if nothing is special about it or the bus, or NULL. */
static ALWAYS_INLINE struct bus_in *bus_plain_in(const struct bell_bus *bus)
{
	struct bus_in *in;

	if (bus->active_count == 0 || bus->calling || bus->direct ||
	    !bus_is_same(bus) || bus_has_news(bus))
		return NULL;
	in = bus->active[bus->turn];
	if (in->served == bus->round || in->lost || in->taken > 0 || in->part.open ||
	    (bus->active_count > 1 && bus_turn_is_over(bus)))
		return NULL;
	return in;
}

#endif
