/* SPDX-License-Identifier: BSD-2-Clause */
/* One to many: what a slow subscriber costs, by the topic's policy. */
#include "topics-fixture.h"

#include "layout.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>

/* ---- slow subscribers ---- */

START_TEST(block_times_out_for_the_slow_one_alone)
{
	struct bell_topic_stats stats;
	uint32_t n;

	subscribe(bus_b, "news");
	subscribe(bus_c, "news");
	n = fill_ring(b);
	ck_assert_int_eq(publish("news", 0), -BELL_EAGAIN);
	ck_assert_str_ne(bell_detail(), "");
	ck_assert_int_eq(publish_in("news", 1, 20), -BELL_EAGAIN);
	expect(bus_c, "news", 0);
	expect(bus_c, "news", 1);
	stats = stats_of(bus_a, "news");
	ck_assert_uint_eq(stats.published, 2);
	ck_assert_uint_eq(stats.sent, 2);
	ck_assert_uint_eq(stats.dropped, 2);
	ck_assert_uint_eq(stats.kept, 0);
	drain_ring(bus_b, 0, n);
	expect_nothing(bus_b);
	ck_assert_int_eq(publish("news", 2), 2);
	expect(bus_b, "news", 2);
}
END_TEST

static void *publish_one(void *arg)
{
	int *result = arg;

	*result = publish_in("news", 5, -1);
	return NULL;
}

/* A publisher in each way of waiting; b and d are slow, c is not. */
START_TEST(block_waits_and_others_get_it_at_once)
{
	bell_set_wait(bus_a, (enum bell_wait_mode)_i);
	subscribe(bus_b, "news");
	subscribe(bus_c, "news");
	subscribe(bus_d, "news");
	for (int round = 0; round < 20; round++) {
		uint32_t n = fill_ring(b);
		pthread_t thread;
		int result = 0;

		ck_assert_uint_eq(fill_ring(d), n);
		ck_assert_int_eq(pthread_create(&thread, NULL, publish_one, &result), 0);
		/* Or there is space just when it goes to sleep. */
		if (round % 2)
			expect(bus_c, "news", 5);
		/* b is as full as it was: d gets it nevertheless. */
		drain_ring(bus_d, 0, n);
		expect(bus_d, "news", 5);
		drain_ring(bus_b, 0, n);
		expect(bus_b, "news", 5);
		if (round % 2 == 0)
			expect(bus_c, "news", 5);
		pthread_join(thread, NULL);
		ck_assert_int_eq(result, 3);
	}
	ck_assert_uint_eq(stats_of(bus_a, "news").sent, 60);
	ck_assert_uint_eq(stats_of(bus_a, "news").dropped, 0);
}
END_TEST

START_TEST(block_does_not_wait_for_who_left)
{
	pthread_t thread;
	int result = 0;

	subscribe(bus_b, "news");
	subscribe(bus_c, "news");
	fill_ring(b);
	ck_assert_int_eq(pthread_create(&thread, NULL, publish_one, &result), 0);
	expect(bus_c, "news", 5); /* so it waits for b, or is about to */
	bell_leave(bus_b);
	bus_b = NULL;
	pthread_join(thread, NULL);
	ck_assert_int_eq(result, 1);
	ck_assert_uint_eq(stats_of(bus_a, "news").dropped, 0);
}
END_TEST

START_TEST(drop_newest_never_waits_and_leaves_a_prefix)
{
	struct bell_topic_stats stats = { 0 };
	uint32_t total = 0;

	subscribe(bus_b, "news");
	subscribe(bus_c, "news");
	ck_assert_int_eq(bell_set_policy(bus_a, "news", BELL_DROP_NEWEST, 0), 0);
	while (stats.dropped < 100) {
		ck_assert_int_ge(publish_in("news", total, -1), 1);
		expect(bus_c, "news", total++); /* the fast one misses nothing */
		stats = stats_of(bus_a, "news");
		ck_assert_uint_eq(stats.published, total);
		ck_assert_uint_eq(stats.kept, 0);
		ck_assert_uint_eq(stats.sent + stats.dropped, 2 * total);
	}
	for (uint32_t i = 0; i < total - stats.dropped; i++)
		expect(bus_b, "news", i);
	expect_nothing(bus_b);
	ck_assert_uint_eq(stats_of(bus_b, "news").received, total - stats.dropped);
}
END_TEST

/* Publishes numbers that nobody reads until 100 are dropped, keeping the newest 5. */
static struct bell_topic_stats stall(void)
{
	struct bell_topic_stats stats = { 0 };

