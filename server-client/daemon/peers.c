/* SPDX-License-Identifier: BSD-2-Clause */
#include "peers.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

struct member {
	uint32_t id;
	uint64_t greeted; /* the event's number, or PEERS_WAITING */
};

/*
 * Every greeting and leave has a number. A client that is connected has seen an
 * id exactly if it was greeted before that id's last leave: either it was told
 * when the id came, or the id was in its greeting. So one number an id is
 * enough, and the client that was greeted first decides.
 */
struct peers {
	uint64_t events;
	uint32_t next_id;
	size_t max;
	size_t count;
	struct member *members;   /* connected ones, as they came; room for max */
	struct peers_news *news;  /* room for the longest list */
	bool connected[PEERS_IDS];
	uint64_t *left;           /* of each id the last leave's number; 0: none */
	uint32_t ids_left;        /* at least */
};

int peers_new(size_t max, uint64_t *left, struct peers **out)
{
	struct peers *p;

	if (max < 1 || max > PEERS_IDS)
		return error_detail(BELL_EINVAL, "%zu clients: not in 1..%u",
				    max, PEERS_IDS);
	p = calloc(1, sizeof(*p));
	if (!p)
		return error_plain(BELL_ENOMEM);
	p->max = max;
	p->left = left;
	p->members = calloc(max, sizeof(*p->members));
	p->news = calloc(max + 1, sizeof(*p->news)); /* see peers_greet() */
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

uint32_t peers_id(const struct peers *p, size_t index)
{
	return p->members[index].id;
}

/* Who was greeted first; NULL if nobody is greeted. */
static const struct member *oldest(const struct peers *p)
{
	const struct member *first = NULL;

	for (size_t i = 0; i < p->count; i++) {
		const struct member *m = &p->members[i];

		if (m->greeted != PEERS_WAITING &&
		    (!first || m->greeted < first->greeted))
			first = m;
	}
	return first;
}

static bool is_free(const struct peers *p, uint32_t id,
		    const struct member *first)
{
	return !p->connected[id] && (!first || p->left[id] < first->greeted);
}

uint32_t peers_ids_left(struct peers *p, uint32_t *oldest_id)
{
	const struct member *first = oldest(p);
	uint32_t left = 0;

	for (uint32_t id = 0; id < PEERS_IDS; id++)
		left += is_free(p, id, first);
	if (p->count > 0)
		*oldest_id = first ? first->id : p->members[0].id;
	p->ids_left = left;
	return left;
}

/* A join takes one; nothing else makes them fewer. */
bool peers_has_ids(struct peers *p, uint32_t many)
{
	uint32_t oldest_id;

	return p->ids_left >= many || peers_ids_left(p, &oldest_id) >= many;
}

/* PEERS_IDS if there is none. */
static uint32_t find_id(const struct peers *p)
{
	const struct member *first = oldest(p);

	for (uint32_t i = 0; i < PEERS_IDS; i++) {
		uint32_t id = (p->next_id + i) % PEERS_IDS;

		if (is_free(p, id, first))
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

/* The same news to all who have been greeted. */
static void tell_greeted(struct peers *p, size_t *n, enum peers_kind kind,
			 uint32_t about)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->members[i].greeted != PEERS_WAITING)
			tell(p, n, kind, p->members[i].id, about);
}

/* All ids are given, so somebody was greeted who saw some of them. */
static int no_id(const struct peers *p)
{
	const struct member *first = oldest(p);

	return error_detail(BELL_ENOSPC, "all %u ids were seen by a client "
			    "that is still connected; client %u is the oldest",
			    PEERS_IDS, first ? first->id : 0);
}

int peers_join(struct peers *p, uint32_t *id, struct peers_list *out)
{
	size_t n = 0;
	uint32_t mine;

	if (p->count == p->max)
		return error_detail(BELL_ENOSPC, "%zu clients are connected, "
				    "more are not allowed", p->count);
	mine = find_id(p);
	if (mine == PEERS_IDS)
		return no_id(p);
	tell_greeted(p, &n, PEERS_VECTORS, mine);
	p->members[p->count++] = (struct member){ mine, PEERS_WAITING };
	p->connected[mine] = true;
	p->next_id = (mine + 1) % PEERS_IDS;
	p->ids_left -= p->ids_left > 0;
	*id = mine;
	*out = (struct peers_list){ p->news, n };
	return 0;
}

static struct member *find_member(struct peers *p, uint32_t id)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->members[i].id == id)
			return &p->members[i];
	return NULL;
}

/*
 * Of two that wait, the one greeted first hears of the other by its greeting,
 * and so does the second: nobody waiting is told of joins.
 */
int peers_greet(struct peers *p, uint32_t id, struct peers_list *out)
{
	struct member *me = find_member(p, id);
	size_t n = 0;

	if (!me)
		return error_detail(BELL_ENOPEER, "client %u is not there", id);
	if (me->greeted != PEERS_WAITING)
		return error_detail(BELL_EINVAL, "client %u was greeted before", id);
	/* 1 + (count - 1) + 1 pieces of news, and count <= max. */
	tell(p, &n, PEERS_GREETING, id, id);
	for (size_t i = 0; i < p->count; i++)
		if (p->members[i].id != id)
			tell(p, &n, PEERS_VECTORS, id, p->members[i].id);
	tell(p, &n, PEERS_VECTORS, id, id);
	me->greeted = ++p->events;
	*out = (struct peers_list){ p->news, n };
	return 0;
}

int peers_leave(struct peers *p, uint32_t id, struct peers_list *out)
{
	struct member *gone = find_member(p, id);
	size_t n = 0;

	if (!gone)
		return error_detail(BELL_ENOPEER, "client %u is not there", id);
	p->count--;
	memmove(gone, gone + 1,
		(size_t)(p->members + p->count - gone) * sizeof(*gone));
	tell_greeted(p, &n, PEERS_LEFT, id);
	p->connected[id] = false;
	p->left[id] = ++p->events;
	*out = (struct peers_list){ p->news, n };
	return 0;
}

struct peers_book peers_book(const struct peers *p)
{
	return (struct peers_book){ p->events, p->next_id };
}

uint64_t peers_greeted(const struct peers *p, size_t index)
{
	return p->members[index].greeted;
}

void peers_restore_book(struct peers *p, const struct peers_book *book)
{
	p->events = book->events;
	p->next_id = book->next_id % PEERS_IDS;
	/* A leave whose number is the last that was written, ahead of the book. */
	for (uint32_t id = 0; id < PEERS_IDS; id++)
		if (p->left[id] > p->events)
			p->events = p->left[id];
}

int peers_restore(struct peers *p, uint32_t id, uint64_t greeted)
{
	if (p->count == p->max)
		return error_detail(BELL_ENOSPC, "%zu clients are connected, "
				    "more are not allowed", p->count);
	if (id >= PEERS_IDS || p->connected[id] || greeted == 0)
		return error_detail(BELL_EINVAL, "client %u cannot be restored", id);
	p->members[p->count++] = (struct member){ id, greeted };
	p->connected[id] = true;
	return 0;
}
