/* SPDX-License-Identifier: BSD-2-Clause */
/* What the steward gives back, and what it leaves alone, whatever is in the memory. */
#include "directory.h"
#include "ends.h"
#include "steward.h"
#include "steward-judge.h"
#include "steward-lives.h"
#include "testing.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SIZE (1u << 20)
#define SESSION 77

static unsigned char *memory, *copy;
static struct layout layout;
static unsigned rung;

static void setup(void)
{
	memory = aligned_alloc(4096, SIZE);
	copy = malloc(SIZE);
	must(memory != NULL && copy != NULL);
	must(layout_plan(SIZE, NULL, &layout) == 0);
	/* Also the rings: a sweep is not to touch them. */
	memset(memory, 0x5a, SIZE);
	layout_format(memory, &layout, SESSION);
	must(layout_read(memory, SIZE, &layout) == 0);
	rung = 0;
}

static void teardown(void)
{
	free(memory);
	free(copy);
}

static void on_ring(void *arg, uint32_t id, unsigned vector)
{
	(void)arg;
	must(id <= UINT16_MAX && vector <= BELL_VECTOR_MAX);
	rung++;
}

/* arg: a mask of ids 0..63; the others are there if its highest bit is set. */
static bool in_mask(void *arg, uint32_t id)
{
	const uint64_t *mask = arg;

	return *mask >> (id < 64 ? id : 63) & 1;
}

static void put_slot(uint32_t i, uint64_t word)
{
	shm_set(&layout_slot(memory, &layout, i)->word, word);
}

static void put_link(uint32_t i, uint64_t word)
{
	shm_set(&layout_link(memory, &layout, i)->word, word);
}

static uint64_t link_at(uint32_t i)
{
	return shm_peek(&layout_link(memory, &layout, i)->word);
}

static uint64_t slot_at(uint32_t i)
{
	return shm_peek(&layout_slot(memory, &layout, i)->word);
}

static struct steward_report sweep(uint64_t mask)
{
	struct steward_report report;

	steward_sweep(memory, &layout, in_mask, on_ring, &mask, &report);
	return report;
}

/* ---- rules ---- */

static const struct {
	const char *name;
	enum slot_state state;
	bool there;
	enum slot_state want;
} slots[] = {
	{ "free", SLOT_FREE, false, SLOT_FREE },
	{ "died in joining", SLOT_JOINING, false, SLOT_DEAD },
	{ "died", SLOT_LIVE, false, SLOT_DEAD },
	{ "dead already", SLOT_DEAD, false, SLOT_DEAD },
	{ "reserved state", 9, false, 9 },
	{ "is joining", SLOT_JOINING, true, SLOT_JOINING },
	{ "lives", SLOT_LIVE, true, SLOT_LIVE },
};

START_TEST(slot_rules)
{
	/* The incarnation stays, the one after a million others, too. */
	for (uint32_t inc = 0; inc < 2; inc++) {
		struct steward_report r;

		put_slot(3, slot_word(slots[_i].state, 7, inc));
		r = sweep(slots[_i].there ? 1u << 7 : 0);
		ck_assert_msg(slot_at(3) == slot_word(slots[_i].want, 7, inc), "%s: %llx",
			      slots[_i].name, (unsigned long long)slot_at(3));
		ck_assert_uint_eq(r.marked, slots[_i].want != slots[_i].state);
	}
}
END_TEST

/* Slot 0 is alive, incarnation 5; slot 1 is dead, 5; slot 2 is joining, 5. */
#define ALIVE 0, 5
#define GONE 1, 5
#define JOINS 2, 5
#define EARLIER 0, 4
#define NOWHERE 1000, 5

