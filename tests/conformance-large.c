/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages larger than a ring. */
#include "conformance.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LARGE (3u << 20) /* bytes; larger than any ring here */

/* Byte i of the n-th message. */
static unsigned char byte_of(uint64_t i, unsigned n)
{
	return (unsigned char)(i * 31 + (i >> 8) * 7 + n);
}

static unsigned char *message(size_t len, unsigned n)
{
	unsigned char *m = malloc(len + 1);

	must(m != NULL);
	for (size_t i = 0; i < len; i++)
		m[i] = byte_of(i, n);
	return m;
}

static void check_bytes(const unsigned char *got, uint64_t from, uint64_t len,
			unsigned n)
{
	for (uint64_t i = 0; i < len; i++)
		if (got[i] != byte_of(from + i, n))
			ck_abort_msg("byte %llu of message %u is wrong",
				     (unsigned long long)(from + i), n);
}

/* A message that is sent as far as there is space, without ever waiting. */
struct upload {
	struct bell_bus *bus;
	struct bell_outgoing *out;
	unsigned char *data;
	size_t len, at;
	unsigned n;
};

static void upload_begin(struct upload *u, struct bell_bus *bus, uint32_t to,
			 size_t len, uint64_t total, unsigned n)
{
	struct bell_envelope env = { .peer = to, .tag = (uint16_t)(100 + n) };

	*u = (struct upload){ .bus = bus, .data = message(len, n), .len = len, .n = n };
	ck_assert_int_eq(bell_begin(bus, &env, total, &u->out), 0);
}

/* True once it is finished. */
static bool upload_step(struct upload *u)
{
	int64_t rc = 0;

	if (!u->out)
		return true;
	while (u->at < u->len) {
		rc = bell_continue(u->out, u->data + u->at, u->len - u->at, 0);
		if (rc == -BELL_EAGAIN)
			return false;
		ck_assert_int_gt(rc, 0);
		u->at += (size_t)rc;
	}
	rc = bell_finish(u->out, 4711 + u->n, 0);
	if (rc == -BELL_EAGAIN)
		return false;
	ck_assert_int_eq(rc, 0);
	u->out = NULL;
	free(u->data);
	return true;
}

static void pump_one(uint64_t total)
{
	struct bell_envelope env;
	struct upload u;
	unsigned char *got = malloc(LARGE);
	int64_t n;

	must(got != NULL);
	upload_begin(&u, bus_a, bell_id(b), LARGE, total, 1);
	for (;;) {
		bool done = upload_step(&u);

		n = bell_recv(bus_b, got, LARGE, &env, 0);
		if (n != -BELL_EAGAIN || done)
			break;
	}
	if (total == BELL_UNKNOWN) {
		ck_assert_int_eq(n, -BELL_EMSGSIZE);
	} else {
		ck_assert_int_eq(n, LARGE);
		check_bytes(got, 0, LARGE, 1);
		ck_assert_uint_eq(env.total, LARGE);
		ck_assert_uint_eq(env.len, LARGE);
		ck_assert_uint_eq(env.offset, 0);
		ck_assert_uint_eq(env.tag, 101);
		ck_assert_uint_eq(env.check, 4712);
		ck_assert_int_eq(bell_recv(bus_b, got, LARGE, NULL, 0), -BELL_EAGAIN);
	}
	if (u.out) {
		bell_abandon(u.out);
		free(u.data);
	}
	free(got);
}

START_TEST(larger_than_the_ring_arrives_whole)
{
	ck_assert_uint_gt(LARGE, bell_max_piece(bus_a) * 4);
	for (int round = 0; round < 3; round++)
		pump_one(LARGE);
}
END_TEST

START_TEST(of_unknown_size_only_pieces_can_be_taken)
{
	pump_one(BELL_UNKNOWN);
}
END_TEST

/* Takes pieces until a message has ended; its length. */
static uint64_t take_pieces(struct upload *u, size_t size, unsigned n, uint64_t total,
			    struct bell_envelope *env)
{
	unsigned char buf[100000];
	uint64_t at = 0;

