/* SPDX-License-Identifier: BSD-2-Clause */
#include "speed-cases.h"

#include "rival-bellring.h"
#include "rivals.h"

#include <limits.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define RING_BYTES ((size_t)1 << 20)
#define WARM_BYTES (3 * RING_BYTES)  /* touches each page of a ring on both sides */
#define WARM_LEAST 30u /* messages: short, so that no core moves meanwhile */
#define WARM_TURN 4u   /* before each turn: only to get going again */
#define WARM_ADAPTIVE 300u /* until it has found out that the load is another one */
#define HEAD_BYTES 16u /* of a message in a ring, about */
#define FIRST_BYTES (4 * RING_BYTES) /* of a first look at a stream */
#define FIRST_CALLS 2000u            /* of one that calls the system each time */
#define BATCHED_MOST 4096u
#define ZEROCOPY_SIZE ((size_t)64 << 10)
#define LARGE_BYTES ((uint64_t)1 << 30)
#define LARGE_MS 25u /* at this --ms it is all of that */
#define FEWER_ROUNDS 7u /* of what takes long */
#define LONG_ROUNDS 3u

static const struct {
	const char *name;
	unsigned bit;
} groups[] = {
	{ "trips", SPEED_TRIPS },       { "streams", SPEED_STREAMS },
	{ "zerocopy", SPEED_ZEROCOPY }, { "idle", SPEED_IDLE },
	{ "paced", SPEED_PACED },       { "crowd", SPEED_CROWD },
	{ "large", SPEED_LARGE },       { "steps", SPEED_STEPPED },
	{ "rivals", SPEED_RIVALS },     { "unpinned", SPEED_UNPINNED },
};

unsigned speed_group_named(const char *name)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (strcmp(groups[i].name, name) == 0)
			return groups[i].bit;
	return 0;
}

const char *speed_group_names(void)
{
	return "trips, streams, zerocopy, idle, paced, crowd, large, steps, rivals, "
	       "unpinned";
}

/* The list in the making. */
struct maker {
	const struct speed_options *options;
	const char *server, *folder;
	struct speed_case *list;
	size_t count;
	unsigned block;
};

static bool is_wanted(const struct speed_options *o, const struct speed_case *c)
{
	const struct rival *r = c->pair.rival;

	/* Two that poll on one core wait for the system's clock. */
	if (!r->open || (r->polls && !o->cores) || (r->largest > 0 && c->pair.plan.size > r->largest))
		return false;
	if (o->groups != 0 && (o->groups & c->groups) == 0)
		return false;
	if (o->size > 0 && c->pair.plan.size != o->size)
		return false;
	return !o->rival || strstr(r->name, o->rival);
}

/* What others' libraries do beside their calls, in threads, is not ours to bear. */
static bool takes_turns(const struct rival *r, unsigned group)
{
	const unsigned in_turns = SPEED_TRIPS | SPEED_STREAMS | SPEED_ZEROCOPY | SPEED_PACED |
				  SPEED_LARGE;

	return r->kind != RIVAL_OTHER && (group & in_turns) != 0;
}

/*
 * In the first turns of a pair of processes sleeping cores wake faster than later on, here
 * by a third and more. So others' trips last as long as those that take turns.
 */
static bool takes_turns_alone(const struct rival *r, unsigned group,
			      const struct speed_work *work)
{
	return r->kind == RIVAL_OTHER && !r->polls && work == &speed_trips &&
	       (group & SPEED_RIVALS) != 0;
}

/* A case of its size, of the block that is being made; NULL: nobody wants it. */
static struct speed_case *add(struct maker *m, unsigned group, const struct rival *rival,
			      const struct speed_work *work, size_t size)
{
	bool together = takes_turns(rival, group);
	bool in_turns = together || takes_turns_alone(rival, group, work);
	struct speed_case c = {
		.block = m->block,
		.groups = group,
		.rounds = m->options->rounds,
		.together = together,
		.turns = in_turns ? SPEED_TURNS : 1,
		.pair = { .rival = rival, .work = work, .clients = 1,
			  .pin = m->options->pin, .probe = m->options->pin,
			  .limit_ms = (int)m->options->limit_s * 1000 },
	};

	c.pair.plan.size = size;
	c.pair.plan.folder = m->folder;
	c.pair.plan.server = m->server;
	c.pair.plan.check = m->options->check;
	if (m->count == SPEED_CASES_MAX || !is_wanted(m->options, &c))
		return NULL;
	m->list[m->count] = c;
	return &m->list[m->count++];
}

/*
 * Rivals that anyone can take are a group of their own, and are compared with
 * those of ours that wait in the library, and with the limits.
 */
static unsigned with_rivals(const struct rival *r, unsigned group)
{
	if (r->kind == RIVAL_OTHER)
		return SPEED_RIVALS;
	return r->kind == RIVAL_BELLRING && r->send ? group | SPEED_RIVALS : group;
}

/* One whose messages lie in shared memory, and cost little. */
static bool is_memory(const struct rival *r)
{
	return r->kind != RIVAL_OTHER || r->polls;
}