	ck_assert_int_eq(bell_set_policy(bus_a, "news", BELL_DROP_OLDEST, 5), 0);
	for (uint32_t i = 0; stats.dropped < 100; i++) {
		ck_assert_int_eq(publish_in("news", i, -1), 1);
		stats = stats_of(bus_a, "news");
		ck_assert_uint_eq(stats.published, i + 1);
		ck_assert_uint_eq(stats.sent + stats.dropped + stats.kept, i + 1);
	}
	ck_assert_uint_eq(stats.kept, 5);
	return stats;
}

/* What stall() got into the ring. */
static void expect_sent(struct bell_bus *bus, const struct bell_topic_stats *stats)
{
	for (uint32_t i = 0; i < stats->sent; i++)
		expect(bus, "news", i);
}

START_TEST(drop_oldest_keeps_the_newest_in_order)
{
	struct pollfd p = { .fd = bell_handle(a), .events = POLLIN };
	struct bell_topic_stats stats;
	uint32_t total;

	subscribe(bus_b, "news");
	stats = stall();
	total = (uint32_t)stats.published;
	while (bell_dispatch(a) > 0)
		;
	expect_quiet(a); /* it sleeps */
	expect_sent(bus_b, &stats);
	expect_nothing(bus_b);
	/* The publisher is woken for the space, and sends by itself. */
	while (stats_of(bus_a, "news").kept > 0) {
		ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
		ck_assert_int_ge(bell_dispatch(a), 0);
	}
	for (uint32_t i = total - 5; i < total; i++)
		expect(bus_b, "news", i);
	expect_nothing(bus_b);
	stats = stats_of(bus_a, "news");
	ck_assert_uint_eq(stats.sent + stats.dropped, total);
	ck_assert_uint_eq(stats_of(bus_b, "news").received, stats.sent);
}
END_TEST

START_TEST(newer_messages_wait_behind_kept_ones)
{
	struct bell_topic_stats stats;
	uint32_t total;

	subscribe(bus_b, "news");
	stats = stall();
	total = (uint32_t)stats.published;
	expect_sent(bus_b, &stats);
	ck_assert_int_eq(publish("news", total), 1);
	/* Nor does another policy change the order. */
	ck_assert_int_eq(bell_set_policy(bus_a, "news", BELL_BLOCK, 0), 0);
	ck_assert_int_eq(publish("news", total + 1), 1);
	for (uint32_t i = total - 5; i <= total + 1; i++)
		expect(bus_b, "news", i);
	expect_nothing(bus_b);
	ck_assert_uint_eq(stats_of(bus_a, "news").kept, 0);
}
END_TEST

START_TEST(small_ones_wait_behind_a_large_one)
{
	char large[8 * MESSAGE] = "large", got[sizeof(large)];
	uint32_t n;

	subscribe(bus_b, "news");
	ck_assert_int_eq(bell_set_policy(bus_a, "news", BELL_DROP_OLDEST, 5), 0);
	n = fill_ring(b);
	drain_ring(bus_b, 0, 4); /* space for a small one */
	ck_assert_int_eq(bell_publish(bus_a, "news", 0, large, sizeof(large), 0), 1);
	ck_assert_int_eq(publish("news", 1), 1);
	ck_assert_uint_eq(stats_of(bus_a, "news").kept, 2);
	ck_assert_int_eq(bell_set_policy(bus_a, "news", BELL_DROP_NEWEST, 0), 0);
	ck_assert_int_eq(publish("news", 2), 0);
	ck_assert_int_eq(publish(BELL_ALL, 3), 3); /* another topic */
	drain_ring(bus_b, 4, n);
	ck_assert_int_ge(bell_dispatch(a), 0);
	expect(bus_b, "", 3);
	ck_assert_int_eq(bell_recv(bus_b, got, sizeof(got), NULL, WAIT_MS), sizeof(got));
	ck_assert_str_eq(got, "large");
	expect(bus_b, "news", 1);
	expect_nothing(bus_b);
}
END_TEST

START_TEST(another_policy_finds_no_space_behind_kept_ones)
{
	struct bell_topic_stats stats;
	uint32_t total;

	subscribe(bus_b, "news");
	stats = stall();
	total = (uint32_t)stats.published;
	ck_assert_int_eq(bell_set_policy(bus_a, "news", BELL_DROP_NEWEST, 0), 0);
	ck_assert_int_eq(publish("news", total), 0);
	ck_assert_int_eq(bell_set_policy(bus_a, "news", BELL_BLOCK, 0), 0);
	ck_assert_int_eq(publish_in("news", total + 1, 20), -BELL_EAGAIN);
	ck_assert_uint_eq(stats_of(bus_a, "news").kept, 5);
	ck_assert_uint_eq(stats_of(bus_a, "news").dropped, stats.dropped + 2);
	expect_sent(bus_b, &stats);
	ck_assert_int_eq(publish("news", total + 2), 1);
	for (uint32_t i = total - 5; i < total; i++)
		expect(bus_b, "news", i);
	expect(bus_b, "news", total + 2);
}
END_TEST

