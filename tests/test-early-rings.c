/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ringing a peer of which the server's news has not been told yet, is still in
 * the socket, or has not even been sent: no doorbell is lost, no news either.
 */
#include "scripted.h"
#include "testing.h"
#include "told.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>

extern const struct bell_port_ops bell_port_unix;

#define FIRST 500u
#define EARLY 300u /* rung, and none is there yet */

static int fds[GIFTS];
static struct scripted server;

static struct bell_port *play(const struct step *steps, int n)
{
	struct bell_port *port = NULL;

	make_gifts(fds);
	scripted_start(&server, steps, n, fds);
	ck_assert_int_eq(bell_port_unix.open(server.path, -1, &port), 0);
	return port;
}

static void finish(struct bell_port *port)
{
	bell_port_unix.close(port);
	scripted_stop(&server);
}

static bool readable(const struct bell_port *port, int timeout_ms)
{
	struct pollfd p = { .fd = bell_port_unix.handle(port), .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

/* Lets the server go on, until something of what it says has arrived. */
static void hear(struct bell_port *port)
{
	scripted_go(&server);
	ck_assert(readable(port, 5000));
}

static int ring(struct bell_port *port, uint32_t id, unsigned vector)
{
	return bell_port_unix.ring(port, id, vector);
}

/* Waits until the port knows so many vectors of its only peer. */
static void vectors_known(struct bell_port *port, unsigned vectors)
{
	struct bell_peer_info info = { 0 };

	for (int i = 0; i < 100 && info.vectors < vectors; i++) {
		ck_assert_int_ge(bell_port_unix.wait(port, 100, &told_sink), 0);
		(void)bell_port_unix.peers(port, &info, 1);
	}
	ck_assert_uint_eq(info.vectors, vectors);
}

START_TEST(joining_is_in_the_socket)
{
	static const struct step steps[] = {
		GREETING, { 3, V0, SEND },
		{ 0, 0, AWAIT }, { 7, V1, SEND },
		{ 0, 0, AWAIT }, { 7, 0, SEND },
		{ 0, 0, AWAIT },
	};
	struct bell_port *port = play(steps, ARRAY_LEN(steps));

	hear(port);
	ck_assert_int_eq(ring(port, 7, 0), 0);
	ck_assert_uint_eq(drain(fds[V1 - 1]), 1);
	ck_assert_uint_eq(told.joined[7], 0); /* only wait() tells */

	/* Nothing is left in the socket, but the handle says: there is news. */
	ck_assert(readable(port, 0));
	ck_assert_int_eq(bell_port_unix.wait(port, -1, &told_sink), 1);
	ck_assert_uint_eq(told.joined[7], 1);
	ck_assert(!readable(port, 0));

	/* The same with a leave, met while ringing somebody else. */
	hear(port);
	ck_assert_int_eq(ring(port, 8, 0), -BELL_ENOPEER);
	ck_assert_int_eq(ring(port, 7, 0), -BELL_ENOPEER);
	ck_assert(readable(port, 0));
	told_wait(port, &told.left[7], 1);
	ck_assert(!readable(port, 0));
	ck_assert_uint_eq(told.joined[7], 1);
	finish(port);
}
END_TEST

START_TEST(joining_is_not_even_sent)
{
	static const struct step steps[] = {
		GREETING, { 3, V0, SEND },
		{ 0, 0, AWAIT }, { 7, V1, SEND },
		{ 0, 0, AWAIT }, { 7, V2, SEND },
		{ 0, 0, AWAIT },
	};
	struct bell_port *port = play(steps, ARRAY_LEN(steps));

	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(ring(port, 7, 0), -BELL_ENOPEER);
		ck_assert_ptr_nonnull(strstr(bell_detail(), "peer 7: not connected"));
	}
	hear(port);
	told_wait(port, &told.joined[7], 1);
	ck_assert_uint_eq(drain(fds[V1 - 1]), 1); /* a hint, not a count */

	/* It is known, but not all of its vectors. */
	ck_assert_int_eq(ring(port, 7, 1), -BELL_ENOPEER);
	hear(port);
	vectors_known(port, 2);
	ck_assert_uint_eq(drain(fds[V2 - 1]), 1);
	ck_assert_uint_eq(drain(fds[V1 - 1]), 0);
	ck_assert_uint_eq(told.joined[7], 1);
	finish(port);
}
END_TEST

/* Somebody sleeps until it comes: however many others were rung since. */
START_TEST(none_is_forgotten)
{
	static const struct step steps[] = {
		GREETING, { 3, V0, SEND }, { 0, 0, AWAIT },
		{ FIRST, V1, SEND }, { FIRST + 1, V2, SEND },
		{ FIRST + EARLY - 1, V0, SEND },
		{ 0, 0, AWAIT },
	};
	struct bell_port *port = play(steps, ARRAY_LEN(steps));

	for (uint32_t i = 0; i < EARLY; i++)
		ck_assert_int_eq(ring(port, FIRST + i, 0), -BELL_ENOPEER);
	hear(port);
	told_wait(port, &told.joined[FIRST + EARLY - 1], 1);
	ck_assert_uint_eq(drain(fds[V1 - 1]), 1);
	ck_assert_uint_eq(drain(fds[V2 - 1]), 1);
	told_wait(port, &told.interrupts[0], 1); /* the last one's eventfd is ours */
	finish(port);
}
END_TEST

START_TEST(who_left_is_forgotten)
{
	static const struct step steps[] = {
		GREETING, { 7, V0, SEND }, { 3, V0, SEND },
		{ 0, 0, AWAIT }, { 7, 0, SEND },
		{ 0, 0, AWAIT }, { 7, V1, SEND }, { 7, V2, SEND },
		{ 0, 0, AWAIT },
	};
	struct bell_port *port = play(steps, ARRAY_LEN(steps));

	ck_assert_int_eq(ring(port, 7, 1), -BELL_ENOPEER);
	hear(port);
	told_wait(port, &told.left[7], 1);
	hear(port);
	vectors_known(port, 2);
	ck_assert_uint_eq(drain(fds[V2 - 1]), 0);
	finish(port);
}
END_TEST

START_TEST(loss_of_the_server_is_met)
{
	static const struct step closes[] = {
		GREETING, { 7, V1, SEND }, { 3, V0, SEND }, { 0, 0, AWAIT }, BYE,
		{ 0, 0, AWAIT },
	};
	static const struct step breaks[] = {
		GREETING, { 7, V1, SEND }, { 3, V0, SEND }, { 0, 0, AWAIT },
		{ 9, 0, SEND }, { 0, 0, AWAIT }, /* never joined */
	};
	struct bell_port *port = _i == 0 ? play(closes, ARRAY_LEN(closes)) :
					   play(breaks, ARRAY_LEN(breaks));

	hear(port);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ring(port, 8, 0), -BELL_ENOPEER);
	ck_assert(readable(port, 0));
	told_wait(port, &told.lost, 1);
	ck_assert_int_eq(bell_port_unix.wait(port, 0, &told_sink), 0);
	ck_assert(!readable(port, 0));
	ck_assert_int_eq(ring(port, 8, 0), -BELL_ENOPEER);
	ck_assert_int_eq(ring(port, 7, 0), 0);
	ck_assert_uint_eq(drain(fds[V1 - 1]), 1);
	ck_assert_uint_eq(told.lost, 1);
	finish(port);
}
END_TEST

