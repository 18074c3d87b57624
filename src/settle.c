/* SPDX-License-Identifier: BSD-2-Clause */
#include "settle.h"

#include "os.h"

#define SETTLE_NS UINT64_C(2000)
#define SETTLE_MAX_NS (2 * SPIN_WORTH_NS)
#define SETTLE_SPACE_NS (5 * SPIN_WORTH_NS) /* half a ring is more than a message */
#define TOOK_MAX_NS UINT64_C(1000000) /* longer says nothing of messages */
#define SETTLE_RING 65536u /* bytes of the least ring in which there is a distance */
#define BURST_BYTES (1u << 17)
/*
 * If the wait was much longer all the same, and again, the next few are left out. Not
 * if it was a little longer: to sleep makes the other side ring, which delays it more.
 */
#define SETTLE_VAIN_NS (4 * SETTLE_MAX_NS)
#define SETTLE_SKIP 8u

static bool worth_settling(uint32_t *skip)
{
	if (*skip == 0)
		return true;
	--*skip;
	return false;
}

/* Bytes of who has the turn, since it had it at the end of a wait. */
static uint64_t bytes_taken(struct bell_bus *bus, uint64_t *ring_size)
{
	struct bus_in *in = bus->active_count > 0 ? bus->active[bus->turn] : NULL;
	uint64_t bytes;

	if (!in)
		return 0;
	bytes = in->r.pos - in->settled;
	in->settled = in->r.pos;
	*ring_size = in->r.size;
	return bytes;
}

/* How long to look at nothing, or 0: this is no stream. */
static uint64_t settling_time(struct bell_bus *bus, uint64_t *now)
{
	uint64_t last = bus->settle_ns, took, share, size = 0;
	uint64_t bytes = bytes_taken(bus, &size);
	bool silent = bus->stats.sent == bus->answered;
	bool burst = bus_in_burst(bus) || (silent && bytes >= BURST_BYTES);

	*now = 0;
	bus_caught_up(bus);
	bus->settle_ns = 0;
	bus->settle_begin = 0;
	if (bytes == 0 || size < SETTLE_RING || !silent || (!burst && last == 0) ||
	    !worth_settling(&bus->settle_skip))
		return 0;
	*now = os_now_ns();
	if (last == 0)
		return SETTLE_NS;
	took = *now - bus->settle_end;
	if (took > TOOK_MAX_NS)
		took = TOOK_MAX_NS;
	/* Longer than this, and the sender would wait for us. */
	share = took * (size / 8) / bytes;
	if ((!burst && took < last / 2) || share < SETTLE_NS)
		return 0;
	if (took > share)
		took = share;
	if (took < SETTLE_NS)
		return SETTLE_NS;
	return took < SETTLE_MAX_NS ? took : SETTLE_MAX_NS;
}

bool settle_messages(struct bell_bus *bus)
{
	uint64_t begin, now, ns = settling_time(bus, &begin);

	if (ns == 0)
		return false;
	do {
		cpu_relax();
		now = os_now_ns();
		if ((now - begin >= ns || bus_has_news(bus)) && bus_sees(bus, NULL, 0)) {
			bus->settle_ns = ns;
			bus->settle_end = now;
			bus->settle_vain = 0;
			return true;
		}
		/* The sender may want this very core. */
		if (now - begin >= ns + SETTLE_NS)
			os_yield();
	} while (now - begin < SETTLE_MAX_NS);
	bus->settle_begin = begin;
	return false;
}

void settle_judge(struct bell_bus *bus)
{
	if (bus->settle_begin == 0)
		return;
	if (os_now_ns() - bus->settle_begin <= SETTLE_VAIN_NS)
		bus->settle_vain = 0;
	else if (bus->settle_vain < SETTLE_SKIP)
		bus->settle_skip = bus->settle_vain++;
	else
		bus->settle_skip = SETTLE_SKIP;
	bus->settle_begin = 0;
}

bool settle_space(struct bell_bus *bus, struct bus_out *out, uint32_t len)
{
	uint64_t half = out->w.size / 2, until;
	uint64_t want = half > ring_room(len) ? half : ring_room(len);

	if (!worth_settling(&out->settle_skip))
		return false;
	until = os_now_ns() + SETTLE_SPACE_NS;
	while (ring_has_bytes(&out->w, want) == 0 && bus_out_is_whole(out) &&
	       !bus_has_news(bus)) {
		if (os_now_ns() >= until) {
			out->settle_skip = SETTLE_SKIP;
			break;
		}
		for (int i = 0; i < 16; i++)
			cpu_relax();
	}
	return bus_space_or_gone(out, len);
}