static uint64_t first_count(const struct rival *r, size_t size)
{
	uint64_t all = FIRST_BYTES / size + 100;

	return is_memory(r) || all < FIRST_CALLS ? all : FIRST_CALLS;
}

static void add_trips(struct maker *m, size_t size)
{
	m->block++;
	for (const struct rival *const *r = rivals; *r; r++) {
		struct speed_case *c = (*r)->trip ? add(m, with_rivals(*r, SPEED_TRIPS), *r,
							&speed_trips, size) : NULL;

		if (c)
			speed_case_scale(c, (*r)->polls ? 10000 : 1000);
	}
}

/* Of which size of parts the copy is the limit depends on where the cores are. */
static void add_copies(struct maker *m, unsigned group, size_t size, uint64_t count)
{
	for (size_t part = 32u << 10; part <= 512u << 10; part *= 4) {
		struct speed_case *c = add(m, group, &rival_copy, &speed_stream, size);

		if (!c)
			continue;
		speed_case_scale(c, count);
		c->pair.plan.part = part;
	}
}

/* Where the copying stands beside no copying, too. */
static unsigned with_zerocopy(const struct rival *r, size_t size, unsigned group)
{
	bool compared = r == &rival_bellring_interrupt || r == &rival_bellring_polling;

	return compared && size == ZEROCOPY_SIZE ? group | SPEED_ZEROCOPY : group;
}

static void add_stream(struct maker *m, const struct rival *r, size_t size)
{
	unsigned group = with_zerocopy(r, size, with_rivals(r, SPEED_STREAMS));
	struct speed_case *c = r->send ? add(m, group, r, &speed_stream, size) : NULL;

	if (c)
		speed_case_scale(c, first_count(r, size));
	c = r->send_batch && size <= BATCHED_MOST ?
		    add(m, group, r, &speed_batches, size) : NULL;
	if (c)
		speed_case_scale(c, first_count(r, size));
}

static void add_streams(struct maker *m, size_t size)
{
	m->block++;
	for (const struct rival *const *r = rivals; *r; r++)
		if (*r == &rival_copy)
			add_copies(m, SPEED_STREAMS, size, first_count(*r, size));
		else
			add_stream(m, *r, size);
}

static const struct rival *const two_modes[] = {
	&rival_bellring_interrupt, &rival_bellring_polling, NULL
};
static const struct rival *const three_modes[] = {
	&rival_bellring_interrupt, &rival_bellring_adaptive, &rival_bellring_polling, NULL
};

static void add_zerocopy(struct maker *m)
{
	const struct speed_work *const works[] = { &bellring_inplace, &bellring_copying };

	m->block++;
	for (const struct rival *const *r = two_modes; *r; r++)
		for (size_t i = 0; i < 2; i++) {
			struct speed_case *c = add(m, SPEED_ZEROCOPY, *r, works[i],
						   ZEROCOPY_SIZE);

			if (c)
				speed_case_scale(c, 500);
		}
}

static void seldom(struct speed_case *c, unsigned rounds)
{
	if (c->rounds > rounds)
		c->rounds = rounds;
}

/* One that goes by time: so many times the usual one's. */
static struct speed_case *add_timed(struct maker *m, unsigned group,
				    const struct rival *rival,
				    const struct speed_work *work, unsigned times)
{
	struct speed_case *c = add(m, group, rival, work, 64);

	if (!c)
		return NULL;
	c->fixed = true;
	c->pair.plan.time_ns = times * m->options->ms * MS;
	return c;
}

/* 3 s each of them, and hardly noise; how far apart the cores are is no matter. */
static void add_idle(struct maker *m)
{
	m->block++;
	for (size_t i = 0; i < 2; i++) {
		struct speed_case *c = add_timed(m, SPEED_IDLE, three_modes[i],
						 &bellring_idle, 120);

		if (!c)
			continue;
		c->pair.probe = false;
		seldom(c, LONG_ROUNDS);
	}
}

static void add_paced(struct maker *m)
{
	static const uint64_t gaps_us[] = { 3, 10, 30, 100, 300, 1000 };

	for (size_t i = 0; i < sizeof(gaps_us) / sizeof(gaps_us[0]); i++) {
		m->block++;
		for (const struct rival *const *r = three_modes; *r; r++) {
			struct speed_case *c = add_timed(m, SPEED_PACED, *r,
							 &bellring_paced, 10);

			if (!c)
				continue;
			seldom(c, FEWER_ROUNDS);
			c->pair.plan.gap_ns = gaps_us[i] * 1000;
			speed_case_scale(c, c->pair.plan.time_ns / c->pair.plan.gap_ns + 1);
		}
	}
}

/* Short for the rate, and long for who gets how much: 64 take turns on a core. */
static void add_crowd(struct maker *m)
{
	static const struct { unsigned clients, times, rounds; } crowds[] = {
		{ 1, 10, UINT_MAX }, { SPEED_CLIENTS, 10, UINT_MAX },
		{ SPEED_CLIENTS, 80, LONG_ROUNDS },
	};

	m->block++;
	for (size_t i = 0; i < sizeof(crowds) / sizeof(crowds[0]); i++) {
		struct speed_case *c = add_timed(m, SPEED_CROWD, &rival_bellring_interrupt,
						 &bellring_crowd, crowds[i].times);

		if (!c)
			continue;
		c->pair.clients = crowds[i].clients;
		seldom(c, crowds[i].rounds);
	}
}

