/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * raw-callbacks.c - a program that wants doorbells and memory, and no bus
 *
 * Callbacks by vector and for who comes and goes, and bell_wait() around them,
 * against a real server: one that formats its memory for the bus, and one that
 * leaves it raw. Only <bellring.h> is used of the library.
 */
#include "bellring.h"
#include "server-fixture.h"
#include "testing.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#define WAIT_MS 10000
#define SHORT_MS 30
#define VECTORS 5
#define SIZE (1u << 20)

static const char *const formatted[] = { "-l", "1M", "-n", "5", "--links", "4",
					 "--ring-size", "4096", NULL };
static const char *const unformatted[] = { "-l", "1M", "-n", "5", "--raw", NULL };

/* What each loop test runs against. */
static const struct server_kind {
	const char *const *options;
	bool bus;
} kinds[] = {
	{ formatted, true },
	{ unformatted, false },
};

static const char *address;
static struct bell_peer *self, *other;

static struct {
	unsigned calls[VECTORS];
	unsigned joins, leaves, losses;
	uint32_t id; /* of the last one who came or went */
} heard;

static void on_vector(struct bell_peer *peer, unsigned vector, void *arg)
{
	ck_assert_ptr_eq(peer, self);
	ck_assert_ptr_eq(arg, &heard);
	ck_assert_uint_lt(vector, VECTORS);
	heard.calls[vector]++;
}

static void on_peer(struct bell_peer *peer, uint32_t id,
		    enum bell_peer_event event, void *arg)
{
	ck_assert_ptr_eq(peer, self);
	ck_assert_ptr_eq(arg, &heard);
	heard.id = id;
	heard.joins += event == BELL_PEER_JOINED;
	heard.leaves += event == BELL_PEER_LEFT;
	heard.losses += event == BELL_SERVER_LOST;
}

static struct bell_peer *open_peer(void)
{
	struct bell_peer *peer = NULL;
	int rc = bell_open(address, -1, &peer);

	if (rc < 0)
		ck_abort_msg("%s: %s: %s", address, bell_strerror(rc), bell_detail());
	return peer;
}

static unsigned vectors_of(struct bell_peer *peer, uint32_t id)
{
	struct bell_peer_info info[8];
	int n = bell_peers(peer, info, 8);

	ck_assert_int_ge(n, 0);
	for (int i = 0; i < n && i < 8; i++)
		if (info[i].id == id)
			return info[i].vectors;
	return 0;
}

/* No event tells of vectors after a peer's first: waits end in between. */
static void await_vectors(uint32_t id)
{
	for (int i = 0; vectors_of(self, id) < VECTORS; i++) {
		ck_assert_int_lt(i, WAIT_MS / SHORT_MS);
		(void)bell_wait(self, SHORT_MS);
	}
}

static void begin(int kind)
{
	address = server_start(kinds[kind].options);
	self = open_peer();
	for (unsigned v = 0; v < VECTORS; v++)
		ck_assert_int_eq(bell_on_interrupt(self, v, on_vector, &heard), 0);
	ck_assert_int_eq(bell_on_peer(self, on_peer, &heard), 0);
	other = open_peer();
	await_vectors(bell_id(other));
}

static void end(void)
{
	bell_close(other);
	bell_close(self);
	server_stop();
}

START_TEST(an_opened_peer_knows_itself)
{
	begin(_i);
	ck_assert_uint_ne(bell_id(self), bell_id(other));
	ck_assert_uint_eq(bell_vectors(self), VECTORS);
	ck_assert_str_eq(bell_port_name(self), "unix");
	if (kinds[_i].bus)
		ck_assert_uint_gt(bell_bus_size(self), 0);
	else
		ck_assert_uint_eq(bell_bus_size(self), 0);
	end();
}
END_TEST

START_TEST(memory_is_one_and_the_same)
{
	size_t size = 0, start;
	unsigned char *mine, *theirs;

	begin(_i);
	mine = bell_memory(self, &size);
	theirs = bell_memory(other, NULL);
	ck_assert_uint_eq(size, SIZE);
	ck_assert_ptr_ne(mine, theirs);
	/* What a bus does not occupy is the user's. */
	start = kinds[_i].bus ? (size_t)bell_bus_size(self) : 0;
	ck_assert_uint_lt(start, size / 2);
	for (size_t i = start; i < size; i++)
		ck_assert_uint_eq(theirs[i], 0);
	for (size_t i = start; i < size; i++)
		mine[i] = (unsigned char)(i * 31 + 7);
	for (size_t i = start; i < size; i++)
		ck_assert_uint_eq(theirs[i], (unsigned char)(i * 31 + 7));
	end();
}
END_TEST

