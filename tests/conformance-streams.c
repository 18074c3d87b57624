/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams: bytes that go through them, and how they wait. */
#include "streams-fixture.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_MOST (1u << 20) /* what a reader may leave unread, at most */
#define MANY 6

START_TEST(echo)
{
	struct ends e;

	connect_ends(&e);
	ck_assert_uint_eq(bell_stream_peer(e.a), bell_id(b));
	for (int i = 0; i < 100; i++) {
		write_all(e.a, "question", 8);
		expect_bytes(e.b, "question", 8);
		write_all(e.b, "answer", 6);
		expect_bytes(e.a, "answer", 6);
	}
	ck_assert_int_eq(bell_stream_write(e.a, NULL, 0, 0), 0);
	ck_assert_int_eq(read_result(e.a), -BELL_EAGAIN);
	ck_assert_int_eq(read_result(e.b), -BELL_EAGAIN);
	close_ends(&e);
}
END_TEST

static const struct {
	const char *name;
	const char *service;
} bad_services[] = {
	{ "empty", "" },
	{ "a space", "a b" },
	{ "not ASCII", "caf\xc3\xa9" },
	{ "too long", "0123456789012345678901234567890123456789"
		      "012345678901234567890123" },
};

START_TEST(bad_service)
{
	struct bell_listener *l = NULL;
	struct bell_stream *s = NULL;
	const char *service = bad_services[_i].service;

	ck_assert_msg(bell_listen(bus_b, service, NULL, NULL, &l) == -BELL_EINVAL,
		      "%s", bad_services[_i].name);
	ck_assert_msg(bell_stream_open(bus_a, bell_id(b), service, 0, &s) ==
			      -BELL_EINVAL, "%s", bad_services[_i].name);
	ck_assert_ptr_null(l);
	ck_assert_ptr_null(s);
}
END_TEST

START_TEST(service_is_offered_once)
{
	struct bell_listener *first, *other, *again = NULL;

	first = listen_b(NULL, NULL);
	ck_assert_int_eq(bell_listen(bus_b, "test", NULL, NULL, &again), -BELL_EEXIST);
	ck_assert_int_eq(bell_listen(bus_b, "test2", NULL, NULL, &other), 0);
	bell_unlisten(first);
	ck_assert_int_eq(bell_listen(bus_b, "test", NULL, NULL, &again), 0);
	bell_unlisten(again);
	bell_unlisten(other);
	bell_unlisten(NULL);
}
END_TEST

/* The k-th byte that goes one way. */
static unsigned char pattern(size_t k, unsigned char seed)
{
	return (unsigned char)(k * 167 + (k >> 8) * 13 + (k >> 16) + seed);
}

struct flow {
	struct bell_stream *from, *to;
	size_t total, sent, got;
	unsigned char seed;
};

/* One try each way of pieces of an odd size; true if something moved. */
static bool move(struct flow *f)
{
	unsigned char buf[40009];
	size_t n = f->total - f->sent;
	int64_t rc = 0, rd;

	if (n > sizeof(buf))
		n = sizeof(buf);
	for (size_t i = 0; i < n; i++)
		buf[i] = pattern(f->sent + i, f->seed);
	if (n > 0)
		rc = bell_stream_write(f->from, buf, n, 0);
	ck_assert(rc >= 0 || rc == -BELL_EAGAIN);
	if (rc > 0)
		f->sent += (size_t)rc;
	rd = bell_stream_read(f->to, buf, sizeof(buf), 0);
	ck_assert(rd > 0 || rd == -BELL_EAGAIN);
	for (int64_t i = 0; i < rd; i++)
		must(buf[i] == pattern(f->got + (size_t)i, f->seed));
	if (rd > 0)
		f->got += (size_t)rd;
	return rc > 0 || rd > 0;
}

/* Until all has arrived; idle rounds are bounded, so that a stall fails. */
static void run_flows(struct flow *flows, int count)
{
	int idle = 0, left = count;

	while (left > 0) {
		bool moved = false;

		left = 0;
		for (int i = 0; i < count; i++) {
			moved |= move(&flows[i]);
			left += flows[i].got < flows[i].total;
		}
		idle = moved ? 0 : idle + 1;
		ck_assert_int_lt(idle, 1000);
		pump();
	}
}

