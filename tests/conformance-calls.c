/* SPDX-License-Identifier: BSD-2-Clause */
/* Request and reply: answers, refusals, many at once, full rings. */
#include "calls-fixture.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* ---- bell_call() ---- */

static const size_t sizes[] = { 0, 1, 7, 8, 9, 4096, SIZE_MAX };

START_TEST(call_gets_its_reply)
{
	size_t len = sizes[_i] == SIZE_MAX ? bell_max_call(bus_a) : sizes[_i];
	unsigned char *request = malloc(len + 1), *reply = malloc(len + 1);
	pthread_t thread = start_b();

	for (size_t i = 0; i < len; i++)
		request[i] = (unsigned char)(i * 5 + len);
	for (int round = 0; round < 20; round++) {
		memset(reply, 0, len);
		ck_assert_int_eq(bell_call(bus_a, bell_id(b), ECHO, request, len, reply,
					   len, WAIT_MS), (int64_t)len);
		ck_assert(memcmp(request, reply, len) == 0);
	}
	stop_b(thread);
	free(request);
	free(reply);
}
END_TEST

START_TEST(what_is_too_large_is_refused)
{
	size_t max = bell_max_call(bus_a);
	uint32_t want = (uint32_t)max;
	char *buf = calloc(1, max + 1), c = 0;
	pthread_t thread = start_b();

	ck_assert_int_eq(bell_call(bus_a, bell_id(b), ECHO, buf, max + 1, NULL, 0, WAIT_MS),
			 -BELL_EMSGSIZE);
	ck_assert_int_eq(bell_call(bus_a, bell_id(b), ECHO, NULL, 1, NULL, 0, WAIT_MS),
			 -BELL_EINVAL);
	ck_assert_int_eq(bell_call(bus_a, bell_id(b), BYTES, &want, 4, buf, max - 1, WAIT_MS),
			 -BELL_EMSGSIZE);
	ck_assert_int_eq(bell_call(bus_a, bell_id(b), BYTES, &want, 4, buf, max, WAIT_MS),
			 (int64_t)max);
	want++; /* the handler finds that it is too much */
	ck_assert_int_eq(bell_call(bus_a, bell_id(b), BYTES, &want, 4, &c, 1, WAIT_MS), 1);
	ck_assert_int_eq(c, '!');
	stop_b(thread);
	free(buf);
}
END_TEST

START_TEST(method_without_a_handler)
{
	pthread_t thread = start_b();

	ck_assert_int_eq(bell_call(bus_a, bell_id(b), NOBODY, "x", 1, NULL, 0, WAIT_MS),
			 -BELL_ENOSERVICE);
	ck_assert_str_ne(bell_detail(), "");
	stop_b(thread);
	ck_assert_int_eq(bell_call(bus_a, 60000, ECHO, "x", 1, NULL, 0, WAIT_MS),
			 -BELL_ENOPEER);
	ck_assert_int_eq(bell_call(bus_a, bell_id(a), ECHO, "x", 1, NULL, 0, WAIT_MS),
			 -BELL_EINVAL);
}
END_TEST

static void *receive_b(void *arg)
{
	char got[8];
	int64_t rc = bell_recv(bus_b, got, sizeof(got), NULL, WAIT_MS);

	(void)arg;
	must(rc == 4); /* "stop" */
	return NULL;
}

START_TEST(one_that_only_receives_refuses)
{
	pthread_t thread;

	bell_leave(bus_b);
	bus_b = join(b, "b"); /* no handlers */
	must(pthread_create(&thread, NULL, receive_b, NULL) == 0);
	ck_assert_int_eq(bell_call(bus_a, bell_id(b), ECHO, "x", 1, NULL, 0, WAIT_MS),
			 -BELL_ENOSERVICE);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "stop", 4, 0), 0);
	must(pthread_join(thread, NULL) == 0);
}
END_TEST

