/* SPDX-License-Identifier: BSD-2-Clause */
/* Senders that wait for space, and receivers in an event loop. */
#include "asleep.h"
#include "conformance.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct flood {
	struct bell_bus *bus;
	uint32_t to;
	uint32_t count;
};

static void *flood(void *arg)
{
	struct flood *f = arg;
	unsigned char msg[300];

	memset(msg, 0, sizeof(msg));
	for (uint32_t i = 0; i < f->count; i++) {
		memcpy(msg, &i, sizeof(i));
		must(bell_send(f->bus, f->to, msg, sizeof(i) + i % 290, -1) == 0);
	}
	return NULL;
}

START_TEST(blocked_sender_is_woken)
{
	struct flood f = { bus_a, bell_id(b), 50000 };
	unsigned char got[300];
	pthread_t thread;
	uint32_t v;

	set_two_ways(_i);
	ck_assert_int_eq(pthread_create(&thread, NULL, flood, &f), 0);
	for (uint32_t i = 0; i < f.count; i++) {
		ck_assert_int_eq(bell_recv(bus_b, got, sizeof(got), NULL, WAIT_MS),
				 (int64_t)(sizeof(v) + i % 290));
		memcpy(&v, got, sizeof(v));
		ck_assert_uint_eq(v, i);
	}
	pthread_join(thread, NULL);
}
END_TEST

static _Atomic int sender_thread;

static void *send_until_gone(void *arg)
{
	struct flood *f = arg;
	int rc;

	while ((rc = bell_send(f->bus, f->to, "xxxxxxxx", 8, 0)) == 0)
		;
	sender_thread = this_thread(); /* full: what is sent from here on sleeps */
	while ((rc = bell_send(f->bus, f->to, "xxxxxxxx", 8, -1)) == 0)
		;
	f->count = (uint32_t)-rc;
	return NULL;
}

START_TEST(blocked_sender_learns_of_a_leave)
{
	struct flood f = { bus_a, bell_id(b), 0 };
	pthread_t thread;

	sender_thread = 0;
	ck_assert_int_eq(pthread_create(&thread, NULL, send_until_gone, &f), 0);
	while (sender_thread == 0 || !is_asleep(sender_thread))
		poll(NULL, 0, 1);
	bell_leave(bus_b);
	bus_b = NULL;
	pthread_join(thread, NULL);
	ck_assert_uint_eq(f.count, BELL_ENOPEER);
}
END_TEST

static int delivered;

static void count_message(struct bell_bus *bus, const struct bell_envelope *env,
			  const void *data, void *arg)
{
	ck_assert_ptr_eq(arg, &delivered);
	ck_assert_uint_eq(env->len, 4);
	ck_assert_mem_eq(data, "ping", 4);
	ck_assert_int_eq(bell_send(bus, env->peer, "pong", 4, 0), 0);
	delivered++;
}

START_TEST(dispatch_delivers_and_leaves_armed)
{
	struct pollfd p = { .fd = bell_handle(b), .events = POLLIN };
	char got[4];

	delivered = 0;
	bell_on_message(bus_b, count_message, &delivered);
	while (bell_dispatch(b) > 0)
		;
	for (int i = 1; i <= 100; i++) {
		expect_quiet(b);
		ck_assert_int_eq(bell_send(bus_a, bell_id(b), "ping", 4, 0), 0);
		ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
		ck_assert_int_ge(bell_dispatch(b), 1);
		ck_assert_int_eq(delivered, i);
		ck_assert_int_eq(bell_recv(bus_a, got, 4, NULL, WAIT_MS), 4);
	}
}
END_TEST

START_TEST(recv_again_leaves_armed)
{
	struct pollfd p = { .fd = bell_handle(b), .events = POLLIN };
	char got[4];

	while (bell_recv(bus_b, got, 4, NULL, 0) >= 0 || bell_dispatch(b) > 0)
		;
	for (int i = 0; i < 100; i++) {
		expect_quiet(b);
		ck_assert_int_eq(bell_send(bus_a, bell_id(b), "ping", 4, 0), 0);
		ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
		ck_assert_int_ge(bell_dispatch(b), 1);
		ck_assert_int_eq(bell_recv(bus_b, got, 4, NULL, 0), 4);
		ck_assert_int_eq(bell_recv(bus_b, got, 4, NULL, 0), -BELL_EAGAIN);
	}
}
END_TEST