static const struct {
	const char *name;
	unsigned state;
	uint32_t from, from_inc, to, to_inc;
	unsigned freed, mended;
} links[] = {
	{ "free", 0, 0, 0, 0, 0, 0, 0 },
	{ "claimed, sender alive", LINK_CLAIMED, ALIVE, GONE, 0, 0 },
	{ "claimed, sender gone", LINK_CLAIMED, GONE, ALIVE, 1, 0 },
	{ "claimed, an earlier sender", LINK_CLAIMED, EARLIER, ALIVE, 1, 0 },
	{ "open, both alive", LINK_OPEN, ALIVE, JOINS, 0, 0 },
	{ "open, sender alive", LINK_OPEN, ALIVE, GONE, 0, 0 },
	{ "open, sender joins", LINK_OPEN, JOINS, GONE, 0, 0 },
	{ "open, receiver alive", LINK_OPEN, GONE, ALIVE, 0, 0 },
	{ "open, receiver joins", LINK_OPEN, EARLIER, JOINS, 0, 0 },
	{ "open, both gone", LINK_OPEN, GONE, EARLIER, 1, 0 },
	{ "broken, sender alive", LINK_BROKEN, ALIVE, GONE, 0, 0 },
	{ "broken, sender gone", LINK_BROKEN, GONE, ALIVE, 1, 0 },
	{ "open from nowhere", LINK_OPEN, NOWHERE, ALIVE, 0, 1 },
	{ "open to nowhere", LINK_OPEN, GONE, NOWHERE, 0, 1 },
	{ "to nowhere, sender alive", LINK_OPEN, ALIVE, NOWHERE, 0, 0 },
	{ "unknown state, sender alive", 9, ALIVE, ALIVE, 0, 0 },
	{ "unknown state, sender gone", 9, GONE, ALIVE, 0, 1 },
	{ "free, and not 0", LINK_FREE, ALIVE, ALIVE, 0, 1 },
};

START_TEST(link_rules)
{
	uint64_t w = link_word(links[_i].state, links[_i].from, links[_i].from_inc,
			       links[_i].to, links[_i].to_inc);
	struct steward_report r;

	put_slot(0, slot_word(SLOT_LIVE, 0, 5));
	put_slot(1, slot_word(SLOT_DEAD, 1, 5));
	put_slot(2, slot_word(SLOT_JOINING, 2, 5));
	put_link(4, w);
	r = sweep(UINT64_MAX);
	ck_assert_msg(r.freed == links[_i].freed && r.mended == links[_i].mended,
		      "%s: %u freed, %u mended", links[_i].name, r.freed, r.mended);
	ck_assert(link_at(4) == (r.freed + r.mended > 0 ? 0 : w));
	ck_assert_uint_eq(rung, 0);
}
END_TEST

START_TEST(a_restarted_server_gives_all_back)
{
	put_slot(0, slot_word(SLOT_LIVE, 4, 1));
	put_slot(1, slot_word(SLOT_JOINING, 5, 3));
	put_slot(2, slot_word(SLOT_LIVE, 6, 1));
	put_link(0, link_word(LINK_OPEN, 0, 1, 1, 3));
	put_link(1, link_word(LINK_OPEN, 0, 1, 2, 1));
	shm_set(&layout_slot(memory, &layout, 2)->wake, WAKE_ASLEEP);
	shm_set(&layout_slot(memory, &layout, 2)->vectors, 1);

	ck_assert_uint_eq(sweep(1u << 6).marked, 2);
	ck_assert(link_at(0) == 0);
	/* What was sent to who lives is for it to take, and it is told. */
	ck_assert(link_at(1) != 0);
	ck_assert_uint_eq(rung, 1);
	ck_assert(shm_peek(&layout_slot(memory, &layout, 2)->wake) ==
		  (WAKE_ASLEEP | WAKE_DIRECTORY));
	ck_assert_uint_eq(sweep(1u << 6).marked, 0);
	ck_assert_uint_eq(rung, 1);
}
END_TEST

START_TEST(the_incarnation_after_all_others_can_die)
{
	put_slot(0, slot_word(SLOT_LIVE, 9, 0xfffff + 1));
	ck_assert(steward_mark_dead(memory, &layout, 9, on_ring, NULL));
	ck_assert(slot_at(0) == slot_word(SLOT_DEAD, 9, 0));
}
END_TEST

/* Somebody formats the memory while we ask who is there. */
static bool format_meanwhile(void *arg, uint32_t id)
{
	(void)arg;
	(void)id;
	layout_format(memory, &layout, SESSION + 1);
	put_slot(1, slot_word(SLOT_LIVE, 1, 1));
	put_link(1, link_word(LINK_OPEN, 5, 1, 6, 1));
	return false;
}

START_TEST(another_session_is_left_alone)
{
	struct steward_report r;

	put_slot(0, slot_word(SLOT_LIVE, 0, 1));
	steward_sweep(memory, &layout, format_meanwhile, on_ring, NULL, &r);
	ck_assert_uint_eq(r.marked + r.freed + r.mended, 0);
	ck_assert(slot_at(1) == slot_word(SLOT_LIVE, 1, 1));
	ck_assert(link_at(1) != 0);
}
END_TEST