	ck_assert_uint_le(size, sizeof(buf));
	for (;;) {
		int64_t rc;

		(void)upload_step(u);
		rc = bell_recv_piece(bus_b, buf, size, env, 0);
		if (rc == -BELL_EAGAIN)
			continue;
		ck_assert_int_ge(rc, 0);
		ck_assert_uint_eq((uint64_t)rc, env->len);
		ck_assert_uint_eq(env->offset, at);
		check_bytes(buf, at, (uint64_t)rc, n);
		at += (uint64_t)rc;
		if (!(env->flags & BELL_MORE))
			return at;
		ck_assert_uint_eq(env->total, total);
		ck_assert_uint_eq(env->check, 0);
	}
}

static const size_t piece_sizes[] = { 1000, 4096, 33333, 100000 };

START_TEST(pieces_of_any_size)
{
	struct bell_envelope env;
	struct upload u;

	upload_begin(&u, bus_a, bell_id(b), LARGE, BELL_UNKNOWN, 2);
	ck_assert_uint_eq(take_pieces(&u, piece_sizes[_i], 2, BELL_UNKNOWN, &env), LARGE);
	ck_assert_uint_eq(env.total, LARGE);
	ck_assert_uint_eq(env.check, 4713);
	upload_begin(&u, bus_a, bell_id(b), LARGE, LARGE, 3);
	ck_assert_uint_eq(take_pieces(&u, piece_sizes[_i], 3, LARGE, &env), LARGE);
}
END_TEST

START_TEST(small_messages_come_in_pieces_too)
{
	struct bell_envelope env;
	char buf[4];

	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "0123456", 7, 0), 0);
	ck_assert_int_eq(bell_recv_piece(bus_b, buf, 4, &env, WAIT_MS), 4);
	ck_assert_mem_eq(buf, "0123", 4);
	ck_assert_uint_eq(env.flags, BELL_MORE);
	/* Its rest is no message. */
	ck_assert_int_eq(bell_recv(bus_b, buf, 4, &env, 0), -BELL_EMSGSIZE);
	ck_assert_int_eq(bell_recv_piece(bus_b, buf, 4, &env, 0), 3);
	ck_assert_mem_eq(buf, "456", 3);
	ck_assert_uint_eq(env.flags, 0);
	ck_assert_uint_eq(env.offset, 4);
	ck_assert_uint_eq(env.total, 7);
	ck_assert_int_eq(bell_recv_piece(bus_b, buf, 0, &env, 0), -BELL_EINVAL);
}
END_TEST

START_TEST(two_large_ones_at_once_are_not_mixed)
{
	struct bell_peer *c = world->open();
	struct bell_bus *bus_c = join(c, "c");
	unsigned char *got = malloc(LARGE);
	struct upload u[2];
	unsigned whole = 0;

	must(got != NULL);
	upload_begin(&u[0], bus_a, bell_id(b), LARGE, LARGE, 1);
	upload_begin(&u[1], bus_c, bell_id(b), LARGE - 777, LARGE - 777, 2);
	while (whole < 2) {
		struct bell_envelope env;
		int64_t n;

		(void)upload_step(&u[0]);
		(void)upload_step(&u[1]);
		n = bell_recv(bus_b, got, LARGE, &env, 0);
		if (n == -BELL_EAGAIN)
			continue;
		ck_assert_int_eq(n, env.peer == bell_id(c) ? LARGE - 777 : LARGE);
		check_bytes(got, 0, (uint64_t)n, env.peer == bell_id(c) ? 2 : 1);
		whole++;
	}
	free(got);
	bell_leave(bus_c);
	bell_close(c);
}
END_TEST

START_TEST(others_are_served_while_a_large_one_stalls)
{
	struct bell_peer *c = world->open();
	struct bell_bus *bus_c = join(c, "c");
	unsigned char *got = malloc(LARGE);
	struct upload u;

	must(got != NULL);
	upload_begin(&u, bus_a, bell_id(b), LARGE, LARGE, 1);
	(void)upload_step(&u);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(bell_recv(bus_b, got, LARGE, NULL, 0), -BELL_EAGAIN);
		ck_assert_int_eq(bell_send(bus_c, bell_id(b), "small", 5, 0), 0);
		ck_assert_int_eq(bell_recv(bus_b, got, LARGE, NULL, WAIT_MS), 5);
		ck_assert_mem_eq(got, "small", 5);
		(void)upload_step(&u);
	}
	for (;;) {
		int64_t n;

		(void)upload_step(&u);
		n = bell_recv(bus_b, got, LARGE, NULL, 0);
		if (n == -BELL_EAGAIN)
			continue;
		ck_assert_int_eq(n, LARGE);
		break;
	}
	check_bytes(got, 0, LARGE, 1);
	free(got);
	bell_leave(bus_c);
	bell_close(c);
}
END_TEST

