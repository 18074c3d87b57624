/* SPDX-License-Identifier: BSD-2-Clause */
/* Polling for good: nobody looks any more whether the receiver sleeps, and all is heard. */
#include "conformance.h"
#include "layout.h"

#include <stdio.h>
#include <string.h>

#define OTHERS 6 /* more than are looked at by who may sleep */

static struct bell_peer *other[OTHERS];
static struct bell_bus *bus_other[OTHERS];

static struct bell_stats stats_of(const struct bell_bus *bus)
{
	struct bell_stats stats;

	bell_get_stats(bus, &stats);
	return stats;
}

static uint64_t doorbells(const struct bell_bus *bus)
{
	return stats_of(bus).doorbells;
}

static void poll_for_good(struct bell_bus *bus)
{
	ck_assert_int_eq(bell_set_wait(bus, BELL_POLL_ONLY), 0);
}

static void others_join(void)
{
	char name[8];

	for (int i = 0; i < OTHERS; i++) {
		snprintf(name, sizeof(name), "o%d", i);
		bus_other[i] = join(other[i], name);
	}
}

static void others_leave(void)
{
	for (int i = 0; i < OTHERS; i++)
		bell_leave(bus_other[i]);
}

static void open_others(void)
{
	for (int i = 0; i < OTHERS; i++)
		other[i] = world->open();
}

static void close_others(void)
{
	for (int i = 0; i < OTHERS; i++)
		bell_close(other[i]);
}

static void expect_from(struct bell_peer *sender, uint32_t number)
{
	struct bell_envelope env;
	uint32_t got;

	ck_assert_int_eq(bell_recv(bus_b, &got, sizeof(got), &env, WAIT_MS), sizeof(got));
	ck_assert_uint_eq(got, number);
	ck_assert_uint_eq(env.peer, bell_id(sender));
}

/* So many links to b, and each says that nobody has to look whether b sleeps. */
static void expect_links(uint32_t count)
{
	size_t size;
	void *memory = bell_memory(b, &size);
	struct layout l;
	uint32_t found = 0;

	ck_assert_int_eq(layout_read(memory, size, &l), 0);
	for (uint32_t i = 0; i < l.link_count; i++) {
		struct layout_link *link = layout_link(memory, &l, i);
		uint64_t word = shm_acquire(&link->word);

		if (link_state(word) != LINK_OPEN ||
		    slot_id(shm_peek(&layout_slot(memory, &l, link_to(word))->word)) !=
			    bell_id(b))
			continue;
		ck_assert_uint_eq(shm_peek(&link->data_event), UINT64_MAX);
		found++;
	}
	ck_assert_uint_eq(found, count);
}

static void trip(struct bell_peer *sender, struct bell_bus *bus, uint32_t number)
{
	ck_assert_int_eq(bell_send(bus, bell_id(b), &number, sizeof(number), 0), 0);
	expect_from(sender, number);
}

/* Each is silent while another one talks for long, and is heard again behind it. */
START_TEST(who_was_silent_is_heard)
{
	open_others();
	others_join();
	poll_for_good(bus_b);
	for (uint32_t round = 0; round < 3; round++)
		for (int i = 0; i < OTHERS; i++)
			for (uint32_t n = 0; n < 200; n++)
				trip(other[i], bus_other[i], n);
	for (int i = 0; i < OTHERS; i++)
		ck_assert_uint_eq(doorbells(bus_other[i]), 0);
	expect_links(OTHERS);
	others_leave();
	close_others();
}
END_TEST

/* The links that there are, armed and all; then one that is new. */
START_TEST(begins_while_armed)
{
	uint64_t before;
	uint32_t got;

	open_others();
	others_join();
	for (int i = 0; i + 1 < OTHERS; i++)
		trip(other[i], bus_other[i], 1);
	ck_assert_int_eq(bell_recv(bus_b, &got, sizeof(got), NULL, 0), -BELL_EAGAIN);
	poll_for_good(bus_b);
	for (int i = 0; i < OTHERS; i++) {
		if (i == OTHERS - 1) /* its link is new: told once, perhaps by a doorbell */
			trip(other[i], bus_other[i], 2);
		before = doorbells(bus_other[i]);
		for (uint32_t n = 0; n < 100; n++)
			trip(other[i], bus_other[i], n);
		ck_assert_uint_eq(doorbells(bus_other[i]), before);
	}
	expect_links(OTHERS);
	others_leave();
	close_others();
}
END_TEST

