/* SPDX-License-Identifier: BSD-2-Clause */
/* Deadlines, cancellation, callers and callees that go. */
#include "bus.h"
#include "calls-fixture.h"

#include <poll.h>
#include <string.h>

/* ---- deadlines and cancellation ---- */

/*
 * Time in which b has to see a call that then ends: on a busy machine it may have no
 * core for a good part of it, and who sees it too late is not told of it at all.
 */
#define SEEN_MS 1000

START_TEST(call_runs_out_of_time)
{
	pthread_t thread = start_b();

	ck_assert_int_eq(bell_call(bus_a, bell_id(b), HOLD, "x", 1, NULL, 0, SEEN_MS),
			 -BELL_EAGAIN);
	/* Whichever it sees first: that we cancelled, or its own clock. */
	for (int64_t end = now_ms() + WAIT_MS; held_count == 0 && now_ms() < end;)
		must(poll(NULL, 0, 1) == 0);
	stop_b(thread);
	UNTIL(cancelled == 1);
	ck_assert(cancel_code == -BELL_ECANCELED || cancel_code == -BELL_EAGAIN);
	ck_assert_int_lt(bell_reply(held[0], "late", 4), 0);
	TURNS(3);
	ck_assert_int_eq(cancelled, 1);
}
END_TEST

START_TEST(deadlines_wake_both_sides)
{
	int64_t begin = now_ms();

	ck_assert_int_eq(bell_next_deadline(bus_a), -1);
	call_b(HOLD, "x", 1, SEEN_MS);
	ck_assert_int_le(bell_next_deadline(bus_a), SEEN_MS);
	while (held_count == 0)
		ck_assert_int_ge(bell_wait(b, WAIT_MS), 0);
	ck_assert_int_le(bell_request_left_ms(held[0]), SEEN_MS);
	ck_assert_int_ge(bell_request_left_ms(held[0]), 0);
	/* a sleeps elsewhere: b goes by its own clock. */
	while (cancelled == 0)
		ck_assert_int_ge(bell_wait(b, WAIT_MS), 0);
	ck_assert_int_eq(cancel_code, -BELL_EAGAIN);
	ck_assert_int_ge(now_ms() - begin, SEEN_MS - 1);
	ck_assert_int_eq(bell_request_left_ms(held[0]), 0);
	ck_assert_int_eq(bell_next_deadline(bus_b), -1);
	ck_assert_int_eq(bell_reply(held[0], "x", 1), -BELL_EAGAIN);
	while (ended == 0)
		ck_assert_int_ge(bell_wait(a, WAIT_MS), 0);
	ck_assert_int_eq(last_result, -BELL_EAGAIN);
	ck_assert_int_eq(bell_next_deadline(bus_a), -1);
	ck_assert_int_lt(now_ms() - begin, WAIT_MS);
}
END_TEST

START_TEST(late_call_is_cancelled)
{
	call_b(HOLD, "x", 1, SEEN_MS);
	while (held_count == 0)
		ck_assert_int_ge(bell_wait(b, WAIT_MS), 0);
	while (ended == 0)
		ck_assert_int_ge(bell_wait(a, WAIT_MS), 0);
	ck_assert_int_eq(last_result, -BELL_EAGAIN);
	/* b slept meanwhile: what came goes before its own clock. */
	UNTIL(cancelled == 1);
	ck_assert_int_eq(cancel_code, -BELL_ECANCELED);
	ck_assert_int_eq(bell_fail(held[0], "late"), -BELL_ECANCELED);
}
END_TEST

START_TEST(cancelled_call_is_told_to_the_handler)
{
	uint64_t id = call_b(HOLD, "x", 1, -1);

	UNTIL(held_count == 1);
	ck_assert_int_eq(bell_request_left_ms(held[0]), -1);
	ck_assert_uint_eq(bell_request_peer(held[0]), bell_id(a));
	ck_assert_uint_eq(bell_request_method(held[0]), HOLD);
	ck_assert_int_eq(bell_call_cancel(bus_a, id), 0);
	ck_assert_int_eq(bell_call_cancel(bus_a, id), -BELL_EINVAL);
	UNTIL(cancelled == 1);
	ck_assert_int_eq(cancel_code, -BELL_ECANCELED);
	ck_assert_int_eq(bell_reply(held[0], "x", 1), -BELL_ECANCELED);
	/* Before its handler saw it: no word. */
	id = call_b(HOLD, "x", 1, -1);
	ck_assert_int_eq(bell_call_cancel(bus_a, id), 0);
	/* When the reply is here already. */
	id = call_b(ECHO, "x", 1, -1);
	while (handled < 2)
		ck_assert_int_ge(bell_wait(b, WAIT_MS), 0);
	ck_assert_int_eq(bell_recv(bus_a, last_reply, 64, NULL, 0), -BELL_EAGAIN);
	ck_assert_int_eq(bell_call_cancel(bus_a, id), 0);
	TURNS(5);
	ck_assert_int_eq(ended, 0);
	ck_assert_int_eq(held_count, 1);
	ck_assert_int_eq(cancelled, 1);
}
END_TEST

