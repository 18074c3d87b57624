/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is told what: the server's policy against a model of each client. */
#include "bellring.h"
#include "peers-model.h"
#include "testing.h"

#include <stdint.h>
#include <string.h>

static struct peers *peers;
static uint64_t left[PEERS_IDS];

static uint32_t join_ungreeted(void)
{
	struct peers_list list;
	uint32_t id = MODEL_IDS;

	MUST(peers_has_room(peers), "no room");
	MUST(peers_join(peers, &id, &list) == 0, "%s", bell_detail());
	MUST(id < MODEL_IDS, "id %u", id);
	MUST(!clients[id], "%u is given twice", id);
	clients[id] = model_new();
	hear_all(&list);
	return id;
}

static void greet(uint32_t id)
{
	struct peers_list list;

	MUST(peers_greet(peers, id, &list) == 0, "%s", bell_detail());
	for (size_t i = 0; i < list.count; i++)
		MUST(list.news[i].to == id, "greeting %u tells %u", id,
		     list.news[i].to);
	hear_all(&list);
	MUST(clients[id]->own_vectors, "%u: no vectors of its own", id);
}

static uint32_t join(void)
{
	uint32_t id = join_ungreeted();

	greet(id);
	return id;
}

static void leave(uint32_t id)
{
	struct peers_list list;

	MUST(peers_leave(peers, id, &list) == 0, "%s", bell_detail());
	model_free(id);
	hear_all(&list);
}

static void start(size_t max)
{
	memset(left, 0, sizeof(left));
	ck_assert_int_eq(peers_new(max, left, &peers), 0);
}

static void finish(void)
{
	for (uint32_t id = 0; id < MODEL_IDS; id++)
		if (clients[id])
			model_free(id);
	peers_free(peers);
}

static void expect_news(const struct peers_list *list,
			const struct peers_news *want, int n)
{
	ck_assert_uint_eq(list->count, (size_t)n);
	for (int i = 0; i < n; i++) {
		ck_assert_int_eq(list->news[i].kind, want[i].kind);
		ck_assert_uint_eq(list->news[i].to, want[i].to);
		ck_assert_uint_eq(list->news[i].about, want[i].about);
	}
}

START_TEST(order_of_a_greeting)
{
	static const struct peers_news joining[] = {
		{ PEERS_VECTORS, 0, 2 },
		{ PEERS_VECTORS, 1, 2 },
	};
	static const struct peers_news greeting[] = {
		{ PEERS_GREETING, 2, 2 },
		{ PEERS_VECTORS, 2, 0 },
		{ PEERS_VECTORS, 2, 1 },
		{ PEERS_VECTORS, 2, 2 }, /* the own ones last */
	};
	struct peers_list list;
	uint32_t id;

	start(8);
	ck_assert_uint_eq(join(), 0);
	ck_assert_uint_eq(join(), 1);
	ck_assert_int_eq(peers_join(peers, &id, &list), 0);
	expect_news(&list, joining, ARRAY_LEN(joining));
	ck_assert_int_eq(peers_greet(peers, id, &list), 0);
	expect_news(&list, greeting, ARRAY_LEN(greeting));
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(peers_id(peers, i), i);
	finish();
}
END_TEST

/* Each of two that wait hears of the other by its own greeting, and only once. */
START_TEST(two_that_wait)
{
	static const struct peers_news second[] = {
		{ PEERS_GREETING, 2, 2 },
		{ PEERS_VECTORS, 2, 0 },
		{ PEERS_VECTORS, 2, 1 },
		{ PEERS_VECTORS, 2, 2 },
	};
	static const struct peers_news first[] = {
		{ PEERS_GREETING, 1, 1 },
		{ PEERS_VECTORS, 1, 0 },
		{ PEERS_VECTORS, 1, 2 }, /* in the order of joining */
		{ PEERS_VECTORS, 1, 1 },
	};
	struct peers_list list;

	start(8);
	join();
	ck_assert_uint_eq(join_ungreeted(), 1);
	ck_assert_uint_eq(join_ungreeted(), 2);
	ck_assert_int_eq(peers_greet(peers, 2, &list), 0);
	expect_news(&list, second, ARRAY_LEN(second));
	hear_all(&list);
	ck_assert_int_eq(peers_greet(peers, 1, &list), 0);
	expect_news(&list, first, ARRAY_LEN(first));
	hear_all(&list);
	check_all();
	finish();
}
END_TEST

