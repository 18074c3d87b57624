/* SPDX-License-Identifier: BSD-2-Clause */
/* Giving back slots and links of peers that are not there. */
#include "ends.h"
#include "steward.h"

static bool sweep_slot(struct layout_slot *s, steward_there_fn *there, void *arg)
{
	uint64_t w = shm_acquire(&s->word);

	if ((slot_state(w) != SLOT_LIVE && slot_state(w) != SLOT_JOINING) ||
	    there(arg, slot_device(w)))
		return false;
	return shm_cas(&s->word, w,
		       slot_word(SLOT_DEAD, slot_id(w), slot_incarnation(w)));
}

static void sweep_link(void *memory, const struct layout *l, uint32_t i,
		       struct steward_report *out)
{
	struct layout_link *c = layout_link(memory, l, i);
	uint64_t w = shm_acquire(&c->word);

	if (w == 0 || !ends_are_gone(memory, l, w) || !layout_same(memory, l) ||
	    !shm_cas(&c->word, w, 0))
		return;
	if (ends_are_sane(l, w))
		out->freed++;
	else
		out->mended++;
}

void steward_sweep(void *memory, const struct layout *l, steward_there_fn *there,
		   steward_ring_fn *ring, void *arg, struct steward_report *out)
{
	*out = (struct steward_report){ 0 };
	for (uint32_t i = 0; i < l->slot_count && layout_same(memory, l); i++)
		if (sweep_slot(layout_slot(memory, l, i), there, arg))
			out->marked++;
	for (uint32_t i = 0; i < l->link_count; i++)
		sweep_link(memory, l, i, out);
	if (out->marked > 0)
		steward_tell_all(memory, l, STEWARD_NOBODY, ring, arg);
}
