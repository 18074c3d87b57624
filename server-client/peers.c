/* SPDX-License-Identifier: BSD-2-Clause */
#include "peers.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

struct member {
	uint32_t id;
	uint64_t joined; /* the event's number */
};

/*
 * Every join and leave has a number. A client that is connected has seen an id
 * exactly if it joined before that id's last leave: either it was there when
 * the id came, or the id was in its greeting. So one number an id is enough,
 * and the oldest client decides.
 */
struct peers {
	uint64_t events;
	uint32_t next_id;
	size_t max;
	size_t count;
	struct member *members;   /* connected ones, oldest first; room for max */
	struct peers_news *news;  /* room for the longest list */
	bool connected[PEERS_IDS];
	uint64_t left[PEERS_IDS]; /* the last leave's number; 0: never given */
};

int peers_new(size_t max, struct peers **out)
{
	struct peers *p;

	if (max < 1 || max > PEERS_IDS)
		return error_detail(BELL_EINVAL, "%zu clients: not in 1..%u",
				    max, PEERS_IDS);
	p = calloc(1, sizeof(*p));
	if (!p)
		return error_plain(BELL_ENOMEM);
	p->max = max;
	p->members = calloc(max, sizeof(*p->members));
	p->news = calloc(2 * max, sizeof(*p->news)); /* see peers_join() */
	if (!p->members || !p->news) {
		peers_free(p);
		return error_plain(BELL_ENOMEM);
	}
	*out = p;
	return 0;
}

void peers_free(struct peers *p)
{
	if (!p)
		return;
	free(p->members);
	free(p->news);
	free(p);
}

size_t peers_count(const struct peers *p)
{
	return p->count;
}

static bool may_give(const struct peers *p, uint32_t id)
{
	if (p->connected[id])
		return false;
	return p->count == 0 || p->left[id] < p->members[0].joined;
}

/* PEERS_IDS if there is none. */
static uint32_t find_id(const struct peers *p)
{
	for (uint32_t i = 0; i < PEERS_IDS; i++) {
		uint32_t id = (p->next_id + i) % PEERS_IDS;

		if (may_give(p, id))
			return id;
	}
	return PEERS_IDS;
}

bool peers_has_room(const struct peers *p)
{
	return p->count < p->max && find_id(p) < PEERS_IDS;
}

static void tell(struct peers *p, size_t *n, enum peers_kind kind, uint32_t to,
		 uint32_t about)
{
	p->news[(*n)++] = (struct peers_news){ kind, to, about };
}

int peers_join(struct peers *p, uint32_t *id, struct peers_list *out)
{
	size_t old = p->count, n = 0;
	uint32_t mine;

	if (old == p->max)
		return error_detail(BELL_ENOSPC, "%zu clients are connected, "
				    "more are not allowed", old);
	mine = find_id(p);
	if (mine == PEERS_IDS)
		return error_detail(BELL_ENOSPC, "all %u ids were seen by a client "
				    "that is still connected; client %u is the oldest",
				    PEERS_IDS, p->members[0].id);

	/* 1 + old + 1 + old pieces of news, and old < max. */
	tell(p, &n, PEERS_GREETING, mine, mine);
	for (size_t i = 0; i < old; i++)
		tell(p, &n, PEERS_VECTORS, mine, p->members[i].id);
	tell(p, &n, PEERS_VECTORS, mine, mine);
	for (size_t i = 0; i < old; i++)
		tell(p, &n, PEERS_VECTORS, p->members[i].id, mine);

	p->members[p->count++] = (struct member){ mine, ++p->events };
	p->connected[mine] = true;
	p->next_id = (mine + 1) % PEERS_IDS;
	*id = mine;
	*out = (struct peers_list){ p->news, n };
	return 0;
}

int peers_leave(struct peers *p, uint32_t id, struct peers_list *out)
{
	size_t at = 0, n = 0;

	if (id >= PEERS_IDS || !p->connected[id])
		return error_detail(BELL_ENOPEER, "client %u is not there", id);
	while (p->members[at].id != id)
		at++;
	p->count--;
	memmove(&p->members[at], &p->members[at + 1],
		(p->count - at) * sizeof(*p->members));
	for (size_t i = 0; i < p->count; i++)
		tell(p, &n, PEERS_LEFT, p->members[i].id, id);
	p->connected[id] = false;
	p->left[id] = ++p->events;
	*out = (struct peers_list){ p->news, n };
	return 0;
}
