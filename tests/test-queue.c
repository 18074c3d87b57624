/* SPDX-License-Identifier: BSD-2-Clause */
/* What a client has still to be sent: order, batches, forgetting. */
#include "bellring.h"
#include "proto.h"
#include "queue.h"
#include "testing.h"

static struct queue q;

static void begin(void)
{
	queue_init(&q);
}

static void end(void)
{
	queue_done(&q);
}

/* Takes the next message: what it is, and its number. */
static unsigned take(enum queue_what what, int64_t number)
{
	struct queue_message m;

	ck_assert_uint_eq(queue_peek(&q, &m, 1), 1);
	ck_assert_int_eq(m.what, what);
	ck_assert_int_eq(m.number, number);
	queue_sent(&q, 1);
	return m.vector;
}

static void is_empty(void)
{
	struct queue_message m;

	ck_assert_uint_eq(queue_peek(&q, &m, 1), 0);
	ck_assert_uint_eq(q.bytes, 0);
	ck_assert_uint_eq(q.items, 0);
}

START_TEST(order_and_bytes)
{
	ck_assert_int_eq(queue_number(&q, -1, QUEUE_MEMORY), 0);
	ck_assert_int_eq(queue_vectors(&q, 7, 0, 2), 0);
	ck_assert_int_eq(queue_number(&q, 5, QUEUE_PLAIN), 0);
	ck_assert_uint_eq(q.bytes, 4 * PROTO_SIZE);
	ck_assert_uint_eq(q.items, 3);
	take(QUEUE_MEMORY, -1);
	ck_assert_uint_eq(take(QUEUE_VECTORS, 7), 0);
	ck_assert_uint_eq(take(QUEUE_VECTORS, 7), 1);
	ck_assert_uint_eq(q.bytes, PROTO_SIZE);
	take(QUEUE_PLAIN, 5);
	is_empty();
	ck_assert_int_eq(queue_number(&q, 6, QUEUE_PLAIN), 0); /* after it was empty */
	take(QUEUE_PLAIN, 6);
	is_empty();
}
END_TEST

/* Any batch, and any part of it sent, leave the rest in order. */
START_TEST(batches)
{
	struct queue_message m[8];
	int64_t next = 0;

	for (uint32_t id = 0; id < 4; id++)
		ck_assert_int_eq(queue_vectors(&q, id, 0, 3), 0);
	while (next < 12) {
		size_t n = queue_peek(&q, m, (size_t)_i + 2);

		for (size_t i = 0; i < n; i++) {
			ck_assert_int_eq(m[i].number, (next + (int64_t)i) / 3);
			ck_assert_uint_eq(m[i].vector,
					  (unsigned)(next + (int64_t)i) % 3);
		}
		/* Not all of it could be sent. */
		n = n > 1 ? n - 1 : n;
		queue_sent(&q, n);
		next += (int64_t)n;
		ck_assert_uint_eq(q.bytes, (size_t)(12 - next) * PROTO_SIZE);
	}
	is_empty();
}
END_TEST

START_TEST(a_part_that_was_sent_before)
{
	ck_assert_int_eq(queue_vectors(&q, 3, 2, 4), 0);
	ck_assert_uint_eq(q.bytes, 2 * PROTO_SIZE);
	ck_assert_uint_eq(take(QUEUE_VECTORS, 3), 2);
	ck_assert_uint_eq(take(QUEUE_VECTORS, 3), 3);
	is_empty();
}
END_TEST

START_TEST(forgetting_a_peer)
{
	ck_assert_int_eq(queue_vectors(&q, 1, 0, 2), 0);
	ck_assert_int_eq(queue_vectors(&q, 2, 0, 2), 0);
	ck_assert_int_eq(queue_number(&q, 3, QUEUE_PLAIN), 0);

	ck_assert(!queue_forget(&q, 9)); /* not in it */
	ck_assert(!queue_forget(&q, 3)); /* no vectors: it left */
	ck_assert(queue_forget(&q, 2));
	ck_assert_uint_eq(q.bytes, 3 * PROTO_SIZE);
	take(QUEUE_VECTORS, 1);
	/* Begun: the client knows of it, but needs no more of its vectors. */
	ck_assert(!queue_forget(&q, 1));
	ck_assert_uint_eq(q.bytes, PROTO_SIZE);
	take(QUEUE_PLAIN, 3);
	is_empty();
}
END_TEST

START_TEST(forgetting_the_last_one)
{
	ck_assert_int_eq(queue_number(&q, 4, QUEUE_PLAIN), 0);
	ck_assert_int_eq(queue_vectors(&q, 1, 0, 1), 0);
	ck_assert(queue_forget(&q, 1));
	ck_assert_int_eq(queue_number(&q, 5, QUEUE_PLAIN), 0);
	take(QUEUE_PLAIN, 4);
	take(QUEUE_PLAIN, 5);
	is_empty();
	ck_assert_int_eq(queue_vectors(&q, 2, 0, 1), 0); /* left to queue_done() */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue");
	TCase *tc = tcase_create("queue");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, order_and_bytes);
	tcase_add_loop_test(tc, batches, 0, 6);
	tcase_add_test(tc, a_part_that_was_sent_before);
	tcase_add_test(tc, forgetting_a_peer);
	tcase_add_test(tc, forgetting_the_last_one);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
