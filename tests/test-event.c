/* SPDX-License-Identifier: BSD-2-Clause */
/* A peer in a libevent loop: interrupts, news, errors, freeing in a callback. */
#include "bellring-event.h"
#include "scripted.h"
#include "testing.h"

#include <event2/event.h>
#include <unistd.h>

#define START GREETING, { 3, V0, SEND }

static int fds[GIFTS];
static struct scripted server;
static struct event_base *base;
static struct bell_peer *peer;
static struct bell_event *watch;
static unsigned interrupts, lost;

static void start(const struct step *steps, int n)
{
	make_gifts(fds);
	scripted_start(&server, steps, n, fds);
	ck_assert_int_eq(bell_open(server.address, -1, &peer), 0);
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
}

static void finish(void)
{
	bell_event_free(watch);
	bell_close(peer);
	event_base_free(base);
	scripted_stop(&server);
}

static void on_timeout(evutil_socket_t none, short what, void *arg)
{
	(void)none;
	(void)what;
	(void)arg;
	ck_abort_msg("nothing happened in 5 seconds");
}

/* Runs the loop until a callback breaks it. */
static void run(void)
{
	const struct timeval limit = { .tv_sec = 5 };
	struct event *timeout = evtimer_new(base, on_timeout, NULL);

	event_add(timeout, &limit);
	ck_assert_int_eq(event_base_dispatch(base), 0);
	event_free(timeout);
}

static void on_interrupt(struct bell_peer *p, unsigned vector, void *arg)
{
	ck_assert_ptr_eq(p, peer);
	ck_assert_uint_eq(vector, 0);
	ck_assert_ptr_eq(arg, &interrupts);
	interrupts++;
	event_base_loopbreak(base);
}

static void on_interrupt_free(struct bell_peer *p, unsigned vector, void *arg)
{
	on_interrupt(p, vector, arg);
	bell_event_free(watch);
	watch = NULL;
}

static void on_peer(struct bell_peer *p, uint32_t id, enum bell_peer_event event,
		    void *arg)
{
	(void)p;
	(void)arg;
	ck_assert_uint_eq(id, 0);
	ck_assert_int_eq(event, BELL_SERVER_LOST);
	lost++;
	event_base_loopbreak(base);
}

static void on_error(struct bell_peer *p, int code, void *arg)
{
	(void)p;
	(void)arg;
	ck_abort_msg("error %d: %s", code, bell_detail());
}

static void signal_vector(void)
{
	const uint64_t one = 1;

	ck_assert_int_eq(write(fds[V0 - 1], &one, sizeof(one)), sizeof(one));
}

START_TEST(interrupts_reach_the_callback)
{
	static const struct step steps[] = { START };

	start(steps, ARRAY_LEN(steps));
	ck_assert_int_eq(bell_on_interrupt(peer, 0, on_interrupt, &interrupts), 0);
	watch = bell_event_new(base, peer, on_error, NULL);
	ck_assert_ptr_nonnull(watch);
	for (unsigned n = 1; n <= 3; n++) {
		signal_vector();
		run();
		ck_assert_uint_eq(interrupts, n);
	}
	finish();
}
END_TEST

START_TEST(what_came_before_is_told)
{
	static const struct step steps[] = { START };

	start(steps, ARRAY_LEN(steps));
	ck_assert_int_eq(bell_on_interrupt(peer, 0, on_interrupt, &interrupts), 0);
	signal_vector();
	watch = bell_event_new(base, peer, on_error, NULL);
	run();
	ck_assert_uint_eq(interrupts, 1);
	finish();
}
END_TEST

START_TEST(server_lost_is_told_once)
{
	static const struct step steps[] = {
		START, { 0, 0, AWAIT }, BYE,
	};

	start(steps, ARRAY_LEN(steps));
	ck_assert_int_eq(bell_on_peer(peer, on_peer, NULL), 0);
	ck_assert_int_eq(bell_on_interrupt(peer, 0, on_interrupt, &interrupts), 0);
	watch = bell_event_new(base, peer, on_error, NULL);
	scripted_go(&server);
	run();
	ck_assert_uint_eq(lost, 1);
	signal_vector(); /* the loop goes on with the rest */
	run();
	ck_assert_uint_eq(interrupts, 1);
	ck_assert_uint_eq(lost, 1);
	finish();
}
END_TEST

START_TEST(free_in_a_callback)
{
	static const struct step steps[] = { START };

	start(steps, ARRAY_LEN(steps));
	ck_assert_int_eq(bell_on_interrupt(peer, 0, on_interrupt_free,
					   &interrupts), 0);
	watch = bell_event_new(base, peer, on_error, NULL);
	signal_vector();
	run();
	ck_assert_uint_eq(interrupts, 1);
	ck_assert_ptr_null(watch);
	/* Nobody watches any more: the loop has nothing to do. */
	signal_vector();
	ck_assert_int_eq(event_base_dispatch(base), 1);
	ck_assert_uint_eq(interrupts, 1);
	finish();
}
END_TEST

START_TEST(freeing_nothing)
{
	bell_event_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("event");
	TCase *tc = tcase_create("loop");

	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, interrupts_reach_the_callback);
	tcase_add_test(tc, what_came_before_is_told);
	tcase_add_test(tc, server_lost_is_told_once);
	tcase_add_test(tc, free_in_a_callback);
	tcase_add_test(tc, freeing_nothing);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
