/* SPDX-License-Identifier: BSD-2-Clause */
/* Many messages received with one call: which, where they lie, and what comes alone. */
#include "conformance.h"
#include "os.h"

#include <stdlib.h>
#include <string.h>

#define ROOM 64 /* messages a call */

static unsigned char buf[1 << 16];
static struct bell_part msgs[ROOM];

/* The next batch of a's messages to b. */
static int64_t batch(size_t size, size_t count, struct bell_envelope *env)
{
	memset(msgs, 0, sizeof(msgs));
	memset(buf, 0, sizeof(buf));
	return bell_recv_batch(bus_b, buf, size, msgs, count, env, WAIT_MS);
}

static void send_tagged(uint16_t tag, const char *text)
{
	struct bell_envelope env = { .peer = bell_id(b), .tag = tag };

	ck_assert_int_eq(bell_post(bus_a, &env, text, strlen(text), 0), 0);
}

static void expect(int64_t i, const char *text)
{
	ck_assert_uint_eq(msgs[i].len, strlen(text));
	ck_assert_mem_eq(msgs[i].data, text, msgs[i].len);
	ck_assert_uint_eq((size_t)((const unsigned char *)msgs[i].data - buf) % 8, 0);
}

/* Of all sizes from 0 on, so many times that the ring's end is crossed. */
START_TEST(all_come_in_order_and_whole)
{
	enum { SENT = 40, ROUNDS = 4000 };
	unsigned char msg[SENT * 5];
	struct bell_envelope env;
	uint64_t calls = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < SENT; i++) {
			memset(msg, (int)(round + i), sizeof(msg));
			ck_assert_int_eq(bell_send(bus_a, bell_id(b), msg, i * 5, 0), 0);
		}
		for (unsigned i = 0; i < SENT; calls++) {
			int64_t n = batch(sizeof(buf), ROOM, &env);
			uint64_t bytes = 0;

			ck_assert_int_ge(n, 1);
			ck_assert_int_le(n, SENT - i);
			for (int64_t k = 0; k < n; k++, i++) {
				memset(msg, (int)(round + i), sizeof(msg));
				ck_assert_uint_eq(msgs[k].len, i * 5);
				if (i > 0)
					ck_assert_mem_eq(msgs[k].data, msg, i * 5);
				bytes += i * 5;
			}
			ck_assert_uint_eq(env.peer, bell_id(a));
			ck_assert_uint_eq(env.len, bytes);
			ck_assert_uint_eq(env.total, bytes);
		}
	}
	ck_assert_int_eq(bell_recv(bus_b, buf, sizeof(buf), NULL, 0), -BELL_EAGAIN);
	/* One at the ring's end comes alone, and what is behind it in another call. */
	ck_assert_uint_lt(calls, ROUNDS * 2);
}
END_TEST

START_TEST(as_many_as_there_is_room_for)
{
	for (int i = 0; i < 10; i++)
		send_tagged(0, "0123456789");
	ck_assert_int_eq(batch(sizeof(buf), 3, NULL), 3);
	expect(2, "0123456789");
	ck_assert_ptr_null(msgs[3].data);
	/* The third would begin at 32. */
	ck_assert_int_eq(batch(41, ROOM, NULL), 2);
	ck_assert_int_eq(batch(42, ROOM, NULL), 3);
	expect(2, "0123456789");
	ck_assert_int_eq(batch(10, ROOM, NULL), 1);
	ck_assert_int_eq(batch(sizeof(buf), 1, NULL), 1);
	ck_assert_int_eq(bell_recv_batch(bus_b, buf, sizeof(buf), msgs, ROOM, NULL, 0),
			 -BELL_EAGAIN);
}
END_TEST

START_TEST(one_too_large_is_told_and_stays)
{
	struct bell_envelope env = { 0 };

	send_tagged(0, "ab");
	send_tagged(0, "0123456789");
	ck_assert_int_eq(batch(12, ROOM, &env), 1);
	expect(0, "ab");
	ck_assert_int_eq(batch(9, ROOM, &env), -BELL_EMSGSIZE);
	ck_assert_uint_eq(env.total, 10);
	ck_assert_int_eq(batch(10, ROOM, &env), 1);
	expect(0, "0123456789");
	ck_assert_int_eq(bell_recv_batch(bus_b, buf, sizeof(buf), msgs, 0, &env, 0),
			 -BELL_EINVAL);
}
END_TEST

