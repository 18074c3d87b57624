/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages: whole, in order, refused with a reason; links come back. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

static const size_t sizes[] = { 0, 1, 8, 63, 64, 65, 4096, 65536 };

START_TEST(message_arrives_whole)
{
	size_t len = sizes[_i];
	unsigned char *msg = malloc(len + 1), *got = malloc(len + 1);
	struct bell_peer_info info;
	struct bell_envelope env;

	ck_assert_int_ge(bell_peers(a, &info, 1), 1); /* a has the lowest id */
	for (size_t i = 0; i < len; i++)
		msg[i] = (unsigned char)(i * 7 + len);
	for (int round = 0; round < 50; round++) { /* round the ring's end */
		ck_assert_int_eq(bell_send(bus_a, bell_id(b), len ? msg : NULL, len, 0), 0);
		ck_assert_int_eq(bell_recv(bus_b, got, len, &env, WAIT_MS), (int64_t)len);
		if (len)
			ck_assert_mem_eq(msg, got, len);
		ck_assert_uint_eq(env.peer, bell_id(a));
		ck_assert_uint_eq(env.incarnation, info.incarnation);
		ck_assert_uint_eq(env.len, len);
		ck_assert_uint_eq(env.tag, 0);
	}
	free(msg);
	free(got);
}
END_TEST

START_TEST(largest_message_in_one_piece)
{
	size_t max = bell_max_piece(bus_a);
	unsigned char *msg = calloc(1, max + 1), *got = calloc(1, max);

	msg[max - 1] = 9;
	for (int round = 0; round < 3; round++) {
		ck_assert_int_eq(bell_send(bus_a, bell_id(b), msg, max, 0), 0);
		ck_assert_int_eq(bell_recv(bus_b, got, max, NULL, WAIT_MS), (int64_t)max);
		ck_assert_mem_eq(msg, got, max);
		ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), 0);
		ck_assert_int_eq(bell_recv(bus_b, got, max, NULL, WAIT_MS), 1);
	}
	free(msg);
	free(got);
}
END_TEST

START_TEST(buffer_too_small_keeps_the_message)
{
	struct bell_envelope env = { 0 };
	char got[16];

	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "0123456789", 10, 0), 0);
	ck_assert_int_eq(bell_recv(bus_b, got, 9, &env, WAIT_MS), -BELL_EMSGSIZE);
	ck_assert_uint_eq(env.len, 10);
	ck_assert_int_eq(bell_recv(bus_b, got, 10, &env, 0), 10);
	ck_assert_mem_eq(got, "0123456789", 10);
}
END_TEST

START_TEST(tag_travels)
{
	struct bell_envelope env = { .peer = bell_id(b), .tag = 0xbeef };

	ck_assert_int_eq(bell_post(bus_a, &env, "x", 1, 0), 0);
	memset(&env, 0, sizeof(env));
	ck_assert_int_eq(bell_recv(bus_b, &(char){ 0 }, 1, &env, WAIT_MS), 1);
	ck_assert_uint_eq(env.tag, 0xbeef);
	ck_assert_uint_eq(env.flags, 0);
	env.peer = bell_id(b);
	env.flags = 0x8000;
	ck_assert_int_eq(bell_post(bus_a, &env, "x", 1, 0), -BELL_EINVAL);
}
END_TEST

START_TEST(nothing_comes_in_time)
{
	char c;

	ck_assert_int_eq(bell_recv(bus_b, &c, 1, NULL, 0), -BELL_EAGAIN);
	ck_assert_int_eq(bell_recv(bus_b, &c, 1, NULL, 20), -BELL_EAGAIN);
}
END_TEST

START_TEST(full_ring_says_again_and_loses_nothing)
{
	uint32_t n = 0, v;

	while (bell_send(bus_a, bell_id(b), &n, sizeof(n), 0) == 0)
		n++;
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), &n, sizeof(n), 0), -BELL_EAGAIN);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), &n, sizeof(n), 20), -BELL_EAGAIN);
	for (uint32_t i = 0; i < n; i++) {
		ck_assert_int_eq(bell_recv(bus_b, &v, sizeof(v), NULL, WAIT_MS), 4);
		ck_assert_uint_eq(v, i);
	}
	ck_assert_int_eq(bell_recv(bus_b, &v, sizeof(v), NULL, 0), -BELL_EAGAIN);
}
END_TEST