START_TEST(any_method_and_many_methods)
{
	static const int echo = ECHO, fail = FAIL;
	pthread_t thread;
	char got[4];

	ck_assert_int_eq(bell_on_call(bus_b, BELL_ANY_METHOD, serve, (void *)&echo), 0);
	for (uint32_t m = 600; m >= 300; m--)
		ck_assert_int_eq(bell_on_call(bus_b, m, serve, (void *)&fail), 0);
	for (uint32_t m = 301; m <= 600; m += 2)
		ck_assert_int_eq(bell_on_call(bus_b, m, NULL, NULL), 0);
	ck_assert_int_eq(bell_on_call(bus_b, 700, NULL, NULL), 0);
	ck_assert_int_eq(bell_on_call(bus_b, BELL_ANY_METHOD + 1, serve, NULL),
			 -BELL_EINVAL);
	thread = start_b();
	for (uint16_t m = 290; m <= 610; m++)
		ck_assert_int_eq(bell_call(bus_a, bell_id(b), m, "why", 4, got, 4, WAIT_MS),
				 m >= 300 && m <= 600 && m % 2 == 0 ? -BELL_EREMOTE : 4);
	ck_assert_int_eq(bell_call(bus_a, bell_id(b), 65535, "why", 4, got, 4, WAIT_MS), 4);
	stop_b(thread);
}
END_TEST

START_TEST(handler_fails_with_a_text)
{
	char text[400];
	pthread_t thread = start_b();

	ck_assert_int_eq(bell_call(bus_a, bell_id(b), FAIL, "no\x1b[31m disk", 12, NULL, 0,
				   WAIT_MS), -BELL_EREMOTE);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "no?[31m disk"));
	ck_assert_int_eq(bell_call(bus_a, bell_id(b), FAIL, NULL, 0, NULL, 0, WAIT_MS),
			 -BELL_EREMOTE);
	memset(text, 'x', sizeof(text));
	text[399] = '\0';
	ck_assert_int_eq(bell_call(bus_a, bell_id(b), FAIL, text, sizeof(text), NULL, 0,
				   WAIT_MS), -BELL_EREMOTE);
	text[200] = '\0';
	ck_assert_ptr_nonnull(strstr(bell_detail(), text));
	text[200] = 'x';
	text[201] = '\0';
	ck_assert_ptr_null(strstr(bell_detail(), text));
	stop_b(thread);
}
END_TEST

/* ---- many ---- */

static int order[HELD_MAX], results[HELD_MAX];

static void note_number(struct bell_bus *bus, uint64_t id, int64_t result,
			const void *reply, void *arg)
{
	int n = (int)((int *)arg - results);

	(void)bus, (void)id;
	ck_assert_int_eq(results[n], 1); /* once */
	results[n] = result < 0 ? (int)result : 0;
	ended++;
	if (result == sizeof(n))
		ck_assert_mem_eq(reply, &n, sizeof(n));
	else
		ck_assert_int_eq(result, -BELL_EBUSY);
}

/* Calls that get their own number back. */
static void start_calls(int count)
{
	ended = 0;
	for (int i = 0; i < count; i++) {
		order[i] = i;
		results[i] = 1;
		ck_assert_int_eq(bell_call_start(bus_a, bell_id(b), HOLD, &i, sizeof(i),
						 i % 3 ? WAIT_MS * 10 : -1, note_number,
						 &results[i], NULL), 0);
	}
}

static void answer_out_of_order(int count)
{
	unsigned seed = 7;

	for (int i = count - 1; i > 0; i--) {
		int j = (int)((seed = seed * 1103515245u + 12345u) >> 8) % (i + 1), t;

		j = j < 0 ? -j : j;
		t = order[i];
		order[i] = order[j];
		order[j] = t;
	}
	for (int i = 0; i < count; i++) {
		size_t len;
		const void *data = bell_request_data(held[order[i]], &len);

		ck_assert_int_eq(bell_reply(held[order[i]], data, len), 0);
	}
}