START_TEST(an_abandoned_one_is_not_delivered)
{
	struct bell_envelope env;
	unsigned char *got = malloc(LARGE);
	struct upload u;

	must(got != NULL);
	for (int round = 0; round < 2; round++) {
		upload_begin(&u, bus_a, bell_id(b), LARGE, LARGE, 1);
		(void)upload_step(&u);
		ck_assert_int_eq(bell_recv(bus_b, got, LARGE, NULL, 0), -BELL_EAGAIN);
		bell_abandon(u.out);
		free(u.data);
		ck_assert_int_eq(bell_send(bus_a, bell_id(b), "next", 4, WAIT_MS), 0);
		ck_assert_int_eq(bell_recv(bus_b, got, LARGE, &env, WAIT_MS), 4);
		ck_assert_mem_eq(got, "next", 4);
	}
	free(got);
}
END_TEST

START_TEST(pieces_tell_of_one_that_broke_off)
{
	static unsigned char buf[1 << 18];
	struct bell_envelope env = { .flags = BELL_MORE };
	struct upload u;

	upload_begin(&u, bus_a, bell_id(b), LARGE, LARGE, 1);
	(void)upload_step(&u);
	ck_assert_int_gt(bell_recv_piece(bus_b, buf, sizeof(buf), &env, WAIT_MS), 0);
	/* By its end, or by the sender's. */
	if (_i == 0) {
		bell_abandon(u.out);
	} else {
		bell_abandon(u.out);
		bell_leave(bus_a);
		bus_a = NULL;
	}
	free(u.data);
	while (env.flags == BELL_MORE)
		ck_assert_int_ge(bell_recv_piece(bus_b, buf, sizeof(buf), &env, WAIT_MS), 0);
	ck_assert_uint_eq(env.flags, BELL_BROKEN);
	ck_assert_uint_eq(env.len, 0);
	ck_assert_uint_gt(env.offset, 0);
	ck_assert_int_eq(bell_recv_piece(bus_b, buf, sizeof(buf), &env, 0), -BELL_EAGAIN);
}
END_TEST

START_TEST(one_that_does_not_get_through_in_time_leaves_nothing)
{
	unsigned char *data = message(LARGE, 5), *got = malloc(LARGE);

	must(got != NULL);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), data, LARGE, 20), -BELL_EAGAIN);
	ck_assert_int_eq(bell_recv(bus_b, got, LARGE, NULL, 0), -BELL_EAGAIN);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "after", 5, WAIT_MS), 0);
	ck_assert_int_eq(bell_recv(bus_b, got, LARGE, NULL, WAIT_MS), 5);
	ck_assert_mem_eq(got, "after", 5);
	free(data);
	free(got);
}
END_TEST

START_TEST(order_is_kept_by_refusing)
{
	struct bell_envelope env = { .peer = bell_id(b) };
	struct bell_outgoing *out;
	char buf[8];

	ck_assert_int_eq(bell_begin(bus_a, &env, 3, &out), 0);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), -BELL_EBUSY);
	ck_assert_int_eq(bell_begin(bus_a, &env, 3, &(struct bell_outgoing *){ NULL }),
			 -BELL_EBUSY);
	ck_assert_int_eq(bell_continue(out, "abcd", 4, 0), -BELL_EMSGSIZE);
	ck_assert_int_eq(bell_continue(out, "ab", 2, 0), 2);
	ck_assert_int_eq(bell_finish(out, 0, 0), -BELL_EMSGSIZE);
	ck_assert_int_eq(bell_continue(out, "c", 1, 0), 1);
	ck_assert_int_eq(bell_finish(out, 0, 0), 0);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), 0);
	ck_assert_int_eq(bell_recv(bus_b, buf, 8, NULL, WAIT_MS), 3);
	ck_assert_mem_eq(buf, "abc", 3);
	ck_assert_int_eq(bell_recv(bus_b, buf, 8, NULL, WAIT_MS), 1);
}
END_TEST