START_TEST(cancel_callback_registered_late)
{
	uint64_t id = call_b(HOLD, "x", 1, -1);

	UNTIL(held_count == 1);
	bell_on_cancel(held[0], NULL, NULL);
	ck_assert_int_eq(bell_call_cancel(bus_a, id), 0);
	TURNS(3);
	ck_assert_int_eq(cancelled, 0);
	bell_on_cancel(held[0], note_cancel, &cancelled);
	UNTIL(cancelled == 1);
	bell_on_cancel(held[0], note_cancel, &cancelled);
	TURNS(3);
	ck_assert_int_eq(cancelled, 1);
	ck_assert_int_eq(bell_fail(held[0], "late"), -BELL_ECANCELED);
}
END_TEST

START_TEST(caller_goes_while_its_request_is_held)
{
	call_b(HOLD, "x", 1, -1);
	call_b(HOLD, "y", 1, -1);
	UNTIL(held_count == 2);
	if (_i == 0) {
		bell_leave(bus_a);
		bus_a = NULL;
	} else {
		die(&a, &bus_a);
	}
	UNTIL(cancelled == 2);
	ck_assert_int_eq(cancel_code, -BELL_ENOPEER);
	ck_assert_int_eq(held_count, 2);
	ck_assert_int_eq(bell_reply(held[0], "x", 1), -BELL_ENOPEER);
	ck_assert_int_eq(bell_fail(held[1], NULL), -BELL_ENOPEER);
}
END_TEST

static _Atomic int64_t call_result;

static void *call_for_ever(void *arg)
{
	call_result = bell_call(bus_a, *(const uint32_t *)arg, HOLD, "garbage!", 8,
				NULL, 0, -1);
	return NULL;
}

START_TEST(callee_goes_while_the_call_waits)
{
	uint32_t id = bell_id(b);
	pthread_t thread;

	must(pthread_create(&thread, NULL, call_for_ever, &id) == 0);
	while (held_count == 0)
		ck_assert_int_ge(bell_wait(b, WAIT_MS), 0);
	if (_i == 0) {
		bell_leave(bus_b); /* frees what is held */
		bus_b = NULL;
	} else {
		die(&b, &bus_b);
	}
	must(pthread_join(thread, NULL) == 0);
	ck_assert_int_eq(call_result, -BELL_ENOPEER);
}
END_TEST

/* Puts garbage where the header of the request is, once b was told of it. */
static bool break_request(void)
{
	size_t size;
	_Atomic uint64_t *memory = bell_memory(b, &size);
	uint64_t word;

	/* Its bytes may be looked at only behind what announces them. */
	if ((shm_acquire(&bus_b->self->wake) & ~WAKE_ASLEEP) == 0)
		return false;
	memcpy(&word, "garbage!", sizeof(word));
	for (size_t i = 3; i < size / sizeof(word); i++) {
		if (memory[i] != word)
			continue;
		memory[i - 3] = UINT64_MAX; /* before id and deadline */
		return true;
	}
	return false;
}

START_TEST(link_breaks_while_the_call_waits)
{
	uint32_t id = bell_id(b);
	int64_t end = now_ms() + WAIT_MS;
	pthread_t thread;
	char got[8];

	must(pthread_create(&thread, NULL, call_for_ever, &id) == 0);
	while (!break_request())
		ck_assert_int_lt(now_ms(), end);
	ck_assert_int_eq(bell_recv(bus_b, got, 8, NULL, WAIT_MS), -BELL_ECORRUPT);
	must(pthread_join(thread, NULL) == 0);
	ck_assert_int_eq(call_result, -BELL_ECORRUPT);
	ck_assert_int_eq(handled, 0);
	/* The next link is a new one. */
	call_b(ECHO, "hello", 5, -1);
	UNTIL(ended == 1);
	ck_assert_int_eq(last_result, 5);
}
END_TEST

START_TEST(callee_goes_with_calls_in_flight)
{
	call_b(HOLD, "x", 1, -1);
	UNTIL(held_count == 1);
	bell_leave(bus_b);
	bus_b = join(b, "b");
	UNTIL(ended == 1);
	ck_assert_int_eq(last_result, -BELL_ENOPEER);
	/* Leaving with some of both. */
	ck_assert_int_eq(bell_on_call(bus_b, HOLD, serve, NULL), 0);
	for (int i = 0; i < 100; i++)
		call_b(HOLD, "x", 1, i % 2 ? 1000 : -1);
	UNTIL(held_count == 101);
	for (int i = 0; i < 100; i++)
		call_b(HOLD, "x", 1, -1);
	bell_leave(bus_a);
	bell_leave(bus_b);
	bus_a = bus_b = NULL;
	ck_assert_int_eq(ended, 0);
}
END_TEST

void add_call_ends(Suite *suite)
{
	TCase *tc = add_case(suite, "call-ends", setup_calls);

	tcase_add_test(tc, call_runs_out_of_time);
	tcase_add_test(tc, deadlines_wake_both_sides);
	tcase_add_test(tc, late_call_is_cancelled);
	tcase_add_test(tc, cancelled_call_is_told_to_the_handler);
	tcase_add_test(tc, cancel_callback_registered_late);
	tcase_add_loop_test(tc, caller_goes_while_its_request_is_held, 0, 2);
	tcase_add_loop_test(tc, callee_goes_while_the_call_waits, 0, 2);
	tcase_add_test(tc, link_breaks_while_the_call_waits);
	tcase_add_test(tc, callee_goes_with_calls_in_flight);
}