/* One waits that never knew of it: it is not told. */
START_TEST(leave_of_one_that_waits)
{
	static const struct peers_news leaving[] = { { PEERS_LEFT, 0, 1 } };
	struct peers_list list;

	start(8);
	join();
	ck_assert_uint_eq(join_ungreeted(), 1);
	ck_assert_uint_eq(join_ungreeted(), 2);
	ck_assert_int_eq(peers_leave(peers, 1, &list), 0);
	expect_news(&list, leaving, ARRAY_LEN(leaving));
	model_free(1);
	hear_all(&list);
	greet(2);
	check_all();
	finish();
}
END_TEST

START_TEST(limit_of_clients)
{
	struct peers_list list = { 0 };
	uint32_t id = 77;

	start(2);
	join();
	join();
	ck_assert(!peers_has_room(peers));
	ck_assert_int_eq(peers_join(peers, &id, &list), -BELL_ENOSPC);
	ck_assert_uint_eq(id, 77);
	ck_assert_ptr_null(list.news);
	ck_assert_uint_eq(peers_count(peers), 2);
	leave(0);
	ck_assert_uint_eq(join(), 2);
	check_all();
	finish();
}
END_TEST

START_TEST(bad_arguments)
{
	struct peers_list list;
	struct peers *none = NULL;

	ck_assert_int_eq(peers_new(0, left, &none), -BELL_EINVAL);
	ck_assert_int_eq(peers_new(MODEL_IDS + 1, left, &none), -BELL_EINVAL);
	ck_assert_ptr_null(none);
	start(2);
	join();
	ck_assert_int_eq(peers_leave(peers, 1, &list), -BELL_ENOPEER);
	ck_assert_int_eq(peers_leave(peers, MODEL_IDS, &list), -BELL_ENOPEER);
	ck_assert_int_eq(peers_leave(peers, UINT32_MAX, &list), -BELL_ENOPEER);
	ck_assert_int_eq(peers_greet(peers, 0, &list), -BELL_EINVAL);
	ck_assert_int_eq(peers_greet(peers, 1, &list), -BELL_ENOPEER);
	ck_assert_int_eq(peers_greet(peers, UINT32_MAX, &list), -BELL_ENOPEER);
	leave(0);
	ck_assert_int_eq(peers_leave(peers, 0, &list), -BELL_ENOPEER);
	finish();
}
END_TEST

/* While a client stays, each id is given once; then the newcomer is refused. */
START_TEST(ids_run_out)
{
	struct peers_list list;
	uint32_t id, old, oldest = 99;

	start(8);
	ck_assert_uint_eq(peers_ids_left(peers, &oldest), MODEL_IDS);
	ck_assert_uint_eq(oldest, 99);
	old = join();
	for (uint32_t i = 1; i < MODEL_IDS; i++) {
		id = join();
		MUST(id == i, "%u, not %u", id, i);
		/* The newcomer still has its id; it is not free in either case. */
		MUST(i % 8192 != 0 ||
		     peers_ids_left(peers, &oldest) == MODEL_IDS - 1 - i,
		     "%u ids left after %u", peers_ids_left(peers, &oldest), i);
		leave(id);
	}
	ck_assert_uint_eq(peers_ids_left(peers, &oldest), 0);
	ck_assert_uint_eq(oldest, old);
	ck_assert(!peers_has_room(peers));
	ck_assert_int_eq(peers_join(peers, &id, &list), -BELL_ENOSPC);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "client 0 is the oldest"));

	/* It goes, and nobody is left who saw any of them. */
	leave(old);
	ck_assert_uint_eq(peers_ids_left(peers, &oldest), MODEL_IDS);
	ck_assert_uint_eq(join(), 0);
	ck_assert_uint_eq(join(), 1);
	check_all();
	finish();
}
END_TEST

/* Who joined after an id's last leave has not seen it: it is free for him. */
START_TEST(ids_come_back_when_nobody_knows_them)
{
	uint32_t id, old, young = 0;

	start(8);
	old = join();
	for (uint32_t i = 1; i < MODEL_IDS; i++) {
		id = join();
		MUST(id == i, "%u, not %u", id, i);
		if (i == 1000)
			young = id;
		else
			leave(id);
	}
	/* young has not seen 1..999 leave, but old has. */
	ck_assert(!peers_has_room(peers));
	leave(old);
	for (uint32_t i = 1; i < 1000; i++) {
		id = join();
		MUST(id == i, "%u, not %u", id, i);
		leave(id);
	}
	ck_assert(!peers_has_room(peers));
	leave(young);
	ck_assert(peers_has_room(peers));
	finish();
}
END_TEST