START_TEST(an_empty_one_bit_by_bit)
{
	static const uint64_t totals[] = { 0, BELL_UNKNOWN };
	struct bell_envelope env;
	struct bell_outgoing *out;

	for (int i = 0; i < 2; i++) {
		env = (struct bell_envelope){ .peer = bell_id(b) };
		ck_assert_int_eq(bell_begin(bus_a, &env, totals[i], &out), 0);
		ck_assert_int_eq(bell_finish(out, 9, 0), 0);
		ck_assert_int_eq(bell_recv(bus_b, NULL, 0, &env, WAIT_MS), 0);
		ck_assert_uint_eq(env.check, 9);
		ck_assert_uint_eq(env.total, 0);
	}
}
END_TEST

START_TEST(a_large_one_of_parts)
{
	unsigned char *data = message(LARGE, 1);
	struct bell_part parts[] = { { data, 5 }, { data + 5, LARGE - 5 } };
	struct bell_envelope env = { .peer = bell_id(a) };
	unsigned char *got = malloc(LARGE);

	/* To oneself there is nobody to read meanwhile: it can't get through. */
	must(got != NULL);
	ck_assert_int_eq(bell_sendv(bus_a, &env, parts, 2, 10), -BELL_EAGAIN);
	ck_assert_int_eq(bell_recv(bus_a, got, LARGE, NULL, 0), -BELL_EAGAIN);
	free(data);
	free(got);
}
END_TEST

static uint64_t delivered;
static bool delivered_whole;

static void on_piece(struct bell_bus *bus, const struct bell_envelope *env,
		     const void *data, void *arg)
{
	(void)bus, (void)arg;
	ck_assert_uint_eq(env->offset, delivered);
	check_bytes(data, delivered, env->len, 6);
	delivered += env->len;
	delivered_whole = !(env->flags & BELL_MORE);
}

START_TEST(a_callback_gets_the_pieces)
{
	struct upload u;

	delivered = 0;
	delivered_whole = false;
	bell_on_message(bus_b, on_piece, NULL);
	upload_begin(&u, bus_a, bell_id(b), LARGE, LARGE, 6);
	while (!delivered_whole) {
		(void)upload_step(&u);
		ck_assert_int_ge(bell_dispatch(b), 0);
	}
	ck_assert_uint_eq(delivered, LARGE);
}
END_TEST

START_TEST(from_bell_recv_to_pieces_in_the_middle)
{
	unsigned char *got = malloc(LARGE);
	struct bell_envelope env;
	struct upload u;

	must(got != NULL);
	upload_begin(&u, bus_a, bell_id(b), LARGE, LARGE, 2);
	(void)upload_step(&u);
	ck_assert_int_eq(bell_recv(bus_b, got, LARGE, NULL, 0), -BELL_EAGAIN);
	free(got);
	ck_assert_uint_eq(take_pieces(&u, 4096, 2, LARGE, &env), LARGE);
}
END_TEST

void add_large(Suite *suite)
{
	TCase *tc = add_case(suite, "large", setup);

	tcase_add_test(tc, larger_than_the_ring_arrives_whole);
	tcase_add_test(tc, of_unknown_size_only_pieces_can_be_taken);
	tcase_add_loop_test(tc, pieces_of_any_size, 0, 4);
	tcase_add_test(tc, small_messages_come_in_pieces_too);
	tcase_add_test(tc, two_large_ones_at_once_are_not_mixed);
	tcase_add_test(tc, others_are_served_while_a_large_one_stalls);
	tcase_add_test(tc, an_abandoned_one_is_not_delivered);
	tcase_add_loop_test(tc, pieces_tell_of_one_that_broke_off, 0, 2);
	tcase_add_test(tc, one_that_does_not_get_through_in_time_leaves_nothing);
	tcase_add_test(tc, order_is_kept_by_refusing);
	tcase_add_test(tc, an_empty_one_bit_by_bit);
	tcase_add_test(tc, a_large_one_of_parts);
	tcase_add_test(tc, a_callback_gets_the_pieces);
	tcase_add_test(tc, from_bell_recv_to_pieces_in_the_middle);
}