START_TEST(megabytes_both_ways)
{
	struct flow flows[2] = { { .total = 9u << 20, .seed = 1 },
				 { .total = (9u << 20) + 7, .seed = 99 } };
	struct ends e;

	connect_ends(&e);
	flows[0].from = flows[1].to = e.a;
	flows[0].to = flows[1].from = e.b;
	run_flows(flows, 2);
	ck_assert_int_eq(read_result(e.b), -BELL_EAGAIN);
	close_ends(&e);
}
END_TEST

START_TEST(stalled_stream_stops_no_other)
{
	struct flow flows[MANY] = { { 0 } };
	struct bell_stream *stalled, *unread;
	struct ends e;

	connect_ends(&e);
	stalled = open_a();
	unread = accept_b(e.listener);
	pump();
	ck_assert_uint_gt(fill(stalled), 0);
	flows[0] = (struct flow){ .from = e.a, .to = e.b, .total = 2u << 20 };
	for (int i = 1; i < MANY; i++) {
		flows[i] = (struct flow){ .total = 2u << 20, .seed = (unsigned char)i };
		flows[i].from = open_a();
		flows[i].to = accept_b(e.listener);
	}
	run_flows(flows, MANY);
	ck_assert_int_eq(bell_stream_write(stalled, "x", 1, 0), -BELL_EAGAIN);
	for (int i = 1; i < MANY; i++) {
		bell_stream_close(flows[i].from);
		bell_stream_close(flows[i].to);
	}
	bell_stream_close(stalled);
	bell_stream_close(unread);
	close_ends(&e);
}
END_TEST

START_TEST(window_bounds_what_is_unread)
{
	static char sink[WINDOW_MOST + 1];
	struct ends e;
	size_t taken, again;

	connect_ends(&e);
	taken = fill(e.a);
	ck_assert_uint_gt(taken, 10000);
	ck_assert_uint_le(taken, WINDOW_MOST);
	ck_assert_uint_eq(bell_stream_readable(e.b), taken);
	ck_assert_int_eq(bell_stream_read(e.b, sink, sizeof(sink), 0), (int64_t)taken);
	ck_assert_uint_eq(bell_stream_readable(e.b), 0);
	again = fill(e.a);
	ck_assert_uint_eq(again, taken);
	close_ends(&e);
}
END_TEST

START_TEST(unread_message_stops_no_stream)
{
	char bytes[20000], got[8];
	struct ends e;

	memset(bytes, 'y', sizeof(bytes));
	connect_ends(&e);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "message", 8, 0), 0);
	write_all(e.a, bytes, sizeof(bytes));
	expect_bytes(e.b, bytes, sizeof(bytes));
	write_all(e.b, "answer", 6);
	expect_bytes(e.a, "answer", 6);
	ck_assert_int_eq(bell_recv(bus_b, got, sizeof(got), NULL, 0), 8);
	ck_assert_str_eq(got, "message");
	close_ends(&e);
}
END_TEST

/* ---- callbacks ---- */

struct seen {
	unsigned events;
	int calls, reads;
	bool close;
	struct bell_stream *stream; /* accepted, or NULL once it is closed */
};

static void see(struct bell_stream *s, unsigned events, void *arg)
{
	struct seen *seen = arg;
	char buf[4096];

	seen->events |= events;
	seen->calls++;
	while (events & BELL_STREAM_READABLE && bell_stream_read(s, buf, sizeof(buf), 0) > 0)
		seen->reads++;
	if (seen->close) {
		bell_stream_close(s);
		seen->stream = NULL;
	}
}

static void take_stream(struct bell_listener *l, struct bell_stream *s, void *arg)
{
	struct seen *seen = arg;

	ck_assert_ptr_nonnull(l);
	ck_assert_ptr_null(seen->stream);
	seen->stream = s;
	bell_on_stream(s, see, seen);
}