START_TEST(another_tag_is_another_batch)
{
	struct bell_envelope env;

	send_tagged(7, "a");
	send_tagged(7, "b");
	send_tagged(8, "c");
	send_tagged(0, "d");
	send_tagged(0, "e");
	ck_assert_int_eq(batch(sizeof(buf), ROOM, &env), 2);
	ck_assert_uint_eq(env.tag, 7);
	expect(1, "b");
	ck_assert_int_eq(batch(sizeof(buf), ROOM, &env), 1);
	ck_assert_uint_eq(env.tag, 8);
	ck_assert_int_eq(batch(sizeof(buf), ROOM, &env), 2);
	ck_assert_uint_eq(env.tag, 0);
	expect(1, "e");
}
END_TEST

/* Neither is lost, nor does one wait behind a thousand of the other. */
START_TEST(senders_take_turns)
{
	struct bell_peer *c = world->open();
	struct bell_bus *bus_c = join(c, "c");
	struct bell_envelope env;
	unsigned of_a = 0, of_c = 0;

	for (int i = 0; i < 300; i++)
		send_tagged(0, "a");
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(bell_send(bus_c, bell_id(b), "c", 1, 0), 0);
	while (of_c < 3) {
		int64_t n = batch(sizeof(buf), ROOM, &env);

		ck_assert_int_gt(n, 0);
		expect(n - 1, env.peer == bell_id(c) ? "c" : "a");
		*(env.peer == bell_id(c) ? &of_c : &of_a) += (unsigned)n;
		ck_assert_uint_le(of_a, 2 * ROOM);
	}
	while (of_a < 300)
		of_a += (unsigned)batch(sizeof(buf), ROOM, &env);
	ck_assert_uint_eq(of_a, 300);
	ck_assert_uint_eq(of_c, 3);
	bell_leave(bus_c);
	bell_close(c);
}
END_TEST

START_TEST(what_is_special_comes_alone)
{
	size_t most = bell_max_piece(bus_a), large = most + 1;
	unsigned char *bytes = calloc(1, large), *room = malloc(large + 8);
	struct bell_outgoing *out = NULL;
	struct bell_envelope env;

	ck_assert_int_eq(bell_subscribe(bus_b, "news"), 0);
	send_tagged(0, "a");
	ck_assert_int_eq(bell_publish(bus_a, "news", 0, "b", 1, WAIT_MS), 1);
	send_tagged(0, "c");
	ck_assert_int_eq(batch(sizeof(buf), ROOM, &env), 1);
	ck_assert_ptr_null(env.topic);
	ck_assert_int_eq(batch(sizeof(buf), ROOM, &env), 1);
	ck_assert_str_eq(env.topic, "news");
	expect(0, "b");
	ck_assert_int_eq(batch(sizeof(buf), ROOM, &env), 1);
	ck_assert_ptr_null(env.topic);
	expect(0, "c");
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), bytes, most, 0), 0);
	ck_assert_int_eq(bell_recv_batch(bus_b, room, most, msgs, ROOM, &env, WAIT_MS), 1);
	ck_assert_uint_eq(msgs[0].len, most);
	env = (struct bell_envelope){ .peer = bell_id(b) };
	ck_assert_int_eq(bell_begin(bus_a, &env, large, &out), 0);
	for (size_t at = 0; at < large;) {
		int64_t n = bell_continue(out, bytes + at, large - at, 0);

		ck_assert_int_gt(n, 0);
		at += (size_t)n;
	}
	ck_assert_int_eq(bell_finish(out, 0, 0), 0);
	send_tagged(0, "d");
	ck_assert_int_eq(bell_recv_batch(bus_b, room, large + 8, msgs, ROOM, &env, WAIT_MS), 1);
	ck_assert_uint_eq(msgs[0].len, large);
	ck_assert_int_eq(batch(sizeof(buf), ROOM, &env), 1);
	expect(0, "d");
	free(bytes);
	free(room);
}
END_TEST