/* b and c get the same, b also something else. */
START_TEST(what_is_kept_is_apart_for_each)
{
	struct bell_topic_stats stats = { 0 };
	uint32_t total = 0, n;

	subscribe(bus_b, "news");
	subscribe(bus_c, "news");
	subscribe(bus_b, "other");
	ck_assert_int_eq(bell_set_policy(bus_a, "other", BELL_DROP_OLDEST, 1), 0);
	ck_assert_int_eq(bell_set_policy(bus_a, "news", BELL_DROP_OLDEST, 3), 0);
	while (stats.dropped < 100) {
		ck_assert_int_eq(publish("news", total++), 2);
		stats = stats_of(bus_a, "news");
	}
	ck_assert_int_eq(publish("other", 1), 1);
	ck_assert_int_eq(publish("other", 2), 1);
	ck_assert_uint_eq(stats.kept, 6);
	ck_assert_uint_eq(stats.sent + stats.dropped + stats.kept, 2 * total);
	ck_assert_uint_eq(stats_of(bus_a, "other").kept, 1);
	ck_assert_uint_eq(stats_of(bus_a, "other").dropped, 1);
	n = (uint32_t)stats.sent / 2;
	for (uint32_t i = 0; i < n; i++)
		expect(bus_c, "news", i);
	ck_assert_int_ge(bell_dispatch(a), 0);
	for (uint32_t i = total - 3; i < total; i++)
		expect(bus_c, "news", i);
	expect_nothing(bus_c);
	ck_assert_uint_eq(stats_of(bus_a, "news").kept, 3);
	for (uint32_t i = 0; i < n; i++)
		expect(bus_b, "news", i);
	ck_assert_int_ge(bell_dispatch(a), 0);
	ck_assert_uint_eq(stats_of(bus_a, "news").kept, 0);
	ck_assert_uint_eq(stats_of(bus_a, "other").kept, 0);
}
END_TEST

START_TEST(what_is_kept_for_the_gone_is_freed)
{
	struct pollfd p = { .fd = bell_handle(a), .events = POLLIN };
	struct bell_topic_stats stats;

	subscribe(bus_b, "news");
	stats = stall();
	while (bell_dispatch(a) > 0)
		;
	bell_leave(bus_b);
	bus_b = NULL;
	while (stats_of(bus_a, "news").kept > 0) {
		ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
		ck_assert_int_ge(bell_dispatch(a), 0);
	}
	ck_assert_uint_eq(stats_of(bus_a, "news").dropped, stats.dropped + 5);
	/* And by the next publication, if nobody dispatches. */
	bus_b = join(b, "b");
	subscribe(bus_b, "news");
	ck_assert_int_eq(publish("news", 0), 1);
	expect(bus_b, "news", 0);
}
END_TEST

START_TEST(leaving_with_kept_messages_frees_them)
{
	subscribe(bus_b, "news");
	(void)stall();
	bell_leave(bus_a); /* a leak checker sees the rest */
	bus_a = join(a, "a");
	ck_assert_int_eq(publish("news", 1), 1);
}
END_TEST

/* As if b had claimed all links that are free. */
static void take_all_links(void)
{
	struct layout layout;
	uint64_t word = 0;
	size_t size;
	void *memory = bell_memory(a, &size);
	uint32_t slot = 0;

	ck_assert_int_eq(layout_read(memory, size, &layout), 0);
	while (slot_state(word) != SLOT_LIVE || slot_id(word) != bell_id(b))
		word = layout_slot(memory, &layout, slot++)->word;
	for (uint32_t i = 0; i < layout.link_count; i++)
		(void)shm_cas(&layout_link(memory, &layout, i)->word, LINK_FREE,
			      link_word(LINK_CLAIMED, slot - 1, slot_incarnation(word),
					slot - 1, slot_incarnation(word)));
}

