/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages without a copy: reserve and commit, peek and release. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

static struct bell_envelope to_b(uint16_t tag)
{
	return (struct bell_envelope){ .peer = bell_id(b), .tag = tag };
}

static uint32_t *reserve(size_t len, int timeout_ms)
{
	struct bell_envelope env = to_b(5);
	void *data = NULL;

	ck_assert_int_eq(bell_reserve(bus_a, &env, len, timeout_ms, &data), 0);
	return data;
}

START_TEST(a_reserved_message_arrives)
{
	struct bell_envelope env;
	uint32_t got[2], *data = reserve(8, 0);

	data[0] = 1;
	data[1] = 2;
	/* Not before it is committed. */
	ck_assert_int_eq(bell_recv(bus_b, got, 8, &env, 0), -BELL_EAGAIN);
	ck_assert_int_eq(bell_commit(bus_a, bell_id(b), 8), 0);
	ck_assert_int_eq(bell_recv(bus_b, got, 8, &env, WAIT_MS), 8);
	ck_assert_uint_eq(got[0], 1);
	ck_assert_uint_eq(got[1], 2);
	ck_assert_uint_eq(env.tag, 5);
	ck_assert_int_eq(bell_commit(bus_a, bell_id(b), 8), -BELL_EINVAL);
}
END_TEST

/* Each size over and over, so that it meets the ring's end at many places. */
static const size_t sizes[] = { 0, 4, 8, 12, 100, 1000, 4096, 20000, 0x7fffffff };

START_TEST(all_sizes_all_places)
{
	size_t max = bell_max_piece(bus_a), size = sizes[_i] < max ? sizes[_i] : max;
	unsigned char *got = malloc(max + 1);

	must(got != NULL);
	for (unsigned n = 0; n < 3000; n++) {
		unsigned char *data = (void *)reserve(size, 0);

		memset(data, (int)n, size);
		ck_assert_int_eq(bell_commit(bus_a, bell_id(b), size), 0);
		ck_assert_int_eq(bell_recv(bus_b, got, max, NULL, 0), (int64_t)size);
		for (size_t i = 0; i < size; i += 97)
			ck_assert_uint_eq(got[i], (unsigned char)n);
	}
	free(got);
}
END_TEST

START_TEST(several_at_once_come_in_order)
{
	uint32_t *data[BELL_HOLD_MAX], got[25];
	struct bell_envelope env = to_b(0);

	for (unsigned round = 0; round < 300; round++) {
		for (unsigned i = 0; i < BELL_HOLD_MAX; i++)
			data[i] = reserve(100, 0);
		ck_assert_int_eq(bell_reserve(bus_a, &env, 1, 0, &(void *){ NULL }),
				 -BELL_EBUSY);
		/* Filled in any order. */
		for (unsigned i = BELL_HOLD_MAX; i-- > 0;)
			data[i][0] = round + i;
		for (unsigned i = 0; i < BELL_HOLD_MAX; i++)
			/* With less than was reserved, too. */
			ck_assert_int_eq(bell_commit(bus_a, bell_id(b), i % 3 ? 100 : 4), 0);
		for (unsigned i = 0; i < BELL_HOLD_MAX; i++) {
			ck_assert_int_eq(bell_recv(bus_b, got, sizeof(got), NULL, 0),
					 i % 3 ? 100 : 4);
			ck_assert_uint_eq(got[0], round + i);
		}
	}
}
END_TEST

START_TEST(what_is_cancelled_is_not_sent)
{
	uint32_t got;

	for (unsigned round = 0; round < 3000; round++) {
		*reserve(4, 0) = 1;
		*reserve(1000, 0) = 2;
		*reserve(4, 0) = round;
		ck_assert_int_eq(bell_cancel(bus_a, bell_id(b)), 0);
		ck_assert_int_eq(bell_cancel(bus_a, bell_id(b)), 0);
		ck_assert_int_eq(bell_commit(bus_a, bell_id(b), 4), 0);
		ck_assert_int_eq(bell_cancel(bus_a, bell_id(b)), -BELL_EINVAL);
		ck_assert_int_eq(bell_recv(bus_b, &got, 4, NULL, 0), 4);
		ck_assert_uint_eq(got, round);
		ck_assert_int_eq(bell_recv(bus_b, &got, 4, NULL, 0), -BELL_EAGAIN);
	}
}
END_TEST