START_TEST(sending_to_oneself_works)
{
	char got[4];

	ck_assert_int_eq(bell_send(bus_a, bell_id(a), "self", 4, 0), 0);
	ck_assert_int_eq(bell_recv(bus_a, got, 4, NULL, WAIT_MS), 4);
	ck_assert_mem_eq(got, "self", 4);
}
END_TEST

START_TEST(absent_peer)
{
	ck_assert_int_eq(bell_send(bus_a, 60000, "x", 1, 0), -BELL_ENOPEER);
	ck_assert_str_ne(bell_detail(), "");
	bell_leave(bus_b);
	bus_b = NULL;
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), -BELL_ENOPEER);
}
END_TEST

START_TEST(what_was_sent_before_leaving_arrives)
{
	uint32_t id = bell_id(a);
	struct bell_envelope env;
	char got[8];

	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "last", 4, 0), 0);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "words", 5, 0), 0);
	bell_leave(bus_a);
	bell_close(a);
	a = NULL;
	bus_a = NULL;
	ck_assert_int_eq(bell_recv(bus_b, got, 8, &env, WAIT_MS), 4);
	ck_assert_uint_eq(env.peer, id);
	ck_assert_int_eq(bell_recv(bus_b, got, 8, &env, WAIT_MS), 5);
	ck_assert_int_eq(bell_recv(bus_b, got, 8, &env, 0), -BELL_EAGAIN);
}
END_TEST

START_TEST(links_are_given_back)
{
	/* More comings and goings than there are links or slots. */
	for (int i = 0; i < 300; i++) {
		struct bell_bus *bus;
		char got[8];

		bell_leave(bus_b);
		bus = bus_b = join(b, "b");
		ck_assert_int_eq(bell_send(bus, bell_id(a), "x", 1, 0), 0);
		ck_assert_int_eq(bell_send(bus_a, bell_id(b), "y", 1, 0), 0);
		ck_assert_int_eq(bell_recv(bus_a, got, 8, NULL, WAIT_MS), 1);
		if (i % 2)
			ck_assert_int_eq(bell_recv(bus, got, 8, NULL, WAIT_MS), 1);
	}
}
END_TEST

START_TEST(ping_passes_queued_messages)
{
	uint64_t rtt = 0;
	char got[8];

	ck_assert_int_eq(bell_send(bus_b, bell_id(a), "wait", 4, 0), 0);
	/* Nobody dispatches b: no answer. */
	ck_assert_int_eq(bell_ping(bus_a, bell_id(b), 20, &rtt), -BELL_EAGAIN);
	ck_assert_int_eq(bell_recv(bus_b, got, 8, NULL, 0), -BELL_EAGAIN);
	/* The late answer is not taken for that of the next ping. */
	ck_assert_int_eq(bell_ping(bus_a, bell_id(b), 20, &rtt), -BELL_EAGAIN);
	ck_assert_int_eq(bell_recv(bus_a, got, 8, NULL, 0), 4);
	ck_assert_int_eq(bell_recv(bus_a, got, 8, NULL, 0), -BELL_EAGAIN);
	ck_assert_int_eq(bell_ping(bus_a, 60000, 20, &rtt), -BELL_ENOPEER);
}
END_TEST

void add_messages(Suite *suite)
{
	TCase *tc = add_case(suite, "messages", setup);

	tcase_add_loop_test(tc, message_arrives_whole, 0, ARRAY_LEN(sizes));
	tcase_add_test(tc, largest_message_in_one_piece);
	tcase_add_test(tc, buffer_too_small_keeps_the_message);
	tcase_add_test(tc, tag_travels);
	tcase_add_test(tc, nothing_comes_in_time);
	tcase_add_test(tc, full_ring_says_again_and_loses_nothing);
	tcase_add_test(tc, sending_to_oneself_works);
	tcase_add_test(tc, absent_peer);
	tcase_add_test(tc, what_was_sent_before_leaving_arrives);
	tcase_add_test(tc, links_are_given_back);
	tcase_add_test(tc, ping_passes_queued_messages);
}
