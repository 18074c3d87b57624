/* SPDX-License-Identifier: BSD-2-Clause */
#include "steward.h"

#include "bellring.h"

void steward_tell_all(void *memory, const struct layout *l, uint32_t self,
		      steward_ring_fn *ring, void *arg)
{
	for (uint32_t i = 0; i < l->slot_count; i++) {
		struct layout_slot *s = layout_slot(memory, l, i);
		uint64_t w = shm_acquire(&s->word);
		uint32_t vector = shm_peek(&s->vector);

		if (slot_state(w) != SLOT_LIVE || slot_id(w) == self)
			continue;
		if ((shm_fetch_or(&s->wake, WAKE_DIRECTORY) & WAKE_ASLEEP) &&
		    vector < shm_peek(&s->vectors) && vector <= BELL_VECTOR_MAX)
			ring(arg, slot_device(w), vector);
	}
}

/* Of the peers whose id is that one in the bits of mask. */
static bool mark(void *memory, const struct layout *l, uint32_t id, uint32_t mask,
		 steward_ring_fn *ring, void *arg)
{
	bool marked = false, known = false;

	for (uint32_t i = 0; i < l->slot_count; i++) {
		struct layout_slot *s = layout_slot(memory, l, i);
		uint64_t w = shm_acquire(&s->word);

		/* 0: never used; incarnations wrap, so a peer's can be 0, too. */
		if ((slot_id(w) & mask) != id || w == 0)
			continue;
		known = true;
		if (slot_state(w) != SLOT_LIVE && slot_state(w) != SLOT_JOINING)
			continue;
		if (shm_cas(&s->word, w,
			    slot_word(SLOT_DEAD, slot_id(w), slot_incarnation(w))))
			marked = true;
	}
	/* Also of one who left or was marked: that may have died before telling. */
	if (known)
		steward_tell_all(memory, l, id, ring, arg);
	return marked;
}

bool steward_mark_dead(void *memory, const struct layout *l, uint32_t id,
		       steward_ring_fn *ring, void *arg)
{
	return mark(memory, l, id, BELL_ID_DEVICE_MAX, ring, arg);
}

bool steward_bury(void *memory, const struct layout *l, uint32_t id,
		  steward_ring_fn *ring, void *arg)
{
	return mark(memory, l, id, BELL_ID_MAX, ring, arg);
}