START_TEST(other_messages_wait_their_turn)
{
	struct bell_envelope env = to_b(0);
	struct bell_outgoing *out;
	char got[8];

	(void)reserve(8, 0);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), -BELL_EBUSY);
	ck_assert_int_eq(bell_begin(bus_a, &env, 1, &out), -BELL_EBUSY);
	/* What the library sends by itself does not, and does not overtake. */
	ck_assert_int_eq(bell_ping(bus_b, bell_id(a), 0, NULL), -BELL_EAGAIN);
	ck_assert_int_ge(bell_dispatch(a), 0);
	ck_assert_int_eq(bell_commit(bus_a, bell_id(b), 8), 0);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), 0);
	ck_assert_int_eq(bell_recv(bus_b, got, 8, NULL, WAIT_MS), 8);
	ck_assert_int_eq(bell_recv(bus_b, got, 8, NULL, WAIT_MS), 1);
	ck_assert_int_eq(bell_begin(bus_a, &env, 1, &out), 0);
	ck_assert_int_eq(bell_reserve(bus_a, &env, 8, 0, &(void *){ NULL }), -BELL_EBUSY);
	bell_abandon(out);
	(void)reserve(8, 0);
	ck_assert_int_eq(bell_commit(bus_a, bell_id(b), 9), -BELL_EINVAL);
	ck_assert_int_eq(bell_cancel(bus_a, bell_id(b)), 0);
}
END_TEST

START_TEST(reserving_waits_for_space)
{
	struct bell_envelope env = to_b(0);
	size_t max = bell_max_piece(bus_a);
	static char buf[1 << 20];
	void *data;
	unsigned n = 0;

	ck_assert_int_eq(bell_reserve(bus_a, &env, max + 1, 0, &data), -BELL_EMSGSIZE);
	env.flags = 1;
	ck_assert_int_eq(bell_reserve(bus_a, &env, 1, 0, &data), -BELL_EINVAL);
	env.flags = 0;
	while (bell_reserve(bus_a, &env, 5000, 0, &data) == 0 && n < BELL_HOLD_MAX) {
		ck_assert_int_eq(bell_commit(bus_a, bell_id(b), 5000), 0);
		n += n < BELL_HOLD_MAX - 1;
	}
	ck_assert_int_eq(bell_reserve(bus_a, &env, max, 20, &data), -BELL_EAGAIN);
	while (bell_recv(bus_b, buf, sizeof(buf), NULL, 0) > 0)
		;
	ck_assert_int_eq(bell_reserve(bus_a, &env, max, WAIT_MS, &data), 0);
	memset(data, 1, max);
	ck_assert_int_eq(bell_commit(bus_a, bell_id(b), max), 0);
	ck_assert_int_eq(bell_recv(bus_b, buf, sizeof(buf), NULL, WAIT_MS), (int64_t)max);
}
END_TEST

START_TEST(the_receiver_goes_while_something_is_reserved)
{
	uint32_t *data = reserve(1000, 0);

	bell_leave(bus_b);
	bus_b = NULL;
	memset(data, 1, 1000);
	ck_assert_int_eq(bell_commit(bus_a, bell_id(b), 1000), -BELL_ENOPEER);
	ck_assert_int_eq(bell_commit(bus_a, bell_id(b), 1000), -BELL_EINVAL);
}
END_TEST

START_TEST(peek_shows_and_release_gives_back)
{
	struct bell_envelope env;
	const void *first, *second;
	char got[8];

	ck_assert_int_eq(bell_release(bus_b, bell_id(a)), -BELL_EINVAL);
	ck_assert_int_eq(bell_peek(bus_b, &env, &first, 0), -BELL_EAGAIN);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "first", 5, 0), 0);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "second", 6, 0), 0);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "third", 5, 0), 0);
	ck_assert_int_eq(bell_peek(bus_b, &env, &first, WAIT_MS), 5);
	ck_assert_uint_eq(env.peer, bell_id(a));
	ck_assert_uint_eq(env.len, 5);
	ck_assert_int_eq(bell_peek(bus_b, &env, &second, 0), 6);
	/* A copying receiver may take what comes behind. */
	ck_assert_int_eq(bell_recv(bus_b, got, 8, NULL, 0), 5);
	ck_assert_mem_eq(got, "third", 5);
	ck_assert_mem_eq(first, "first", 5);
	ck_assert_mem_eq(second, "second", 6);
	ck_assert_int_eq(bell_release(bus_b, bell_id(a)), 0);
	ck_assert_int_eq(bell_release(bus_b, bell_id(a)), 0);
	ck_assert_int_eq(bell_release(bus_b, bell_id(a)), -BELL_EINVAL);
	ck_assert_int_eq(bell_peek(bus_b, &env, &first, 0), -BELL_EAGAIN);
}
END_TEST