START_TEST(many_in_flight_answered_out_of_order)
{
	for (int round = 0; round < 3; round++) {
		held_count = 0;
		start_calls(1000);
		UNTIL(held_count == 1000);
		answer_out_of_order(1000);
		UNTIL(ended == 1000);
		for (int i = 0; i < 1000; i++)
			ck_assert_int_eq(results[i], 0);
	}
	ck_assert_int_eq(bell_next_deadline(bus_a), -1);
}
END_TEST

START_TEST(more_requests_than_may_wait)
{
	int busy = 0;

	start_calls(1100);
	UNTIL(ended == 1100 - 1024);
	ck_assert_int_eq(held_count, 1024);
	answer_out_of_order(1024);
	UNTIL(ended == 1100);
	for (int i = 0; i < 1100; i++)
		busy += results[i] == -BELL_EBUSY;
	ck_assert_int_eq(busy, 1100 - 1024);
	/* There is room again. */
	held_count = 0;
	start_calls(10);
	UNTIL(held_count == 10);
	answer_out_of_order(10);
	UNTIL(ended == 10);
}
END_TEST

/* ---- full rings ---- */

static int received;

static void count_message(struct bell_bus *bus, const struct bell_envelope *env,
			  const void *data, void *arg)
{
	(void)bus, (void)env, (void)data, (void)arg;
	received++;
}

static int fill(struct bell_bus *bus, uint32_t to)
{
	char msg[64] = { 0 };
	int n = 0;

	while (bell_send(bus, to, msg, sizeof(msg), 0) == 0)
		n++;
	while (bell_send(bus, to, msg, 0, 0) == 0)
		n++;
	return n;
}

START_TEST(calls_pass_full_rings)
{
	int sent = fill(bus_a, bell_id(b)) + fill(bus_b, bell_id(a));

	received = 0;
	/* Nobody reads: nothing is left behind of a call that gave up. */
	ck_assert_int_eq(bell_call(bus_a, bell_id(b), ECHO, "x", 1, NULL, 0, 30),
			 -BELL_EAGAIN);
	call_b(ECHO, "hello", 5, -1);
	for (int i = 0; i < 3; i++)
		ck_assert_int_ge(bell_dispatch(b), 0);
	ck_assert_int_eq(handled, 0);
	bell_on_message(bus_b, count_message, NULL);
	UNTIL(handled == 1);
	ck_assert_int_eq(ended, 0); /* the ring back is full, too */
	bell_on_message(bus_a, count_message, NULL);
	UNTIL(ended == 1);
	ck_assert_int_eq(last_result, 5);
	ck_assert_mem_eq(last_reply, "hello", 5);
	UNTIL(received == sent);
	ck_assert_int_eq(handled, 1);
}
END_TEST

START_TEST(kept_requests_are_bounded)
{
	size_t max = bell_max_call(bus_a);
	char *request = calloc(1, max);
	int rc, started = 0;

	ended = 0;
	while ((rc = bell_call_start(bus_a, bell_id(b), ECHO, request, max, -1, note_end,
				     &ended, NULL)) == 0)
		ck_assert_int_lt(++started, 10000);
	ck_assert_int_eq(rc, -BELL_EBUSY);
	ck_assert_uint_le((size_t)started * max, (1u << 20) + 4 * max);
	UNTIL(ended == started);
	ck_assert_int_eq(handled, started);
	free(request);
}
END_TEST

START_TEST(replies_wait_for_a_caller_that_does_not_read)
{
	/* More than what is kept for one that does not read. */
	uint32_t want = 20000;
	int count = 150;

	ended = 0;
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(bell_call_start(bus_a, bell_id(b), BYTES, &want, 4, -1,
						 note_end, &ended, NULL), 0);
	for (int64_t end = now_ms() + WAIT_MS; handled < count;) {
		ck_assert_int_ge(bell_wait(b, WAIT_MS), 0);
		ck_assert_int_lt(now_ms(), end);
	}
	ck_assert_int_eq(ended, 0);
	UNTIL(ended == count);
	ck_assert_int_eq(last_result, want);
}
END_TEST