START_TEST(every_vector_calls_its_own_callback)
{
	begin(_i);
	for (unsigned v = 0; v < VECTORS; v++) {
		memset(&heard, 0, sizeof(heard));
		ck_assert_int_eq(bell_ring(other, bell_id(self), v), 0);
		ck_assert_int_eq(bell_wait(self, WAIT_MS), 1);
		for (unsigned i = 0; i < VECTORS; i++)
			ck_assert_uint_eq(heard.calls[i], i == v);
	}
	ck_assert_int_eq(bell_ring(other, bell_id(self), VECTORS), -BELL_ENOPEER);
	end();
}
END_TEST

START_TEST(any_number_of_rings_is_one_call)
{
	begin(_i);
	memset(&heard, 0, sizeof(heard));
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(bell_ring(other, bell_id(self), 1), 0);
		ck_assert_int_eq(bell_ring(other, bell_id(self), 4), 0);
	}
	ck_assert_int_eq(bell_dispatch(self), 2);
	ck_assert_uint_eq(heard.calls[1], 1);
	ck_assert_uint_eq(heard.calls[4], 1);
	ck_assert_int_eq(bell_dispatch(self), 0);
	/* And the next one is told again. */
	ck_assert_int_eq(bell_ring(other, bell_id(self), 1), 0);
	ck_assert_int_eq(bell_wait(self, WAIT_MS), 1);
	ck_assert_uint_eq(heard.calls[1], 2);
	end();
}
END_TEST

START_TEST(a_removed_callback_is_not_called)
{
	begin(_i);
	memset(&heard, 0, sizeof(heard));
	ck_assert_int_eq(bell_on_interrupt(self, 2, NULL, NULL), 0);
	ck_assert_int_eq(bell_ring(other, bell_id(self), 2), 0);
	ck_assert_int_eq(bell_wait(self, WAIT_MS), 1);
	ck_assert_uint_eq(heard.calls[2], 0);
	end();
}
END_TEST

START_TEST(handle_is_not_readable_after_dispatch)
{
	struct pollfd p;

	begin(_i);
	p = (struct pollfd){ .fd = bell_handle(self), .events = POLLIN };
	(void)bell_dispatch(self);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	for (unsigned v = 0; v < VECTORS; v++)
		ck_assert_int_eq(bell_ring(other, bell_id(self), v), 0);
	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	ck_assert_int_eq(bell_dispatch(self), VECTORS);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	end();
}
END_TEST

START_TEST(joins_and_leaves_are_told)
{
	struct bell_peer *third;
	uint32_t id;

	begin(_i);
	memset(&heard, 0, sizeof(heard));
	third = open_peer();
	id = bell_id(third);
	while (heard.joins == 0)
		ck_assert_int_gt(bell_wait(self, WAIT_MS), 0);
	ck_assert_uint_eq(heard.id, id);
	await_vectors(id);
	ck_assert_int_eq(bell_ring(self, id, VECTORS - 1), 0);
	ck_assert_int_eq(bell_wait(third, WAIT_MS), 1);
	bell_close(third);
	while (heard.leaves == 0)
		ck_assert_int_gt(bell_wait(self, WAIT_MS), 0);
	ck_assert_uint_eq(heard.id, id);
	ck_assert_uint_eq(heard.joins, 1);
	ck_assert_uint_eq(heard.leaves, 1);
	ck_assert_int_eq(bell_ring(self, id, 0), -BELL_ENOPEER);
	end();
}
END_TEST

START_TEST(peers_ring_on_when_the_server_is_gone)
{
	begin(_i);
	memset(&heard, 0, sizeof(heard));
	server_stop();
	while (heard.losses == 0)
		ck_assert_int_gt(bell_wait(self, WAIT_MS), 0);
	ck_assert_uint_eq(heard.losses, 1);
	ck_assert_int_eq(bell_ring(other, bell_id(self), 3), 0);
	ck_assert_int_eq(bell_wait(self, WAIT_MS), 1);
	ck_assert_uint_eq(heard.calls[3], 1);
	bell_close(other);
	bell_close(self);
}
END_TEST

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

