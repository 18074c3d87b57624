/* SPDX-License-Identifier: BSD-2-Clause */
#include "pending.h"

#include "error.h"

#include <stdlib.h>

int pending_init(struct pending *p)
{
	p->by_id = calloc(PROTO_IDS, sizeof(*p->by_id));
	return p->by_id ? 0 : error_detail(BELL_ENOMEM, "no memory for doorbells to come");
}

void pending_done(struct pending *p)
{
	free(p->by_id);
	p->by_id = NULL;
}

static uint64_t bit_of(unsigned vector)
{
	return UINT64_C(1) << vector % 64;
}

void pending_note(struct pending *p, uint32_t id, unsigned vector)
{
	p->by_id[id].vectors[vector / 64] |= bit_of(vector);
}

bool pending_take(struct pending *p, uint32_t id, unsigned vector)
{
	uint64_t *word = &p->by_id[id].vectors[vector / 64];
	bool there = *word & bit_of(vector);

	/* Not even a store where there is none: that page stays unused. */
	if (there)
		*word &= ~bit_of(vector);
	return there;
}

void pending_forget(struct pending *p, uint32_t id)
{
	for (unsigned i = 0; i < PENDING_VECTORS / 64; i++)
		if (p->by_id[id].vectors[i])
			p->by_id[id].vectors[i] = 0;
}