/* ---- callbacks that call ---- */

static struct bell_request *outer;

static void answer_outer(struct bell_bus *bus, uint64_t id, int64_t result,
			 const void *reply, void *arg)
{
	(void)bus, (void)id, (void)arg;
	ck_assert_int_eq(result, 5);
	ck_assert_int_eq(bell_reply(outer, reply, (size_t)result), 0);
}

static void call_back(struct bell_bus *bus, struct bell_request *request, void *arg)
{
	uint32_t from = bell_request_peer(request);

	(void)arg;
	outer = request;
	ck_assert_int_eq(bell_call(bus, from, ECHO, "inner", 5, NULL, 0, 0), -BELL_EBUSY);
	ck_assert_int_eq(bell_call_start(bus, from, ECHO, "inner", 5, -1, answer_outer,
					 NULL, NULL), 0);
}

START_TEST(handler_calls_its_caller)
{
	ck_assert_int_eq(bell_on_call(bus_a, ECHO, serve, NULL), 0);
	ck_assert_int_eq(bell_on_call(bus_b, 7, call_back, NULL), 0);
	call_b(7, "outer", 5, -1);
	UNTIL(ended == 1);
	ck_assert_int_eq(last_result, 5);
	ck_assert_mem_eq(last_reply, "inner", 5);
}
END_TEST

static void call_again(struct bell_bus *bus, uint64_t id, int64_t result,
		       const void *reply, void *arg)
{
	(void)reply;
	ck_assert_int_eq(result, 1);
	ck_assert_int_eq(bell_call_cancel(bus, id), -BELL_EINVAL);
	if (++*(int *)arg < 50)
		ck_assert_int_eq(bell_call_start(bus, bell_id(a), ECHO, "x", 1, WAIT_MS,
						 call_again, arg, NULL), 0);
}

START_TEST(calls_to_oneself_from_callbacks)
{
	static int again;

	ck_assert_int_eq(bell_on_call(bus_a, ECHO, serve, NULL), 0);
	ck_assert_int_eq(bell_call_start(bus_a, bell_id(a), ECHO, "x", 1, WAIT_MS,
					 call_again, &again, NULL), 0);
	UNTIL(again == 50);
}
END_TEST

START_TEST(handler_removed_before_its_request)
{
	/* b takes the request while it receives, and tells of it at a dispatch. */
	call_b(ECHO, "x", 1, -1);
	ck_assert_int_eq(bell_recv(bus_b, last_reply, 64, NULL, 0), -BELL_EAGAIN);
	ck_assert_int_eq(bell_on_call(bus_b, ECHO, NULL, NULL), 0);
	UNTIL(ended == 1);
	ck_assert_int_eq(last_result, -BELL_ENOSERVICE);
	ck_assert_int_eq(handled, 0);
}
END_TEST

void add_calls(Suite *suite)
{
	TCase *tc = add_case(suite, "calls", setup_calls);

	tcase_add_loop_test(tc, call_gets_its_reply, 0, ARRAY_LEN(sizes));
	tcase_add_test(tc, what_is_too_large_is_refused);
	tcase_add_test(tc, method_without_a_handler);
	tcase_add_test(tc, one_that_only_receives_refuses);
	tcase_add_test(tc, any_method_and_many_methods);
	tcase_add_test(tc, handler_fails_with_a_text);
	tcase_add_test(tc, many_in_flight_answered_out_of_order);
	tcase_add_test(tc, more_requests_than_may_wait);
	tcase_add_test(tc, calls_pass_full_rings);
	tcase_add_test(tc, kept_requests_are_bounded);
	tcase_add_test(tc, replies_wait_for_a_caller_that_does_not_read);
	tcase_add_test(tc, handler_calls_its_caller);
	tcase_add_test(tc, calls_to_oneself_from_callbacks);
	tcase_add_test(tc, handler_removed_before_its_request);
	add_call_ends(suite);
	add_call_frames(suite);
}