static void add_large(struct maker *m)
{
	const struct rival *const them[] = { &rival_bellring_interrupt,
					     &rival_bellring_polling, &rival_seed };
	const size_t first = m->count;
	uint64_t bytes = LARGE_BYTES / LARGE_MS * m->options->ms;

	if (bytes > LARGE_BYTES)
		bytes = LARGE_BYTES;
	m->block++;
	add_copies(m, SPEED_LARGE, RING_BYTES, 0);
	for (size_t i = 0; i < sizeof(them) / sizeof(them[0]); i++)
		(void)add(m, SPEED_LARGE, them[i], &speed_stream, RING_BYTES);
	for (struct speed_case *c = m->list + first; c < m->list + m->count; c++) {
		c->fixed = true;
		seldom(c, FEWER_ROUNDS);
		speed_case_scale(c, bytes / RING_BYTES + 1);
	}
}

static void add_steps(struct maker *m)
{
	m->block++;
	for (const struct rival *const *r = three_modes; *r; r++)
		(void)add_timed(m, SPEED_STEPPED, *r, &bellring_steps, 2);
}

/* Pinned, each trip wakes the other core twice; where the system may choose, it need not. */
static void add_unpinned(struct maker *m)
{
	const struct rival *const them[] = { &rival_eventfd_read, &rival_bellring_interrupt,
					     &rival_zeromq };

	if (!m->options->pin)
		return;
	m->block++;
	for (size_t i = 0; i < sizeof(them) / sizeof(them[0]); i++) {
		struct speed_case *c = add(m, SPEED_UNPINNED, them[i], &speed_trips, 64);

		if (!c)
			continue;
		speed_case_scale(c, 1000);
		c->pair.pin = c->pair.probe = false;
	}
}

/* Cores that sleep and wake get faster at it for some dozen trips. */
static bool takes_long_turns(const struct speed_case *c)
{
	const struct rival *r = c->pair.rival;

	return c->pair.work == &speed_trips && !r->polls && r != &rival_bellring_adaptive;
}

/* Among how many turns what a measurement lasts is divided; the first does not count. */
static unsigned shares(const struct speed_case *c)
{
	return c->turns > 1 && !takes_long_turns(c) ? c->turns - 1 : 1;
}

size_t speed_cases(const struct speed_options *options, const char *server,
		   const char *folder, struct speed_case *list)
{
	static const size_t trips[] = { 8, 64, 1024, 65536 };
	static const size_t streams[] = { 8, 64, 1024, 4096, 65536, 1u << 20 };
	struct maker m = { .options = options, .server = server, .folder = folder,
			   .list = list };

	for (size_t i = 0; i < sizeof(trips) / sizeof(trips[0]); i++)
		add_trips(&m, trips[i]);
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
		add_streams(&m, streams[i]);
	add_zerocopy(&m);
	add_idle(&m);
	add_paced(&m);
	add_crowd(&m);
	add_large(&m);
	add_steps(&m);
	add_unpinned(&m);
	for (size_t i = 0; i < m.count && options->count > 0; i++)
		if (!list[i].fixed) {
			speed_case_scale(&list[i], options->count * shares(&list[i]));
			list[i].fixed = true;
		}
	return m.count;
}

bool speed_case_is_in(const struct speed_case *c, unsigned round, unsigned rounds)
{
	return round * c->rounds / rounds != (round - 1) * c->rounds / rounds;
}

/* Pages are touched for the first time in it; trips that sleep are too slow for that. */
static uint64_t least_warmup(const struct speed_pair *pair)
{
	const struct rival *r = pair->rival;

	if (pair->work != &speed_trips)
		return is_memory(r) ? WARM_BYTES / pair->plan.size : 0;
	return r->polls || r == &rival_bellring_adaptive ?
		       RING_BYTES / (pair->plan.size + HEAD_BYTES) : 0;
}

static bool keeps_samples(const struct speed_work *work)
{
	return work == &speed_trips || work == &bellring_paced;
}

/* What takes turns has touched its pages in the first one. */
static uint64_t turn_warmup(const struct speed_pair *pair)
{
	bool adapts = pair->rival == &rival_bellring_adaptive && pair->work == &speed_trips;

	return adapts ? WARM_ADAPTIVE : WARM_TURN;
}

void speed_case_scale(struct speed_case *c, uint64_t count)
{
	struct rival_plan *plan = &c->pair.plan;
	uint64_t warm = c->turns > 1 ? turn_warmup(&c->pair) : least_warmup(&c->pair);

	count = (count + shares(c) - 1) / shares(c);
	if (keeps_samples(c->pair.work) && count > SPEED_SAMPLES)
		count = SPEED_SAMPLES;
	plan->count = count;
	plan->warmup = count / 10 + (c->turns > 1 ? 0 : WARM_LEAST);
	if (plan->warmup < warm)
		plan->warmup = warm;
}
