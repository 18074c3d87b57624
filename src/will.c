/* SPDX-License-Identifier: BSD-2-Clause */
#include "will.h"

#include <stdlib.h>

#define STEPS_A_PEER 2

static uint64_t offset_of(const struct bell_bus *bus, const volatile void *word)
{
	return (uint64_t)((uintptr_t)word - (uintptr_t)bus->memory);
}

/* Whoever is in that slot by then: also one who came while we did not look. */
static size_t tell_slot(const struct bell_bus *bus, struct layout_slot *s,
			struct port_step *out)
{
	if (s == bus->self)
		return 0;
	out[0] = (struct port_step){ .what = PORT_WILL_OR,
				     .offset = offset_of(bus, &s->wake),
				     .a = WAKE_DIRECTORY };
	if (bus->peer->port->vectors == 0)
		return 1; /* this device has no doorbells */
	out[1] = (struct port_step){ .what = PORT_WILL_RING_AT,
				     .shift = SLOT_DEVICE_SHIFT,
				     .offset = offset_of(bus, &s->word),
				     .a = SLOT_LIVE,
				     .b = offset_of(bus, &s->vector) };
	return 2;
}

void will_write(struct bell_bus *bus)
{
	const struct bell_port_ops *ops = bus->peer->port->ops;
	struct layout_header *header = layout_hdr(bus->memory);
	struct port_step *steps;
	size_t n = 0;

	if (!ops->will)
		return;
	steps = calloc(2 + STEPS_A_PEER * (size_t)bus->layout.slot_count,
		       sizeof(*steps));
	if (!steps)
		return;
	/* In another session all of this is something else. */
	steps[n++] = (struct port_step){ .what = PORT_WILL_IF,
					 .offset = offset_of(bus, &header->session),
					 .a = bus->layout.session };
	steps[n++] = (struct port_step){
		.what = PORT_WILL_REPLACE,
		.offset = offset_of(bus, &bus->self->word),
		.a = bus->slot_word,
		.b = slot_word(SLOT_DEAD, slot_id(bus->slot_word),
			       slot_incarnation(bus->slot_word))
	};
	for (uint32_t i = 0; i < bus->layout.slot_count; i++)
		n += tell_slot(bus, layout_slot(bus->memory, &bus->layout, i),
			       &steps[n]);
	(void)ops->will(bus->peer->port, steps, n);
	free(steps);
}

void will_take_back(struct bell_bus *bus)
{
	const struct bell_port_ops *ops = bus->peer->port->ops;

	if (ops->will)
		(void)ops->will(bus->peer->port, NULL, 0);
}
