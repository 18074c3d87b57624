/* SPDX-License-Identifier: BSD-2-Clause */
#include "peers-model.h"

#include <string.h>

static struct model pool[CROWD];
struct model *clients[MODEL_IDS];

struct model *model_new(void)
{
	static unsigned char known[CROWD][MODEL_IDS];

	for (int i = 0; i < CROWD; i++) {
		if (pool[i].known)
			continue;
		memset(known[i], 0, MODEL_IDS);
		pool[i] = (struct model){ .known = known[i] };
		return &pool[i];
	}
	ck_abort_msg("more than %d clients", CROWD);
	return NULL;
}

void model_free(uint32_t id)
{
	clients[id]->known = NULL;
	clients[id] = NULL;
}

static void hear_vectors(struct model *m, const struct peers_news *news)
{
	MUST(m->greeted, "%u: vectors before the greeting", news->to);
	if (news->about == news->to) {
		MUST(!m->own_vectors, "%u: own vectors twice", news->to);
		m->own_vectors = true;
		return;
	}
	/* A heap use after free in QEMU: hw/misc/ivshmem.c. */
	MUST(m->known[news->about] == 0, "%u: was told of %u before (%d)",
		      news->to, news->about, m->known[news->about]);
	m->known[news->about] = KNOWS_THERE;
}

static void hear(const struct peers_news *news)
{
	struct model *m = clients[news->to];

	MUST(m != NULL, "news for %u, which is not there", news->to);
	switch (news->kind) {
	case PEERS_GREETING:
		MUST(news->about == news->to, "greeting about %u", news->about);
		MUST(!m->greeted, "%u: greeted twice", news->to);
		m->greeted = true;
		return;
	case PEERS_VECTORS:
		hear_vectors(m, news);
		return;
	case PEERS_LEFT:
		MUST(m->known[news->about] == KNOWS_THERE,
			      "%u: told that %u left, but it knew %d", news->to,
			      news->about, m->known[news->about]);
		m->known[news->about] = KNOWS_LEFT;
		return;
	}
	ck_abort_msg("unknown news %d", (int)news->kind);
}

void hear_all(const struct peers_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		hear(&list->news[i]);
}

void check_all(void)
{
	for (uint32_t a = 0; a < MODEL_IDS; a++) {
		if (!clients[a])
			continue;
		MUST(clients[a]->greeted == clients[a]->own_vectors, "%u", a);
		for (uint32_t b = 0; b < MODEL_IDS; b++) {
			bool there = clients[b] && a != b;
			bool known = clients[a]->known[b] == KNOWS_THERE;

			MUST(known == (there && clients[a]->greeted),
			     "%u about %u", a, b);
			MUST(clients[a]->greeted || clients[a]->known[b] == 0,
			     "%u about %u", a, b);
		}
	}
}