START_TEST(what_is_held_is_not_overwritten)
{
	const unsigned char *held[4];
	unsigned char msg[3000], got[3000];
	unsigned n = 0;

	for (unsigned round = 0; round < 200; round++) {
		for (unsigned i = 0; i < 4; i++) {
			memset(msg, (int)(round + i), sizeof(msg));
			ck_assert_int_eq(bell_send(bus_a, bell_id(b), msg, sizeof(msg), 0), 0);
			ck_assert_int_eq(bell_peek(bus_b, NULL, (const void **)&held[i], 0),
					 sizeof(msg));
		}
		/* The sender goes round as far as it is let. */
		while (bell_send(bus_a, bell_id(b), got, sizeof(got), 0) == 0)
			n++;
		for (unsigned i = 0; i < 4; i++)
			for (unsigned j = 0; j < sizeof(msg); j += 100)
				ck_assert_uint_eq(held[i][j], (unsigned char)(round + i));
		for (unsigned i = 0; i < 4; i++)
			ck_assert_int_eq(bell_release(bus_b, bell_id(a)), 0);
		while (bell_recv(bus_b, got, sizeof(got), NULL, 0) > 0)
			;
	}
	ck_assert_uint_gt(n, 200);
}
END_TEST

START_TEST(no_more_than_hold_max_are_held)
{
	struct bell_envelope env;
	const void *data;

	for (unsigned i = 0; i <= BELL_HOLD_MAX; i++)
		ck_assert_int_eq(bell_send(bus_a, bell_id(b), &i, sizeof(i), 0), 0);
	for (unsigned i = 0; i < BELL_HOLD_MAX; i++)
		ck_assert_int_eq(bell_peek(bus_b, &env, &data, 0), 4);
	ck_assert_int_eq(bell_peek(bus_b, &env, &data, 0), -BELL_EBUSY);
	ck_assert_int_eq(bell_release(bus_b, bell_id(a)), 0);
	ck_assert_int_eq(bell_peek(bus_b, &env, &data, 0), 4);
	ck_assert_uint_eq(*(const unsigned *)data, BELL_HOLD_MAX);
}
END_TEST

START_TEST(the_sender_goes_while_something_is_held)
{
	const void *data, *next;

	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "last", 4, 0), 0);
	ck_assert_int_eq(bell_peek(bus_b, NULL, &data, 0), 4);
	bell_leave(bus_a);
	bus_a = NULL;
	ck_assert_int_eq(bell_peek(bus_b, NULL, &next, 20), -BELL_EAGAIN);
	ck_assert_mem_eq(data, "last", 4);
	ck_assert_int_eq(bell_release(bus_b, bell_id(a)), 0);
	ck_assert_int_eq(bell_peek(bus_b, NULL, &next, 0), -BELL_EAGAIN);
	ck_assert_int_eq(bell_release(bus_b, bell_id(a)), -BELL_EINVAL);
}
END_TEST

START_TEST(from_ring_to_ring_without_a_copy)
{
	struct bell_envelope env;
	const uint32_t *in;
	uint32_t *data, sum = 0;

	for (uint32_t i = 0; i < 2000; i++) {
		data = reserve(4000, 0);
		for (uint32_t j = 0; j < 1000; j++)
			data[j] = i + j;
		ck_assert_int_eq(bell_commit(bus_a, bell_id(b), 4000), 0);
		ck_assert_int_eq(bell_peek(bus_b, &env, (const void **)&in, 0), 4000);
		for (uint32_t j = 0; j < 1000; j++)
			sum += in[j] - (i + j);
		ck_assert_int_eq(bell_release(bus_b, bell_id(a)), 0);
	}
	ck_assert_uint_eq(sum, 0);
}
END_TEST

void add_inplace(Suite *suite)
{
	TCase *tc = add_case(suite, "in place", setup);

	tcase_add_test(tc, a_reserved_message_arrives);
	tcase_add_loop_test(tc, all_sizes_all_places, 0, 9);
	tcase_add_test(tc, several_at_once_come_in_order);
	tcase_add_test(tc, what_is_cancelled_is_not_sent);
	tcase_add_test(tc, other_messages_wait_their_turn);
	tcase_add_test(tc, reserving_waits_for_space);
	tcase_add_test(tc, the_receiver_goes_while_something_is_reserved);
	tcase_add_test(tc, peek_shows_and_release_gives_back);
	tcase_add_test(tc, what_is_held_is_not_overwritten);
	tcase_add_test(tc, no_more_than_hold_max_are_held);
	tcase_add_test(tc, the_sender_goes_while_something_is_held);
	tcase_add_test(tc, from_ring_to_ring_without_a_copy);
}