/* More news than the port remembers: the rest stays in the socket. */
START_TEST(more_news_than_are_remembered)
{
	enum { PAIRS = 3000 };
	static struct step steps[5 + 2 * PAIRS + 1] = {
		GREETING, { 3, V0, SEND }, { 0, 0, AWAIT },
	};
	struct bell_port *port;
	int n = 5;

	for (uint32_t i = 0; i < PAIRS; i++) {
		steps[n++] = (struct step){ 1000 + i, V1, SEND };
		steps[n++] = (struct step){ 1000 + i, 0, SEND };
	}
	steps[n++] = (struct step){ 0, 0, AWAIT };
	port = play(steps, n);
	hear(port);
	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(ring(port, 1, 0), -BELL_ENOPEER);
		poll(NULL, 0, 1);
	}
	told_wait(port, &told.left[1000 + PAIRS - 1], 1);
	for (uint32_t i = 0; i < PAIRS; i++) {
		if (told.joined[1000 + i] != 1 || told.left[1000 + i] != 1)
			ck_abort_msg("%u: %u joins, %u leaves", 1000 + i,
				     told.joined[1000 + i], told.left[1000 + i]);
	}
	ck_assert_uint_eq(told.lost, 0);
	finish(port);
}
END_TEST

static struct bell_port *callback_port;
static int callback_rc;

