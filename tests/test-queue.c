/* SPDX-License-Identifier: BSD-2-Clause */
/* What a client has still to be sent: order, pieces, forgetting, descriptors. */
#include "bellring.h"
#include "queue.h"
#include "testing.h"

#include <string.h>

static int64_t number_of(const unsigned char *bytes)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < PROTO_SIZE; i++)
		bits |= (uint64_t)bytes[i] << (8 * i);
	return (int64_t)bits;
}

/* Takes a whole message; its descriptor, or -1. */
static int take(struct queue *q, int64_t number)
{
	struct queue_piece piece;

	ck_assert(queue_next(q, &piece));
	ck_assert_uint_eq(piece.len, PROTO_SIZE);
	ck_assert_int_eq(number_of(piece.bytes), number);
	queue_sent(q, PROTO_SIZE);
	return piece.fd;
}

START_TEST(order_and_bytes)
{
	int before = open_fds();
	struct vectors *v;
	struct queue q;

	queue_init(&q);
	ck_assert_int_eq(vectors_new(2, &v), 0);
	ck_assert_int_eq(queue_number(&q, -1, 0), 0);
	ck_assert_int_eq(queue_vectors(&q, 7, v), 0);
	ck_assert_int_eq(queue_number(&q, 5, -1), 0);
	ck_assert_uint_eq(q.bytes, 4 * PROTO_SIZE);
	ck_assert_int_eq(take(&q, -1), 0);
	ck_assert_int_eq(take(&q, 7), v->fd[0]);
	ck_assert_int_eq(take(&q, 7), v->fd[1]);
	ck_assert_uint_eq(q.bytes, PROTO_SIZE);
	ck_assert_uint_eq(v->refs, 1);
	ck_assert_int_eq(take(&q, 5), -1);
	ck_assert(!queue_next(&q, &(struct queue_piece){ .len = 0 }));
	ck_assert_uint_eq(q.bytes, 0);
	ck_assert_int_eq(queue_number(&q, 6, -1), 0); /* after it was empty */
	ck_assert_int_eq(take(&q, 6), -1);
	vectors_unref(v);
	queue_done(&q);
	ck_assert_int_eq(open_fds(), before);
}
END_TEST

/* The descriptor goes with the first byte, and only once. */
START_TEST(pieces_of_a_message)
{
	unsigned char whole[PROTO_SIZE], got[PROTO_SIZE];

	proto_encode(0x0102030405060708, whole);
	for (unsigned cut = 1; cut < PROTO_SIZE; cut++) {
		struct queue_piece piece;
		struct queue q;

		queue_init(&q);
		ck_assert_int_eq(queue_number(&q, 0x0102030405060708, 9), 0);
		ck_assert(queue_next(&q, &piece));
		ck_assert_int_eq(piece.fd, 9);
		memcpy(got, piece.bytes, cut);
		queue_sent(&q, cut);
		ck_assert(queue_next(&q, &piece));
		ck_assert_int_eq(piece.fd, -1);
		ck_assert_uint_eq(piece.len, PROTO_SIZE - cut);
		memcpy(got + cut, piece.bytes, piece.len);
		ck_assert_mem_eq(got, whole, PROTO_SIZE);
		queue_sent(&q, piece.len);
		ck_assert(!queue_next(&q, &piece));
		queue_done(&q);
	}
}
END_TEST

START_TEST(forgetting_a_peer)
{
	int before = open_fds();
	struct vectors *a, *b;
	struct queue q;

	queue_init(&q);
	ck_assert_int_eq(vectors_new(2, &a), 0);
	ck_assert_int_eq(vectors_new(2, &b), 0);
	ck_assert_int_eq(queue_vectors(&q, 1, a), 0);
	ck_assert_int_eq(queue_vectors(&q, 2, b), 0);
	ck_assert_int_eq(queue_number(&q, 3, -1), 0);
	vectors_unref(a);
	vectors_unref(b);

	ck_assert(!queue_forget(&q, 9)); /* not in it */
	ck_assert(!queue_forget(&q, 3)); /* no vectors: it left */
	ck_assert(queue_forget(&q, 2));
	ck_assert_int_eq(open_fds(), before + 2); /* those of a */
	ck_assert_uint_eq(q.bytes, 3 * PROTO_SIZE);
	take(&q, 1);
	ck_assert(!queue_forget(&q, 1)); /* begun: the client knows it */
	take(&q, 1);
	take(&q, 3);
	ck_assert_int_eq(open_fds(), before);
	queue_done(&q);
}
END_TEST

START_TEST(forgetting_the_last_one)
{
	struct queue_piece piece;
	struct vectors *v;
	struct queue q;

	queue_init(&q);
	ck_assert_int_eq(vectors_new(1, &v), 0);
	ck_assert_int_eq(queue_number(&q, 4, -1), 0);
	ck_assert_int_eq(queue_vectors(&q, 1, v), 0);
	ck_assert(queue_forget(&q, 1));
	ck_assert_int_eq(queue_number(&q, 5, -1), 0);
	take(&q, 4);
	take(&q, 5);

	/* Half of its first message is sent: too late. */
	ck_assert_int_eq(queue_vectors(&q, 1, v), 0);
	ck_assert(queue_next(&q, &piece));
	queue_sent(&q, 3);
	ck_assert(!queue_forget(&q, 1));
	queue_done(&q);
	vectors_unref(v);
}
END_TEST

START_TEST(done_lets_go_of_vectors)
{
	int before = open_fds();
	struct vectors *v;
	struct queue q;

	queue_init(&q);
	ck_assert_int_eq(vectors_new(16, &v), 0);
	ck_assert_int_eq(queue_vectors(&q, 1, v), 0);
	ck_assert_int_eq(queue_vectors(&q, 1, v), 0);
	vectors_unref(v);
	ck_assert_int_eq(open_fds(), before + 16);
	queue_done(&q);
	ck_assert_int_eq(open_fds(), before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue");
	TCase *tc = tcase_create("queue");

	tcase_add_test(tc, order_and_bytes);
	tcase_add_test(tc, pieces_of_a_message);
	tcase_add_test(tc, forgetting_a_peer);
	tcase_add_test(tc, forgetting_the_last_one);
	tcase_add_test(tc, done_lets_go_of_vectors);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
