/* SPDX-License-Identifier: BSD-2-Clause */
#include "pending.h"

#include <string.h>

static unsigned find(const struct pending *p, uint32_t id)
{
	unsigned at = 0;

	while (at < p->count && p->of[at].id != id)
		at++;
	return at;
}

static void remove_at(struct pending *p, unsigned at)
{
	p->count--;
	memmove(&p->of[at], &p->of[at + 1], (p->count - at) * sizeof(p->of[0]));
}

void pending_note(struct pending *p, uint32_t id, unsigned vector)
{
	unsigned at = find(p, id);

	if (at == PENDING_IDS)
		remove_at(p, 0);
	if (at >= p->count) {
		at = p->count++;
		memset(&p->of[at], 0, sizeof(p->of[at]));
		p->of[at].id = id;
	}
	p->of[at].vectors[vector / 64] |= UINT64_C(1) << vector % 64;
}

bool pending_take(struct pending *p, uint32_t id, unsigned vector)
{
	const uint64_t bit = UINT64_C(1) << vector % 64;
	unsigned at = find(p, id);
	uint64_t rest = 0;

	if (at == p->count || !(p->of[at].vectors[vector / 64] & bit))
		return false;
	p->of[at].vectors[vector / 64] &= ~bit;
	for (unsigned i = 0; i < PENDING_VECTORS / 64; i++)
		rest |= p->of[at].vectors[i];
	if (rest == 0)
		remove_at(p, at);
	return true;
}

void pending_forget(struct pending *p, uint32_t id)
{
	unsigned at = find(p, id);

	if (at < p->count)
		remove_at(p, at);
}