START_TEST(a_wait_ends_in_time_and_costs_nothing)
{
	double began, used;

	begin(_i);
	ck_assert_int_eq(bell_wait(self, 0), -BELL_EAGAIN);
	began = seconds(CLOCK_MONOTONIC);
	used = seconds(CLOCK_PROCESS_CPUTIME_ID);
	ck_assert_int_eq(bell_wait(self, 200), -BELL_EAGAIN);
	ck_assert_double_ge(seconds(CLOCK_MONOTONIC) - began, 0.199);
	ck_assert_double_lt(seconds(CLOCK_PROCESS_CPUTIME_ID) - used, 0.05);
	end();
}
END_TEST

static void on_signal(int number)
{
	(void)number;
}

START_TEST(a_signal_ends_a_wait)
{
	/* Again and again: the first may come before the wait. */
	struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, never = { 0 };
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = SA_RESTART };

	begin(_i);
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
	ck_assert_int_eq(bell_wait(self, WAIT_MS), -BELL_EINTR);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
	end();
}
END_TEST

/* ---- threads ---- */

#define RINGS 20000

static _Atomic unsigned acknowledged;

/* Rings with self, the very peer that the main thread waits on. */
static void *ring_oneself(void *arg)
{
	(void)arg;
	for (unsigned i = 1; i <= RINGS; i++) {
		must(bell_ring(self, bell_id(self), i % VECTORS) == 0);
		while (acknowledged < i)
			;
	}
	return NULL;
}

START_TEST(a_thread_rings_while_another_waits)
{
	pthread_t thread;
	unsigned total = 0;

	begin(_i);
	memset(&heard, 0, sizeof(heard));
	ck_assert_int_eq(pthread_create(&thread, NULL, ring_oneself, NULL), 0);
	/* One ring at a time: each has to wake the wait, none may be lost. */
	while (total < RINGS) {
		int rc = bell_wait(self, WAIT_MS);

		ck_assert_int_eq(rc, 1);
		acknowledged = ++total;
	}
	pthread_join(thread, NULL);
	for (unsigned v = 0; v < VECTORS; v++)
		ck_assert_uint_eq(heard.calls[v], RINGS / VECTORS);
	end();
}
END_TEST

/* ---- what is refused, and the end ---- */

static const struct {
	const char *name;
	uint32_t id;
	unsigned vector;
	int want;
} refused[] = {
	{ "an id of more than 24 bits", 1u << 24, 0, -BELL_EINVAL },
	{ "a vector that no doorbell can name", 0, 256, -BELL_EINVAL },
	{ "an absent peer", 40000, 0, -BELL_ENOPEER },
	{ "a vector of its own that it has not", 0, VECTORS, -BELL_ENOPEER },
};

START_TEST(a_bad_ring_is_refused)
{
	begin(0);
	ck_assert_msg(bell_ring(self, refused[_i].id, refused[_i].vector) ==
			      refused[_i].want, "%s", refused[_i].name);
	ck_assert_str_ne(bell_detail(), "");
	ck_assert_int_eq(bell_on_interrupt(self, VECTORS, on_vector, NULL),
			 -BELL_EINVAL);
	end();
}
END_TEST

START_TEST(close_gives_everything_back)
{
	int before = open_fds();

	for (int i = 0; i < 5; i++) {
		begin(_i);
		ck_assert_int_gt(open_fds(), before);
		end();
		ck_assert_int_eq(open_fds(), before);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("raw callbacks");
	TCase *tc = tcase_create("raw");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, an_opened_peer_knows_itself, 0, 2);
	tcase_add_loop_test(tc, memory_is_one_and_the_same, 0, 2);
	tcase_add_loop_test(tc, every_vector_calls_its_own_callback, 0, 2);
	tcase_add_loop_test(tc, any_number_of_rings_is_one_call, 0, 2);
	tcase_add_loop_test(tc, a_removed_callback_is_not_called, 0, 2);
	tcase_add_loop_test(tc, handle_is_not_readable_after_dispatch, 0, 2);
	tcase_add_loop_test(tc, joins_and_leaves_are_told, 0, 2);
	tcase_add_loop_test(tc, peers_ring_on_when_the_server_is_gone, 0, 2);
	tcase_add_loop_test(tc, a_wait_ends_in_time_and_costs_nothing, 0, 2);
	tcase_add_loop_test(tc, a_signal_ends_a_wait, 0, 2);
	tcase_add_loop_test(tc, a_thread_rings_while_another_waits, 0, 2);
	tcase_add_loop_test(tc, a_bad_ring_is_refused, 0, ARRAY_LEN(refused));
	tcase_add_loop_test(tc, close_gives_everything_back, 0, 2);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