/* Somebody takes the slot of who is gone while we ask. */
static bool join_meanwhile(void *arg, uint32_t id)
{
	(void)arg;
	ck_assert_uint_eq(id, 3);
	put_slot(0, slot_word(SLOT_JOINING, 4, 2));
	return false;
}

START_TEST(who_joins_meanwhile_keeps_its_slot)
{
	struct steward_report r;

	put_slot(0, slot_word(SLOT_LIVE, 3, 1));
	put_link(0, link_word(LINK_OPEN, 0, 2, 1, 1));
	put_link(1, link_word(LINK_OPEN, 0, 1, 1, 1));
	steward_sweep(memory, &layout, join_meanwhile, on_ring, NULL, &r);
	ck_assert_uint_eq(r.marked, 0);
	ck_assert(slot_at(0) == slot_word(SLOT_JOINING, 4, 2));
	/* Of the one that was there before, the link is free. */
	ck_assert_uint_eq(r.freed, 1);
	ck_assert(link_at(0) != 0 && link_at(1) == 0);
}
END_TEST

/* ---- any contents ---- */

static uint64_t seed;

static uint64_t noise(void)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return seed ^ seed >> 29;
}

/* Words that meet: few slots, ids and incarnations; at times anything. */
static uint64_t some_slot(void)
{
	uint64_t n = noise();

	return n % 8 == 0 ? noise() :
			    slot_word((unsigned)(n >> 8) % 6,
				      (uint32_t)(n >> 16) % 8 | (uint32_t)(n >> 20) % 3 << 16,
				      (uint32_t)(n >> 24) % 3);
}

static uint64_t some_link(void)
{
	uint64_t n = noise();

	return n % 8 == 0 ? noise() :
			    link_word((unsigned)(n >> 8) % 6, (uint32_t)(n >> 16) % 10,
				      (uint32_t)(n >> 24) % 3, (uint32_t)(n >> 32) % 10,
				      (uint32_t)(n >> 40) % 3);
}

START_TEST(random_words)
{
	seed = (uint64_t)_i;
	for (int round = 0; round < 50; round++) {
		uint64_t mask = noise();
		struct steward_report again;
		const char *wrong;

		for (uint32_t i = 0; i < layout.slot_count; i++)
			put_slot(i, some_slot());
		for (uint32_t i = 0; i < layout.link_count; i++)
			put_link(i, some_link());
		memcpy(copy, memory, SIZE);
		(void)sweep(mask);
		wrong = steward_judge(copy, memory, SIZE, &layout, in_mask, &mask);
		ck_assert_msg(!wrong, "seed %d, round %d: %s", _i, round, wrong);
		again = sweep(mask);
		ck_assert_uint_eq(again.marked + again.freed + again.mended, 0);
	}
}
END_TEST

#define KEPT 4 /* slots and links that the scribbler leaves alone */

static _Atomic bool over;

/* Scribbles over all but the header and what is kept. */
static void *scribble(void *arg)
{
	(void)arg;
	while (!over) {
		uint32_t slot = KEPT + (uint32_t)noise() % (layout.slot_count - KEPT);
		uint32_t link = KEPT + (uint32_t)noise() % (layout.link_count - KEPT);
		struct layout_slot *s = layout_slot(memory, &layout, slot);

		shm_set(&s->word, some_slot());
		shm_set(&s->wake, noise());
		shm_set(&s->vector, (uint32_t)noise());
		shm_set(&s->vectors, (uint32_t)noise());
		shm_set(&layout_link(memory, &layout, link)->word, some_link());
	}
	return NULL;
}

START_TEST(under_a_scribbler)
{
	uint64_t here = (1u << KEPT) - 1, kept[KEPT];
	pthread_t thread;

	seed = 1;
	over = false;
	for (uint32_t i = 0; i < KEPT; i++) {
		put_slot(i, slot_word(SLOT_LIVE, i, 9));
		kept[i] = link_word(LINK_OPEN, i, 9, (i + 1) % KEPT, 9);
		put_link(i, kept[i]);
	}
	must(pthread_create(&thread, NULL, scribble, NULL) == 0);
	for (int round = 0; round < 20000; round++) {
		struct steward_report r = sweep(here);

		ck_assert_uint_le(r.marked, layout.slot_count);
		ck_assert_uint_le(r.freed + r.mended, layout.link_count);
		(void)steward_mark_dead(memory, &layout, 7, on_ring, NULL);
	}
	over = true;
	must(pthread_join(thread, NULL) == 0);
	for (uint32_t i = 0; i < KEPT; i++) {
		ck_assert(slot_at(i) == slot_word(SLOT_LIVE, i, 9));
		ck_assert(link_at(i) == kept[i]);
	}
}
END_TEST