START_TEST(callbacks_tell_what_is_possible)
{
	struct seen at_a = { 0 }, at_b = { 0 };
	struct bell_listener *l = listen_b(take_stream, &at_b);
	struct bell_stream *s = open_a();

	bell_on_stream(s, see, &at_a);
	pump();
	pump();
	ck_assert_ptr_nonnull(at_b.stream);
	ck_assert_uint_eq(at_a.events, BELL_STREAM_OPENED | BELL_STREAM_WRITABLE);
	ck_assert_uint_eq(at_b.events, 0);
	write_all(s, "x", 1);
	pump();
	ck_assert_uint_eq(at_b.events, BELL_STREAM_READABLE);
	ck_assert_int_eq(at_b.reads, 1);
	pump();
	pump();
	ck_assert_int_eq(at_b.calls, 1); /* told once */
	bell_on_stream(at_b.stream, NULL, NULL);
	(void)fill(s);
	at_a = (struct seen){ 0 };
	pump();
	pump();
	ck_assert_int_eq(at_a.calls, 0);
	bell_on_stream(at_b.stream, see, &at_b); /* reads what is there */
	pump();
	pump();
	ck_assert_uint_eq(at_a.events, BELL_STREAM_WRITABLE);
	ck_assert_int_eq(at_a.calls, 1);
	bell_stream_reset(at_b.stream);
	pump();
	pump();
	ck_assert_uint_eq(at_a.events & BELL_STREAM_ENDED, BELL_STREAM_ENDED);
	bell_stream_close(s);
	bell_unlisten(l);
}
END_TEST

START_TEST(callback_may_close_the_stream)
{
	struct seen at_a = { .close = true }, at_b = { .close = true };
	struct bell_listener *l = listen_b(take_stream, &at_b);

	for (int i = 0; i < 10; i++) {
		struct bell_stream *s = open_a();

		bell_on_stream(s, see, &at_a); /* closes it when it is opened */
		pump();
		pump();
		ck_assert_int_eq(at_a.calls, i + 1);
		ck_assert_uint_eq(at_b.events & BELL_STREAM_ENDED, BELL_STREAM_ENDED);
		ck_assert_ptr_null(at_b.stream);
	}
	bell_unlisten(l);
}
END_TEST

START_TEST(handle_is_readable_until_it_was_told)
{
	struct pollfd p = { .fd = bell_handle(b), .events = POLLIN };
	struct seen at_b = { 0 };
	struct ends e;
	char c;

	connect_ends(&e);
	bell_on_stream(e.b, see, &at_b);
	while (bell_dispatch(b) > 0)
		;
	for (int i = 0; i < 50; i++) {
		at_b.reads = 0;
		expect_quiet(b);
		write_all(e.a, "x", 1);
		if (i % 2) /* another call that waits comes upon it */
			ck_assert_int_eq(bell_recv(bus_b, &c, 1, NULL, 1), -BELL_EAGAIN);
		ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
		while (bell_dispatch(b) > 0)
			;
		ck_assert_int_eq(at_b.reads, 1);
	}
	close_ends(&e);
}
END_TEST

/* ---- waiting ---- */

struct worker {
	struct bell_listener *listener;
	size_t total;
};

static void *copy_back(void *arg)
{
	struct worker *w = arg;
	struct bell_stream *s;
	unsigned char buf[30000];
	int64_t n;

	must(bell_accept(w->listener, -1, &s) == 0);
	while ((n = bell_stream_read(s, buf, sizeof(buf), -1)) > 0) {
		for (int64_t at = 0; at < n;) {
			int64_t rc = bell_stream_write(s, buf + at, (size_t)(n - at), -1);

			must(rc > 0);
			at += rc;
		}
	}
	must(n == 0);
	bell_stream_close(s);
	return NULL;
}

/* Each byte alone, so that both sides sleep for every one. */
START_TEST(sleepers_are_woken)
{
	struct worker w = { listen_b(NULL, NULL), 0 };
	struct bell_stream *s;
	unsigned char c, got;
	pthread_t thread;

	set_two_ways(_i);
	ck_assert_int_eq(pthread_create(&thread, NULL, copy_back, &w), 0);
	ck_assert_int_eq(bell_stream_open(bus_a, bell_id(b), "test", WAIT_MS, &s), 0);
	for (int i = 0; i < 2000; i++) {
		c = (unsigned char)i;
		ck_assert_int_eq(bell_stream_write(s, &c, 1, WAIT_MS), 1);
		ck_assert_int_eq(bell_stream_read(s, &got, 1, WAIT_MS), 1);
		ck_assert_uint_eq(got, c);
	}
	ck_assert_int_eq(bell_stream_shutdown(s), 0);
	ck_assert_int_eq(bell_stream_read(s, &got, 1, WAIT_MS), 0);
	pthread_join(thread, NULL);
	bell_stream_close(s);
	bell_unlisten(w.listener);
}
END_TEST

