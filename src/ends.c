/* SPDX-License-Identifier: BSD-2-Clause */
#include "ends.h"

bool ends_are_sane(const struct layout *l, uint64_t word)
{
	if (link_state(word) == LINK_FREE)
		return word == 0;
	return link_state(word) <= LINK_BROKEN && link_from(word) < l->slot_count &&
	       link_to(word) < l->slot_count;
}

/* Is the peer that a link's word names by slot and incarnation still there? */
static bool is_there(const void *memory, const struct layout *l, uint32_t slot,
		     uint32_t inc)
{
	uint64_t w;

	if (slot >= l->slot_count)
		return false;
	w = shm_acquire(&layout_slot(memory, l, slot)->word);
	return (slot_state(w) == SLOT_LIVE || slot_state(w) == SLOT_JOINING) &&
	       slot_incarnation(w) == inc;
}

bool ends_are_gone(const void *memory, const struct layout *l, uint64_t word)
{
	if (link_state(word) == LINK_FREE)
		return true;
	if (is_there(memory, l, link_from(word), link_from_inc(word)))
		return false;
	/* No receiver attaches to a link that is not open, or from no slot. */
	return link_state(word) != LINK_OPEN || !ends_are_sane(l, word) ||
	       !is_there(memory, l, link_to(word), link_to_inc(word));
}
