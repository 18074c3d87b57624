/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test-armed.c - who may sleep is woken, and who waits does sleep
 *
 * A bus that was armed has to be told of all that comes later, also of what it
 * came to want after it was armed; a call that waits must not burn the processor
 * because something else is queued, kept or reserved. What a review of the two
 * found, each as a case of its own.
 */
#include "armed-fixture.h"

#include <poll.h>

#define NOTHINGS 5000 /* more than one dispatch looks at */
#define CALLS 9

static int got;

/* ---- space ------------------------------------------------------------------- */

START_TEST(space_is_told_to_who_was_armed_before)
{
	bell_on_writable(bus_a, count_writable, NULL);
	do
		ck_assert_int_eq(send_b(ring / 16), 0);
	while (bus_a->outs->w.pos < ring / 2);
	calm(a);
	fill_ring(1000);
	drain_b();
	ck_assert(readable(a, WAIT_MS));
	ck_assert_int_ge(bell_dispatch(a), 0);
	ck_assert_int_eq(told, 1);
}
END_TEST

START_TEST(space_is_told_to_a_call_that_was_kept_while_armed)
{
	fill_ring(1000);
	fill_ring(1);
	calm(a);
	call_b(1);
	ck_assert_ptr_nonnull(bus_a->outs->kept);
	drain_b();
	ck_assert(readable(a, WAIT_MS));
	ck_assert_int_ge(bell_dispatch(a), 0);
	ck_assert_ptr_null(bus_a->outs->kept);
}
END_TEST

struct sender {
	int rc;
	int64_t took_ms;
};

static void *send_late(void *arg)
{
	struct sender *s = arg;
	int64_t begin = now_ms();

	s->rc = bell_send(bus_a, bell_id(b), bytes, ring * 46 / 100, LATE_MS);
	s->took_ms = now_ms() - begin;
	return NULL;
}

/* Until the only sender wants space, and said that it sleeps. */
static void await_sleeper(const struct layout_link *c, uint64_t wish)
{
	int64_t end = now_ms() + LATE_MS / 2;

	while (shm_acquire(&c->space_event) == wish ||
	       !(shm_acquire(&bus_a->self->wake) & WAKE_ASLEEP)) {
		ck_assert_int_lt(now_ms(), end);
		(void)poll(NULL, 0, 1);
	}
}

START_TEST(a_release_of_little_is_told)
{
	struct bell_envelope env;
	const struct layout_link *c;
	const void *data;
	struct sender s;
	pthread_t t;
	uint64_t wish;

	ck_assert_int_eq(send_b(ring / 10), 0);
	ck_assert_int_eq(send_b(ring * 46 / 100), 0);
	ck_assert_int_ge(bell_peek(bus_b, &env, &data, 0), 0);
	ck_assert_int_ge(bell_peek(bus_b, &env, &data, 0), 0);
	ck_assert_int_eq(bell_recv(bus_b, bytes, room, NULL, 0), -BELL_EAGAIN);
	c = layout_link(fake_hub_memory(hub), &bus_a->layout, bus_a->outs->link);
	wish = shm_acquire(&c->space_event);
	must(pthread_create(&t, NULL, send_late, &s) == 0);
	await_sleeper(c, wish);
	ck_assert_int_eq(bell_release(bus_b, bell_id(a)), 0);
	(void)bell_wait(b, 10);
	must(pthread_join(t, NULL) == 0);
	ck_assert_int_eq(s.rc, 0);
	ck_assert_int_lt(s.took_ms, LATE_MS);
}
END_TEST

/* ---- more than one look takes ------------------------------------------------ */

static void send_many_pieces(void)
{
	struct bell_envelope env = { .peer = bell_id(b) };

	ck_assert_int_eq(bell_begin(bus_a, &env, NOTHINGS, &begun), 0);
	for (int i = 0; i < NOTHINGS; i++)
		ck_assert_int_eq(bell_continue(begun, "x", 1, 0), 1);
	ck_assert_int_eq(bell_finish(begun, 0, 0), 0);
	begun = NULL;
}

/* What is queued for b was scanned then, and so is armed behind. */
static void scan_b(void)
{
	struct pump p;

	start_pump(&p, a);
	(void)bell_ping(bus_b, bell_id(a), WAIT_MS, NULL);
	(void)bell_ping(bus_b, bell_id(a), WAIT_MS, NULL);
	stop_pump(&p);
}

START_TEST(nothing_is_left_behind_thousands_of_pieces)
{
	struct bell_envelope env;

	send_many_pieces();
	scan_b();
	calm(b);
	ck_assert_int_eq(bell_recv(bus_b, bytes, room, &env, WAIT_MS), NOTHINGS);
}
END_TEST

START_TEST(an_event_loop_gets_a_message_of_thousands_of_pieces)
{
	struct bell_envelope env;
	int64_t n;

	send_many_pieces();
	scan_b();
	calm(b);
	n = bell_recv(bus_b, bytes, room, &env, 0);
	for (int i = 0; n < 0 && i < LOOPS_MAX && readable(b, WAIT_MS); i++) {
		ck_assert_int_eq(n, -BELL_EAGAIN);
		ck_assert_int_ge(bell_dispatch(b), 0);
		n = bell_recv(bus_b, bytes, room, &env, 0);
	}
	ck_assert_int_eq(n, NOTHINGS);
}
END_TEST

