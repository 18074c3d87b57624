/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of several parts, batches, and space that comes again. */
#include "conformance.h"

#include <stdio.h>
#include <string.h>

START_TEST(parts_are_put_together)
{
	char got[16];
	struct bell_part parts[] = { { "one ", 4 }, { NULL, 0 }, { "two ", 4 }, { "3", 1 } };
	struct bell_envelope env = { .peer = bell_id(b), .tag = 7 };

	/* Often enough to cross the ring's end in every part. */
	for (int i = 0; i < 20000; i++) {
		ck_assert_int_eq(bell_sendv(bus_a, &env, parts, 4, 0), 0);
		ck_assert_int_eq(bell_recv(bus_b, got, sizeof(got), NULL, WAIT_MS), 9);
		ck_assert_mem_eq(got, "one two 3", 9);
	}
	parts[1].len = 1;
	ck_assert_int_eq(bell_sendv(bus_a, &env, parts, 4, 0), -BELL_EINVAL);
}
END_TEST

START_TEST(a_batch_rings_once)
{
	struct bell_part msgs[100];
	struct bell_envelope env = { .peer = bell_id(b), .tag = 3 };
	struct bell_stats before, after;
	char text[100][4];
	char got[8];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(text[i], sizeof(text[i]), "%u", i);
		msgs[i] = (struct bell_part){ text[i], strlen(text[i]) };
	}
	for (int round = 0; round < 50; round++) {
		/* Armed: the receiver would sleep now. */
		ck_assert_int_eq(bell_recv(bus_b, got, sizeof(got), NULL, 0), -BELL_EAGAIN);
		bell_get_stats(bus_a, &before);
		ck_assert_int_eq(bell_send_batch(bus_a, &env, msgs, 100, 0), 100);
		bell_get_stats(bus_a, &after);
		ck_assert_uint_eq(after.doorbells - before.doorbells, 1);
		ck_assert_uint_eq(after.sent - before.sent, 100);
		for (unsigned i = 0; i < 100; i++) {
			int64_t n = bell_recv(bus_b, got, sizeof(got), &env, WAIT_MS);

			ck_assert_int_eq(n, (int64_t)msgs[i].len);
			ck_assert_mem_eq(got, text[i], msgs[i].len);
			ck_assert_uint_eq(env.tag, 3);
			env.peer = bell_id(b);
		}
	}
}
END_TEST

START_TEST(a_batch_larger_than_the_ring_is_sent_in_part)
{
	static char big[4000], got[4000];
	static struct bell_part msgs[2000];
	struct bell_envelope env = { .peer = bell_id(b) };
	int64_t n, m;

	for (unsigned i = 0; i < 2000; i++)
		msgs[i] = (struct bell_part){ big, sizeof(big) };
	n = bell_send_batch(bus_a, &env, msgs, 2000, 0);
	ck_assert_int_gt(n, 10);
	ck_assert_int_lt(n, 2000);
	m = bell_send_batch(bus_a, &env, msgs, 2000, 0);
	ck_assert_int_eq(m, -BELL_EAGAIN);
	for (int64_t i = 0; i < n; i++)
		ck_assert_int_eq(bell_recv(bus_b, got, sizeof(got), NULL, WAIT_MS), 4000);
	ck_assert_int_eq(bell_recv(bus_b, got, sizeof(got), NULL, 0), -BELL_EAGAIN);
	msgs[1].len = bell_max_piece(bus_a) + 1;
	ck_assert_int_eq(bell_send_batch(bus_a, &env, msgs, 2, 0), 1);
	ck_assert_int_eq(bell_send_batch(bus_a, &env, msgs + 1, 1, 0), -BELL_EMSGSIZE);
	ck_assert_int_eq(bell_send_batch(bus_a, &env, msgs, 0, 0), 0);
}
END_TEST

static unsigned writable_calls;
static uint32_t writable_to;

static void on_writable(struct bell_bus *bus, uint32_t to, void *arg)
{
	ck_assert_ptr_eq(arg, &writable_calls);
	ck_assert_int_eq(bell_dispatch(a), -BELL_EBUSY);
	ck_assert_int_eq(bell_recv(bus, NULL, 0, NULL, 0), -BELL_EBUSY);
	writable_calls++;
	writable_to = to;
}

static void fill_ring(void)
{
	static char big[1000];
	int rc;

	do
		rc = bell_send(bus_a, bell_id(b), big, sizeof(big), 0);
	while (rc == 0);
	ck_assert_int_eq(rc, -BELL_EAGAIN);
}

/* Nothing is told. In a guest a doorbell or two can still be on its way. */
static void is_quiet(unsigned calls)
{
	int late = 0, rc;

	while ((rc = bell_wait(a, 20)) >= 0)
		ck_assert_int_lt(late++, 4);
	ck_assert_int_eq(rc, -BELL_EAGAIN);
	ck_assert_uint_eq(writable_calls, calls);
}

START_TEST(space_that_comes_again_is_told)
{
	char got[1000];

	writable_calls = 0;
	bell_on_writable(bus_a, on_writable, &writable_calls);
	for (unsigned round = 1; round <= 3; round++) {
		fill_ring();
		ck_assert_int_ge(bell_dispatch(a), 0);
		ck_assert_uint_eq(writable_calls, round - 1);
		is_quiet(round - 1);
		while (bell_recv(bus_b, got, sizeof(got), NULL, 0) > 0)
			;
		while (writable_calls < round)
			ck_assert_int_gt(bell_wait(a, WAIT_MS), 0);
		is_quiet(round);
		ck_assert_uint_eq(writable_to, bell_id(b));
	}
	bell_on_writable(bus_a, NULL, NULL);
}
END_TEST

START_TEST(space_that_never_comes_is_told)
{
	writable_calls = 0;
	bell_on_writable(bus_a, on_writable, &writable_calls);
	fill_ring();
	ck_assert_int_ge(bell_dispatch(a), 0);
	bell_leave(bus_b);
	bus_b = NULL;
	while (writable_calls == 0)
		ck_assert_int_gt(bell_wait(a, WAIT_MS), 0);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), -BELL_ENOPEER);
	is_quiet(1);
}
END_TEST

void add_sending(Suite *suite)
{
	TCase *tc = add_case(suite, "sending", setup);

	tcase_add_test(tc, parts_are_put_together);
	tcase_add_test(tc, a_batch_rings_once);
	tcase_add_test(tc, a_batch_larger_than_the_ring_is_sent_in_part);
	tcase_add_test(tc, space_that_comes_again_is_told);
	tcase_add_test(tc, space_that_never_comes_is_told);
}
