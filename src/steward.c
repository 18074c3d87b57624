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

static bool is_joined(uint64_t w)
{
	return slot_state(w) == SLOT_LIVE || slot_state(w) == SLOT_JOINING;
}

static bool mark(struct layout_slot *s, uint64_t w)
{
	return shm_cas(&s->word, w,
		       slot_word(SLOT_DEAD, slot_id(w), slot_incarnation(w)));
}

bool steward_mark_dead(void *memory, const struct layout *l, uint32_t id,
		       steward_ring_fn *ring, void *arg)
{
	bool marked = false, known = false;

	for (uint32_t i = 0; i < l->slot_count; i++) {
		struct layout_slot *s = layout_slot(memory, l, i);
		uint64_t w = shm_acquire(&s->word);

		/* 0: never used; incarnations wrap, so a peer's can be 0, too. */
		if (slot_device(w) != id || w == 0)
			continue;
		known = true;
		if (is_joined(w) && mark(s, w))
			marked = true;
	}
	/* Also of one who left or was marked: that may have died before telling. */
	if (known)
		steward_tell_all(memory, l, id, ring, arg);
	return marked;
}

bool steward_bury(void *memory, const struct layout *l, uint32_t self,
		  steward_lives_fn *lives, steward_ring_fn *ring, void *arg)
{
	bool marked = false, known = false;

	for (uint32_t i = 0; i < l->slot_count; i++) {
		struct layout_slot *s = layout_slot(memory, l, i);
		uint64_t w = shm_acquire(&s->word);

		if (w == 0)
			continue;
		if (!is_joined(w))
			known |= slot_id(w) == self;
		else if (!lives(arg, slot_id(w), shm_peek(&s->vectors)) && mark(s, w))
			marked = true;
	}
	if (known || marked)
		steward_tell_all(memory, l, self, ring, arg);
	return marked;
}