static uint32_t seed_state;

static uint32_t rnd(uint32_t below)
{
	seed_state ^= seed_state << 13;
	seed_state ^= seed_state >> 17;
	seed_state ^= seed_state << 5;
	return seed_state % below;
}

/* Oracle for ids: the next upwards that no connected client was told of. */
static uint32_t model_next(uint32_t after)
{
	for (uint32_t i = 0; i < MODEL_IDS; i++) {
		uint32_t id = (after + i) % MODEL_IDS;
		bool seen = clients[id] != NULL;

		for (uint32_t c = 0; c < MODEL_IDS && !seen; c++)
			seen = clients[c] && clients[c]->known[id] != 0;
		if (!seen)
			return id;
	}
	return MODEL_IDS;
}

/* Greets one of those who wait, if there is any among the n. */
static void greet_any(const uint32_t *ids, uint32_t n)
{
	uint32_t from = rnd(n);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t id = ids[(from + i) % n];

		if (clients[id]->greeted)
			continue;
		greet(id);
		return;
	}
}

/* A server dies, and another one goes on: nobody is to notice. */
static void succeed(void)
{
	struct peers_book book = peers_book(peers);
	struct peers_list untold;
	struct peers *next;

	ck_assert_int_eq(peers_new(CROWD, left, &next), 0);
	for (size_t i = 0; i < peers_count(peers); i++)
		ck_assert_int_eq(peers_restore(next, peers_id(peers, i),
					       peers_greeted(peers, i)), 0);
	/* It may have died in the midst of a leave, which then comes again. */
	if (peers_count(peers) > 0 && rnd(2))
		ck_assert_int_eq(peers_leave(peers, peers_id(peers, 0), &untold), 0);
	peers_restore_book(next, &book);
	peers_free(peers);
	peers = next;
}

START_TEST(random_joins_and_leaves)
{
	uint32_t ids[CROWD], n = 0, next = 0;

	seed_state = (uint32_t)_i * 2654435761u + 1;
	start(CROWD);
	for (int step = 0; step < 600; step++) {
		uint32_t choice = rnd(3);

		if (rnd(16) == 0)
			succeed();
		if (choice == 0 && n < CROWD) {
			uint32_t want = model_next(next);

			ids[n] = join_ungreeted();
			MUST(ids[n] == want, "%u, not %u", ids[n], want);
			next = (ids[n++] + 1) % MODEL_IDS;
		} else if (choice == 1 && n > 0) {
			uint32_t at = rnd(n);

			leave(ids[at]);
			ids[at] = ids[--n];
		} else if (n > 0) {
			greet_any(ids, n);
		}
		MUST(peers_count(peers) == n, "%u clients", n);
	}
	check_all();
	finish();
}
END_TEST

/* The same where ids are scarce: around the wrap, with clients that stay. */
START_TEST(random_around_the_wrap)
{
	uint32_t ids[CROWD], n = 0;

	seed_state = (uint32_t)_i * 40503u + 7;
	start(CROWD);
	for (uint32_t i = 0; i < MODEL_IDS - 50; i++)
		leave(join());
	for (int step = 0; step < 300000; step++) {
		uint32_t choice = rnd(4);

		if (rnd(256) == 0)
			succeed();
		if (choice < 2 && n < CROWD) {
			if (peers_has_room(peers))
				ids[n++] = choice == 0 ? join() : join_ungreeted();
			else
				leave(ids[--n]);
		} else if (choice == 2 && n > 0) {
			greet_any(ids, n);
		} else if (n > 1) {
			uint32_t at = 1 + rnd(n - 1);

			leave(ids[at]);
			ids[at] = ids[--n];
		}
	}
	check_all();
	finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("peers");
	TCase *tc = tcase_create("policy");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, order_of_a_greeting);
	tcase_add_test(tc, two_that_wait);
	tcase_add_test(tc, leave_of_one_that_waits);
	tcase_add_test(tc, limit_of_clients);
	tcase_add_test(tc, bad_arguments);
	tcase_add_test(tc, ids_run_out);
	tcase_add_test(tc, ids_come_back_when_nobody_knows_them);
	tcase_add_loop_test(tc, random_joins_and_leaves, 0, 10);
	tcase_add_loop_test(tc, random_around_the_wrap, 0, 2);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