/* What came before it began waits no longer than anything else. */
START_TEST(begins_with_messages_queued)
{
	for (uint32_t n = 0; n < 10; n++)
		ck_assert_int_eq(bell_send(bus_a, bell_id(b), &n, sizeof(n), 0), 0);
	poll_for_good(bus_b);
	for (uint32_t n = 0; n < 10; n++)
		expect_from(a, n);
}
END_TEST

/* A link that was found while there was nothing in it yet. */
START_TEST(who_begins_late_is_heard)
{
	struct bell_envelope env = { .peer = bell_id(b) };
	struct bell_peer *c = world->open();
	uint32_t number = 7, got;
	void *at;

	poll_for_good(bus_b);
	ck_assert_int_eq(bell_reserve(bus_a, &env, sizeof(number), 0, &at), 0);
	bell_leave(join(c, "c")); /* b looks at all links */
	ck_assert_int_eq(bell_recv(bus_b, &got, sizeof(got), NULL, 0), -BELL_EAGAIN);
	expect_links(1);
	memcpy(at, &number, sizeof(number));
	ck_assert_int_eq(bell_commit(bus_a, bell_id(b), sizeof(number)), 0);
	expect_from(a, number);
	bell_close(c);
}
END_TEST

START_TEST(there_is_no_way_back)
{
	uint32_t got;

	poll_for_good(bus_b);
	poll_for_good(bus_b);
	for (int mode = BELL_INTERRUPT; mode <= BELL_ADAPTIVE; mode++)
		ck_assert_int_eq(bell_set_wait(bus_b, (enum bell_wait_mode)mode), -BELL_EINVAL);
	ck_assert_str_eq(bell_detail(), "this bus polls for good");
	ck_assert_int_eq(bell_recv(bus_b, &got, sizeof(got), NULL, 20), -BELL_EAGAIN);
	ck_assert_uint_eq(stats_of(bus_b).sleeps, 0);
	trip(a, bus_a, 1);
	expect_links(1);
}
END_TEST

START_TEST(no_such_way_to_wait)
{
	struct bell_bus_config cfg = { .wait = (enum bell_wait_mode)4 };
	struct bell_peer *c = world->open();
	struct bell_bus *bus;

	ck_assert_int_eq(bell_set_wait(bus_b, (enum bell_wait_mode)4), -BELL_EINVAL);
	ck_assert_str_eq(bell_detail(), "no such way to wait: 4");
	ck_assert_int_eq(bell_join(c, &cfg, &bus), -BELL_EINVAL);
	cfg.wait = BELL_POLL_ONLY;
	ck_assert_int_eq(bell_join(c, &cfg, &bus), 0);
	ck_assert_int_eq(bell_set_wait(bus, BELL_POLL), -BELL_EINVAL);
	bell_leave(bus);
	bell_close(c);
}
END_TEST

/* A link of one that left is freed, and one that takes its place is heard. */
START_TEST(senders_come_and_go)
{
	uint32_t got;

	open_others();
	poll_for_good(bus_b);
	for (uint32_t round = 0; round < 20; round++) {
		others_join();
		for (int i = 0; i < OTHERS; i++)
			for (uint32_t n = 0; n < 3; n++)
				trip(other[i], bus_other[i], n);
		others_leave();
		ck_assert_int_eq(bell_recv(bus_b, &got, sizeof(got), NULL, 0), -BELL_EAGAIN);
		expect_links(0);
	}
	trip(a, bus_a, 1);
	expect_links(1);
	close_others();
}
END_TEST

void add_poll_only(Suite *suite)
{
	TCase *tc = add_case(suite, "polling for good", setup);

	tcase_add_test(tc, who_was_silent_is_heard);
	tcase_add_test(tc, begins_while_armed);
	tcase_add_test(tc, begins_with_messages_queued);
	tcase_add_test(tc, who_begins_late_is_heard);
	tcase_add_test(tc, there_is_no_way_back);
	tcase_add_test(tc, no_such_way_to_wait);
	tcase_add_test(tc, senders_come_and_go);
}