START_TEST(among_peers_that_live_and_die)
{
	const char *lives = getenv("STEWARD_LIVES");

	steward_lives(lives ? (unsigned)atoi(lives) : 1000);
}
END_TEST

/* ---- the header ---- */

#define LATER STEWARD_PATIENCE_NS

static struct steward_watch watch;
static struct layout seen;

static enum steward_header look(uint64_t now_ns)
{
	return steward_look(memory, SIZE, &watch, now_ns, &seen);
}

START_TEST(the_header_is_watched)
{
	watch = (struct steward_watch){ .session = SESSION };
	ck_assert_int_eq(look(1), STEWARD_SAME);
	layout_format(memory, &layout, 5);
	ck_assert_int_eq(look(2), STEWARD_OTHER);
	ck_assert_uint_eq(seen.session, 5);
	ck_assert_int_eq(look(3), STEWARD_SAME);
	shm_set(&layout_hdr(memory)->bus_size, 1);
	ck_assert_int_eq(look(4), STEWARD_LOST);
	memset(memory, 0, SIZE);
	ck_assert_int_eq(look(4 + LATER), STEWARD_LOST);
}
END_TEST

START_TEST(a_formatter_that_stays_away_is_taken_over)
{
	struct layout plan;
	struct layout_wish wish = { .slot_count = 9 };

	ck_assert_int_eq(layout_plan(SIZE, &wish, &plan), 0);
	watch = (struct steward_watch){ .session = SESSION };
	shm_set(&layout_hdr(memory)->magic, 0);
	shm_set(&layout_hdr(memory)->format_word, FORMAT_BUSY | 1);
	put_slot(0, slot_word(SLOT_LIVE, 1, 1));
	ck_assert_int_eq(look(1), STEWARD_BUSY);
	ck_assert_int_eq(look(LATER), STEWARD_BUSY);
	/* Another one has its own second. */
	shm_set(&layout_hdr(memory)->format_word, FORMAT_BUSY | 3);
	ck_assert_int_eq(look(LATER + 1), STEWARD_BUSY);
	ck_assert_int_eq(look(2 * LATER), STEWARD_BUSY);
	ck_assert_int_eq(look(2 * LATER + 1), STEWARD_STUCK);

	ck_assert(steward_take_over(memory, &plan, &watch));
	ck_assert_int_eq(look(2 * LATER + 2), STEWARD_OTHER);
	ck_assert_uint_eq(seen.slot_count, 9);
	ck_assert(slot_at(0) == 0);
	ck_assert(!steward_take_over(memory, &plan, &watch));
}
END_TEST

START_TEST(what_is_no_half_done_format_is_left_alone)
{
	static const uint64_t words[] = { 0, 1, UINT64_MAX };

	watch = (struct steward_watch){ .session = SESSION };
	for (int i = 0; i < ARRAY_LEN(words); i++) {
		shm_set(&layout_hdr(memory)->magic, 0);
		shm_set(&layout_hdr(memory)->format_word, words[i]);
		ck_assert_int_eq(look(1), STEWARD_LOST);
		ck_assert_int_eq(look(1 + LATER), STEWARD_LOST);
	}
	/* Somebody's data in place of the magic number. */
	shm_set(&layout_hdr(memory)->magic, 5);
	shm_set(&layout_hdr(memory)->format_word, FORMAT_BUSY | 1);
	ck_assert_int_eq(look(1), STEWARD_LOST);
	ck_assert_int_eq(look(1 + LATER), STEWARD_LOST);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("steward");
	TCase *tc = tcase_create("steward");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, slot_rules, 0, ARRAY_LEN(slots));
	tcase_add_loop_test(tc, link_rules, 0, ARRAY_LEN(links));
	tcase_add_test(tc, a_restarted_server_gives_all_back);
	tcase_add_test(tc, the_incarnation_after_all_others_can_die);
	tcase_add_test(tc, another_session_is_left_alone);
	tcase_add_test(tc, who_joins_meanwhile_keeps_its_slot);
	tcase_add_loop_test(tc, random_words, 0, 8);
	tcase_add_test(tc, under_a_scribbler);
	tcase_add_test(tc, among_peers_that_live_and_die);
	tcase_add_test(tc, the_header_is_watched);
	tcase_add_test(tc, a_formatter_that_stays_away_is_taken_over);
	tcase_add_test(tc, what_is_no_half_done_format_is_left_alone);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