static void ring_on_news(void *arg, uint32_t id, enum bell_peer_event event)
{
	told_sink.peer(arg, id, event);
	callback_rc = ring(callback_port, 4000, 0);
}

START_TEST(ringing_from_a_callback)
{
	static const struct step steps[] = {
		GREETING, { 3, V0, SEND },
		{ 0, 0, AWAIT }, { 7, V1, SEND },
		{ 0, 0, AWAIT }, { 4000, V2, SEND },
		{ 0, 0, AWAIT },
	};
	static const struct port_sink sink = { .peer = ring_on_news };

	callback_port = play(steps, ARRAY_LEN(steps));
	hear(callback_port);
	ck_assert_int_eq(bell_port_unix.wait(callback_port, -1, &sink), 1);
	ck_assert_int_eq(callback_rc, -BELL_ENOPEER);
	hear(callback_port);
	ck_assert_int_eq(bell_port_unix.wait(callback_port, -1, &sink), 1);
	ck_assert_int_eq(callback_rc, 0);
	ck_assert_uint_eq(drain(fds[V2 - 1]), 2); /* the early one, and this */
	finish(callback_port);
}
END_TEST

/* ---- another thread rings while one waits ---- */

#define MANY 32u /* each with an eventfd of its own */

static void *ring_each_once(void *arg)
{
	for (uint32_t i = 0; i < MANY; i++) {
		int rc = ring(arg, FIRST + i, 0);

		if (rc != 0 && rc != -BELL_ENOPEER)
			return arg;
	}
	return NULL;
}

/* Two threads ring each once before, while or after it comes: none is lost. */
START_TEST(beside_a_thread_that_waits)
{
	static struct step steps[5 + MANY + 1] = {
		GREETING, { 3, V0, SEND }, { 0, 0, AWAIT },
	};
	int many[GIFTS + MANY], n = 5;
	struct bell_port *port = NULL;
	pthread_t thread[2];
	void *failed;

	make_gifts(many);
	for (uint32_t i = 0; i < MANY; i++) {
		many[GIFTS + i] = new_eventfd();
		steps[n++] = (struct step){ FIRST + i, GIFTS + 1 + (int)i, SEND };
	}
	steps[n++] = (struct step){ 0, 0, AWAIT };
	scripted_start(&server, steps, n, many);
	ck_assert_int_eq(bell_port_unix.open(server.path, -1, &port), 0);
	scripted_go(&server);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, ring_each_once,
						port), 0);
	told_wait(port, &told.joined[FIRST + MANY - 1], 1);
	for (int i = 0; i < 2; i++) {
		pthread_join(thread[i], &failed);
		ck_assert_ptr_null(failed);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		ck_assert_uint_eq(told.joined[FIRST + i], 1);
		ck_assert_uint_ge(drain(many[GIFTS + i]), 1);
	}
	finish(port);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("early rings");
	TCase *tc = tcase_create("host");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, joining_is_in_the_socket);
	tcase_add_test(tc, joining_is_not_even_sent);
	tcase_add_test(tc, none_is_forgotten);
	tcase_add_test(tc, who_left_is_forgotten);
	tcase_add_loop_test(tc, loss_of_the_server_is_met, 0, 2);
	tcase_add_test(tc, more_news_than_are_remembered);
	tcase_add_test(tc, ringing_from_a_callback);
	tcase_add_loop_test(tc, beside_a_thread_that_waits, 0, 50);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