START_TEST(what_is_held_stays_as_it_is)
{
	struct bell_envelope env;
	const void *held;

	send_tagged(0, "held");
	send_tagged(0, "a");
	send_tagged(0, "b");
	ck_assert_int_eq(bell_peek(bus_b, &env, &held, WAIT_MS), 4);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(batch(sizeof(buf), ROOM, &env), 1);
		expect(0, i ? "b" : "a");
	}
	ck_assert_mem_eq(held, "held", 4);
	ck_assert_int_eq(bell_release(bus_b, env.peer), 0);
}
END_TEST

/* A sender that waits for space is woken by a batch as by what came one by one. */
START_TEST(space_is_told)
{
	static const char big[1000];
	struct bell_stats stats;
	int64_t n, got = 0, sent = 0;
	int rc;

	while ((rc = bell_send(bus_a, bell_id(b), big, sizeof(big), 0)) == 0)
		sent++;
	ck_assert_int_eq(rc, -BELL_EAGAIN);
	while (got < sent) {
		n = batch(sizeof(buf), ROOM, NULL);
		ck_assert_int_gt(n, 0);
		got += n;
	}
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), big, sizeof(big), 0), 0);
	bell_get_stats(bus_b, &stats);
	ck_assert_uint_eq(stats.received, (uint64_t)sent);
}
END_TEST

static unsigned rung[2];

static void on_interrupt(struct bell_peer *peer, unsigned vector, void *arg)
{
	(void)peer;
	(void)vector;
	++*(unsigned *)arg;
}

/*
 * Batches there and back, neither side with a wait: a doorbell beside them is heard,
 * as soon as it comes, which on a busy machine takes a while.
 */
START_TEST(who_is_busy_with_batches_hears_of_interrupts)
{
	enum { BATCHES = 500 }; /* far more messages than pass between two looks */
	uint64_t end = os_now_ns() + WAIT_MS * UINT64_C(1000000);
	struct bell_envelope env = { .peer = bell_id(b) };
	struct bell_part out[ROOM];

	if (bell_vectors(b) == 0)
		return; /* this port has none */
	for (unsigned i = 0; i < ROOM; i++)
		out[i] = (struct bell_part){ "0123456789", 10 };
	ck_assert_int_eq(bell_on_interrupt(a, 1, on_interrupt, &rung[0]), 0);
	ck_assert_int_eq(bell_on_interrupt(b, 1, on_interrupt, &rung[1]), 0);
	for (unsigned n = 0; n < BATCHES || !rung[0] || !rung[1]; n++) {
		ck_assert_msg(n < BATCHES || os_now_ns() < end, "rung: %u, %u", rung[0], rung[1]);
		/* Not at the begin, when both look anyway. */
		if (n == BATCHES / 10) {
			ck_assert_int_eq(bell_ring(a, bell_id(b), 1), 0);
			ck_assert_int_eq(bell_ring(b, bell_id(a), 1), 0);
		}
		ck_assert_int_eq(bell_send_batch(bus_a, &env, out, ROOM, 0), ROOM);
		for (int64_t got = 0; got < ROOM;) {
			int64_t k = batch(sizeof(buf), ROOM, NULL);

			ck_assert_int_gt(k, 0);
			got += k;
		}
	}
}
END_TEST

void add_batches(Suite *suite)
{
	TCase *tc = add_case(suite, "batches", setup);

	tcase_add_test(tc, all_come_in_order_and_whole);
	tcase_add_test(tc, as_many_as_there_is_room_for);
	tcase_add_test(tc, one_too_large_is_told_and_stays);
	tcase_add_test(tc, another_tag_is_another_batch);
	tcase_add_test(tc, senders_take_turns);
	tcase_add_test(tc, what_is_special_comes_alone);
	tcase_add_test(tc, what_is_held_stays_as_it_is);
	tcase_add_test(tc, space_is_told);
	tcase_add_test(tc, who_is_busy_with_batches_hears_of_interrupts);
}