/* ---- what may take a wake-up away ---- */

/* Puts garbage where the headers of all records with these 8 bytes are. */
static void break_records(const char bytes[8])
{
	size_t size;
	/* In order and atomic: a record's header orders its bytes, also for TSan. */
	_Atomic uint64_t *memory = bell_memory(a, &size);
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	for (size_t i = 1; i < size / sizeof(word); i++)
		if (memory[i] == word)
			memory[i - 1] = UINT64_MAX;
}

START_TEST(broken_link_leaves_the_others_armed)
{
	struct pollfd p = { .fd = bell_handle(b), .events = POLLIN };
	char got[4];

	delivered = 0;
	bell_on_message(bus_b, count_message, &delivered);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "garbage!", 8, 0), 0);
	break_records("garbage!");
	while (bell_dispatch(b) != -BELL_ECORRUPT)
		ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	while (poll(&p, 1, 0) == 1)
		ck_assert_int_ge(bell_dispatch(b), 0);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "ping", 4, 0), -BELL_ECORRUPT);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "ping", 4, 0), 0);
	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	ck_assert_int_ge(bell_dispatch(b), 1);
	ck_assert_int_eq(delivered, 1);
	ck_assert_int_eq(bell_recv(bus_a, got, 4, NULL, WAIT_MS), 4);
}
END_TEST

START_TEST(blocked_sender_learns_of_a_broken_link)
{
	struct flood f = { bus_a, bell_id(b), 0 };
	pthread_t thread;
	char got[8];

	sender_thread = 0;
	ck_assert_int_eq(pthread_create(&thread, NULL, send_until_gone, &f), 0);
	while (sender_thread == 0 || !is_asleep(sender_thread))
		poll(NULL, 0, 1);
	break_records("xxxxxxxx");
	ck_assert_int_eq(bell_recv(bus_b, got, 8, NULL, WAIT_MS), -BELL_ECORRUPT);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(f.count, BELL_ECORRUPT);
}
END_TEST

static void count_any(struct bell_bus *bus, const struct bell_envelope *env,
		      const void *data, void *arg)
{
	(void)bus, (void)env, (void)data;
	++*(int *)arg;
}

START_TEST(waiting_send_keeps_the_rest_of_a_dispatch)
{
	struct pollfd p = { .fd = bell_handle(a), .events = POLLIN };
	int sent = 0, got = 0;

	while (bell_dispatch(a) > 0)
		;
	bell_on_message(bus_a, count_any, &got);
	while (bell_send(bus_a, bell_id(b), "x", 1, 0) == 0)
		;
	while (bell_send(bus_b, bell_id(a), "y", 1, 0) == 0)
		sent++;
	ck_assert_int_gt(bell_dispatch(a), 0);
	ck_assert_int_lt(got, sent); /* more than one dispatch is to deliver */
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 20), -BELL_EAGAIN);
	while (got < sent) {
		ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
		ck_assert_int_ge(bell_dispatch(a), 0);
	}
}
END_TEST

void add_waiting(Suite *suite)
{
	TCase *tc = add_case(suite, "waiting", setup);

	tcase_add_loop_test(tc, blocked_sender_is_woken, 0, TWO_WAYS);
	tcase_add_test(tc, blocked_sender_learns_of_a_leave);
	tcase_add_test(tc, dispatch_delivers_and_leaves_armed);
	tcase_add_test(tc, recv_again_leaves_armed);
	tcase_add_test(tc, broken_link_leaves_the_others_armed);
	tcase_add_test(tc, blocked_sender_learns_of_a_broken_link);
	tcase_add_test(tc, waiting_send_keeps_the_rest_of_a_dispatch);
}