START_TEST(policy_decides_about_peers_without_a_link)
{
	struct bell_topic_stats stats;

	subscribe(bus_b, "news");
	subscribe(bus_c, "news");
	ck_assert_int_eq(bell_send(bus_a, bell_id(c), "x", 1, 0), 0);
	take_all_links();
	ck_assert_int_eq(publish("news", 1), -BELL_ENOSPC);
	ck_assert_str_ne(bell_detail(), "");
	for (int policy = BELL_DROP_NEWEST; policy <= BELL_DROP_OLDEST; policy++) {
		ck_assert_int_eq(bell_set_policy(bus_a, "news", (enum bell_policy)policy, 5),
				 0);
		ck_assert_int_eq(publish("news", 2), 1);
	}
	stats = stats_of(bus_a, "news");
	ck_assert_uint_eq(stats.sent, 3);
	ck_assert_uint_eq(stats.kept, 0);
	ck_assert_uint_eq(stats.dropped, 3);
}
END_TEST

/* ---- beside other messages ---- */

START_TEST(topics_go_between_pieces_of_a_large_message)
{
	struct bell_envelope to = { .peer = bell_id(b) }, env;
	struct bell_outgoing *out = NULL;
	char got[MESSAGE] = "";

	subscribe(bus_b, "news");
	ck_assert_int_eq(bell_begin(bus_a, &to, 8, &out), 0);
	ck_assert_int_eq(bell_continue(out, "half", 4, 0), 4);
	ck_assert_int_eq(publish("news", 1), 1);
	ck_assert_int_eq(bell_continue(out, "done", 4, 0), 4);
	ck_assert_int_eq(bell_finish(out, 0, 0), 0);
	ck_assert_int_eq(publish("news", 2), 1);
	/* Not held up by the large one, which is whole only later. */
	expect(bus_b, "news", 1);
	ck_assert_int_eq(bell_recv(bus_b, got, sizeof(got), &env, WAIT_MS), 8);
	ck_assert_mem_eq(got, "halfdone", 8);
	ck_assert_ptr_null(env.topic);
	expect(bus_b, "news", 2);
}
END_TEST

START_TEST(reserved_space_is_not_overtaken)
{
	struct bell_envelope to = { .peer = bell_id(b) };
	struct bell_topic_stats stats;
	void *data = NULL;

	subscribe(bus_b, "news");
	subscribe(bus_c, "news");
	ck_assert_int_eq(bell_reserve(bus_a, &to, MESSAGE, 0, &data), 0);
	/* Nobody can wait for himself. */
	ck_assert_int_eq(publish_in("news", 0, -1), -BELL_EBUSY);
	expect(bus_c, "news", 0);
	ck_assert_int_eq(bell_set_policy(bus_a, "news", BELL_DROP_NEWEST, 0), 0);
	ck_assert_int_eq(publish("news", 1), 1);
	ck_assert_int_eq(bell_set_policy(bus_a, "news", BELL_DROP_OLDEST, 1), 0);
	ck_assert_int_eq(publish("news", 2), 2);
	ck_assert_int_eq(publish("news", 3), 2);
	stats = stats_of(bus_a, "news");
	ck_assert_uint_eq(stats.kept, 1);
	ck_assert_uint_eq(stats.dropped, 3);
	memset(data, 0, MESSAGE);
	ck_assert_int_eq(bell_commit(bus_a, bell_id(b), MESSAGE), 0);
	drain_ring(bus_b, 0, 1);
	expect(bus_b, "news", 3); /* the commit sent what was kept */
	ck_assert_uint_eq(stats_of(bus_a, "news").kept, 0);
}
END_TEST

void add_topic_policies(Suite *suite)
{
	TCase *tc = add_topic_case(suite, "policies");

	tcase_add_test(tc, block_times_out_for_the_slow_one_alone);
	tcase_add_loop_test(tc, block_waits_and_others_get_it_at_once, 0, WAYS);
	tcase_add_test(tc, block_does_not_wait_for_who_left);
	tcase_add_test(tc, drop_newest_never_waits_and_leaves_a_prefix);
	tcase_add_test(tc, drop_oldest_keeps_the_newest_in_order);
	tcase_add_test(tc, newer_messages_wait_behind_kept_ones);
	tcase_add_test(tc, small_ones_wait_behind_a_large_one);
	tcase_add_test(tc, another_policy_finds_no_space_behind_kept_ones);
	tcase_add_test(tc, what_is_kept_is_apart_for_each);
	tcase_add_test(tc, what_is_kept_for_the_gone_is_freed);
	tcase_add_test(tc, leaving_with_kept_messages_frees_them);
	tcase_add_test(tc, policy_decides_about_peers_without_a_link);
	tcase_add_test(tc, topics_go_between_pieces_of_a_large_message);
	tcase_add_test(tc, reserved_space_is_not_overtaken);
}