static void *read_slowly(void *arg)
{
	struct worker *w = arg;
	struct bell_stream *s;
	unsigned char buf[50021];
	int64_t n;

	must(bell_accept(w->listener, -1, &s) == 0);
	while ((n = bell_stream_read(s, buf, sizeof(buf), -1)) > 0) {
		for (int64_t i = 0; i < n; i++)
			must(buf[i] == pattern(w->total + (size_t)i, 5));
		w->total += (size_t)n;
	}
	must(n == 0);
	bell_stream_close(s);
	return NULL;
}

/* Larger than ring and window: the writer sleeps for both. */
START_TEST(blocked_writer_is_woken)
{
	struct worker w = { listen_b(NULL, NULL), 0 };
	static unsigned char bytes[1u << 20];
	size_t total = 24u << 20, sent = 0;
	struct bell_stream *s;
	pthread_t thread;
	char c;

	set_two_ways(_i);
	ck_assert_int_eq(pthread_create(&thread, NULL, read_slowly, &w), 0);
	ck_assert_int_eq(bell_stream_open(bus_a, bell_id(b), "test", WAIT_MS, &s), 0);
	while (sent < total) {
		size_t n = total - sent < sizeof(bytes) ? total - sent : sizeof(bytes);
		int64_t rc;

		for (size_t i = 0; i < n; i++)
			bytes[i] = pattern(sent + i, 5);
		rc = bell_stream_write(s, bytes, n, WAIT_MS);
		ck_assert_msg(rc > 0, "after %zu bytes: %lld", sent, (long long)rc);
		sent += (size_t)rc;
	}
	ck_assert_int_eq(bell_stream_shutdown(s), 0);
	ck_assert_int_eq(bell_stream_read(s, &c, 1, WAIT_MS), 0);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(w.total, total);
	bell_stream_close(s);
	bell_unlisten(w.listener);
}
END_TEST

START_TEST(waits_no_longer_than_told)
{
	struct bell_stream *s = NULL;
	struct ends e;
	char c;

	connect_ends(&e);
	ck_assert_int_eq(bell_accept(e.listener, 20, &s), -BELL_EAGAIN);
	ck_assert_int_eq(bell_stream_read(e.a, &c, 1, 20), -BELL_EAGAIN);
	(void)fill(e.a);
	ck_assert_int_eq(bell_stream_write(e.a, "x", 1, 20), -BELL_EAGAIN);
	/* b does not look at its ring meanwhile. */
	ck_assert_int_eq(bell_stream_open(bus_a, bell_id(b), "test", 20, &s),
			 -BELL_EAGAIN);
	ck_assert_ptr_null(s);
	pump();
	ck_assert_int_eq(bell_accept(e.listener, 0, &s), -BELL_EAGAIN); /* taken back */
	close_ends(&e);
}
END_TEST

void add_streams(Suite *suite)
{
	TCase *tc = add_case(suite, "streams", setup);

	tcase_add_test(tc, echo);
	tcase_add_loop_test(tc, bad_service, 0, ARRAY_LEN(bad_services));
	tcase_add_test(tc, service_is_offered_once);
	tcase_add_test(tc, megabytes_both_ways);
	tcase_add_test(tc, stalled_stream_stops_no_other);
	tcase_add_test(tc, window_bounds_what_is_unread);
	tcase_add_test(tc, unread_message_stops_no_stream);
	tcase_add_test(tc, callbacks_tell_what_is_possible);
	tcase_add_test(tc, callback_may_close_the_stream);
	tcase_add_test(tc, handle_is_readable_until_it_was_told);
	tcase_add_loop_test(tc, sleepers_are_woken, 0, TWO_WAYS);
	tcase_add_loop_test(tc, blocked_writer_is_woken, 0, TWO_WAYS);
	tcase_add_test(tc, waits_no_longer_than_told);
	add_stream_ends(suite);
	add_stream_hostile(suite);
	add_stream_loops(suite);
}