static void count_message(struct bell_bus *bus, const struct bell_envelope *env,
			  const void *data, void *arg)
{
	(void)bus, (void)env, (void)data, (void)arg;
	got++;
}

START_TEST(nothing_is_left_behind_thousands_of_unwanted_messages)
{
	ck_assert_int_eq(bell_subscribe(bus_b, "t"), 0);
	for (int i = 0; i < NOTHINGS; i++)
		ck_assert_int_eq(bell_publish(bus_a, "t", 0, "x", 1, 0), 1);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "hello", 5, 0), 0);
	scan_b();
	ck_assert_int_eq(bell_unsubscribe(bus_b, "t"), 0);
	calm(b);
	got = 0;
	bell_on_message(bus_b, count_message, NULL);
	ck_assert_int_ge(bell_dispatch(b), 0);
	calm(b);
	ck_assert_int_eq(got, 1);
}
END_TEST

/* ---- replies ----------------------------------------------------------------- */

static struct bell_request *requests[CALLS];

static void take_request(struct bell_bus *bus, struct bell_request *r, void *arg)
{
	(void)bus, (void)arg;
	ck_assert_int_lt(got, CALLS);
	requests[got++] = r;
}

static void start_calls(void)
{
	got = 0;
	ck_assert_int_eq(bell_on_call(bus_a, 1, take_request, NULL), 0);
	for (int i = 0; i < CALLS; i++)
		ck_assert_int_eq(bell_call_start(bus_b, bell_id(a), 1, "x", 1, -1,
						 count_reply, NULL, NULL), 0);
	calm(a);
	ck_assert_int_eq(got, CALLS);
}

/* There is space again, and a stream wants it, too. */
START_TEST(replies_that_are_owed_go_though_a_stream_waits)
{
	int64_t end = now_ms() + LATE_MS, n;

	(void)open_stream();
	start_calls();
	fill_ring(ring / 16);
	fill_ring(1000);
	for (int i = 0; i < CALLS; i++)
		ck_assert_int_eq(bell_reply(requests[i], bytes, 200000), 0);
	drain_b();
	n = bell_stream_write(stream_a, "x", 1, 0);
	ck_assert(n == 1 || n == -BELL_EAGAIN);
	while (told < CALLS && now_ms() < end) {
		ck_assert_int_ge(bell_dispatch(a), 0);
		calm(b);
		calm(a);
		(void)poll(NULL, 0, 1);
	}
	ck_assert_int_eq(told, CALLS);
}
END_TEST

/* ---- armed on giving up ------------------------------------------------------ */

static const struct bell_port_ops *real_ops;
static int sleeps;

/* Wakes for nothing until the deadline is looked at; then a message comes late. */
static int wake_in_vain(struct bell_port *port, int timeout_ms,
			const struct port_sink *sink)
{
	int64_t end = now_ms() + 2 * BUSY_MS;

	if (timeout_ms == 0 || port != a->port)
		return real_ops->wait(port, timeout_ms, sink);
	if ((bus_a->looks + 1) % BUS_LOOKS_MAX != 0)
		return 0;
	if (++sleeps > 1)
		return real_ops->wait(port, timeout_ms, sink);
	ck_assert_int_eq(bell_send(bus_b, bell_id(a), "m", 1, 0), 0);
	while (now_ms() < end)
		(void)poll(NULL, 0, 10);
	return real_ops->wait(port, 0, sink);
}

START_TEST(a_read_that_gives_up_is_armed)
{
	struct bell_port_ops ops;
	char buf[8];

	ck_assert_int_eq(bell_accept(open_stream(), LATE_MS, &stream_b), 0);
	/* Not until -BELL_EAGAIN: unarmed. */
	ck_assert_int_eq(bell_send(bus_b, bell_id(a), "m", 1, 0), 0);
	ck_assert_int_eq(bell_recv(bus_a, buf, sizeof(buf), NULL, LATE_MS), 1);
	real_ops = a->port->ops;
	ops = *real_ops;
	ops.wait = wake_in_vain;
	a->port->ops = &ops;
	sleeps = 0;
	ck_assert_int_eq(bell_stream_read(stream_a, buf, sizeof(buf), BUSY_MS),
			 -BELL_EAGAIN);
	a->port->ops = real_ops;
	ck_assert_int_gt(sleeps, 0);
	ck_assert_int_ge(peer_wait(a, 0), 0);
	ck_assert_int_eq(bell_stream_write(stream_b, "hello", 5, 0), 5);
	ck_assert(readable(a, WAIT_MS));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("armed");
	TCase *tc = armed_case(suite, "armed");
	TCase *large = armed_large_case(suite, "large");

	tcase_add_test(tc, space_is_told_to_who_was_armed_before);
	tcase_add_test(tc, space_is_told_to_a_call_that_was_kept_while_armed);
	tcase_add_test(tc, a_release_of_little_is_told);
	tcase_add_test(tc, nothing_is_left_behind_thousands_of_pieces);
	tcase_add_test(tc, an_event_loop_gets_a_message_of_thousands_of_pieces);
	tcase_add_test(tc, nothing_is_left_behind_thousands_of_unwanted_messages);
	tcase_add_test(tc, a_read_that_gives_up_is_armed);
	tcase_add_test(large, replies_that_are_owed_go_though_a_stream_waits);
	add_waiting(armed_case(suite, "waiting"));
	return run_suite(suite);
}
