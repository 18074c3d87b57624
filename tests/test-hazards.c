/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test-hazards.c - what a reviewer of the bus tried to break it with
 *
 * Peers that leave or die at a bad moment, memory that was formatted anew under
 * others, callbacks that call back, and words that a hostile peer left behind.
 * No call may hang, lose a wake-up, or touch what is another's. A hang is found
 * by the test's time limit.
 */
#include "fake-port.h"
#include "four-peers.h"
#include "os.h"
#include "scripted.h"
#include "steward.h"
#include "testing.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- pings beside other links ---- */

START_TEST(ping_ends_in_time_though_another_sender_left)
{
	send_text(bus[2], 0, "last words");
	part(2);
	ck_assert_int_eq(bell_ping(bus[0], bell_id(peer[1]), 50, NULL), -BELL_EAGAIN);
	expect_text(bus[0], "last words");
}
END_TEST

START_TEST(ping_ends_in_time_though_another_link_is_garbage)
{
	char got[64];

	send_text(bus[2], 0, "x");
	shm_set(word_at(inbound(bus[0]), 0), UINT64_MAX);
	bell_set_wait(bus[0], (enum bell_wait_mode)_i);
	ck_assert_int_eq(bell_ping(bus[0], bell_id(peer[1]), 50, NULL), -BELL_EAGAIN);
	ck_assert_int_eq(receive(bus[0], got, 0), -BELL_ECORRUPT);
	ck_assert_int_eq(receive(bus[0], got, 0), -BELL_EAGAIN);
}
END_TEST

START_TEST(a_header_zeroed_behind_a_ping_is_noticed)
{
	char got[64];

	send_text(bus[2], 0, "x");
	send_text(bus[2], 0, "y");
	ck_assert_int_eq(bell_ping(bus[0], bell_id(peer[1]), 10, NULL), -BELL_EAGAIN);
	shm_set(word_at(inbound(bus[0]), 0), 0);
	if (_i == 1)
		part(2);
	ck_assert_int_eq(receive(bus[0], got, 0), -BELL_ECORRUPT);
	ck_assert_int_eq(receive(bus[0], got, 0), -BELL_EAGAIN);
}
END_TEST

/* No zero anywhere: a reader that believed it would go round for ever. */
static void fill_with_pings(struct bell_bus *b)
{
	struct bus_in *in = inbound(b);

	for (uint64_t off = 0; off < in->r.size; off += 8)
		shm_set(word_at(in, off), record_header(RECORD_PING, 0, 0, 0));
}

START_TEST(a_ring_full_of_pings_ends)
{
	char got[64];

	send_text(bus[2], 0, "x");
	fill_with_pings(bus[0]);
	bell_set_wait(bus[0], (enum bell_wait_mode)_i);
	ck_assert_int_eq(receive(bus[0], got, 0), -BELL_EAGAIN);
	ck_assert_int_ge(bell_dispatch(peer[0]), 0);
	ck_assert_int_eq(receive(bus[0], got, 50), -BELL_EAGAIN);
	ck_assert_int_eq(bell_ping(bus[0], bell_id(peer[1]), 50, NULL), -BELL_EAGAIN);
	(void)bell_wait(peer[0], 50);
}
END_TEST

START_TEST(a_ring_full_of_messages_ends)
{
	char got[64];

	send_text(bus[2], 0, "x");
	fill_with_pings(bus[0]);
	for (uint64_t off = 0; off < bus[0]->active[0]->r.size; off += 8)
		shm_set(word_at(bus[0]->active[0], off),
			record_header(RECORD_DATA, 0, 0, 0));
	for (int i = 0; i < 100000; i++)
		ck_assert_int_eq(receive(bus[0], got, 0), 0);
	ck_assert_int_eq(bell_ping(bus[0], bell_id(peer[1]), 20, NULL), -BELL_EAGAIN);
	ck_assert_int_ge(bell_dispatch(peer[0]), 0);
}
END_TEST

/* ---- a peer that never lets the wake word rest ---- */

static _Atomic bool stop_flood;

static void *flood_wake_word(void *arg)
{
	struct bell_bus *b = arg;

	while (!stop_flood)
		(void)shm_fetch_or(&b->self->wake, ~WAKE_ASLEEP);
	return NULL;
}

START_TEST(a_flooded_wake_word_hides_no_deadline)
{
	pthread_t thread;
	char got[64];

	stop_flood = false;
	bell_set_wait(bus[0], (enum bell_wait_mode)_i);
	ck_assert_int_eq(pthread_create(&thread, NULL, flood_wake_word, bus[0]), 0);
	ck_assert_int_eq(receive(bus[0], got, 0), -BELL_EAGAIN);
	ck_assert_int_eq(receive(bus[0], got, 30), -BELL_EAGAIN);
	ck_assert_int_eq(bell_ping(bus[0], bell_id(peer[1]), 30, NULL), -BELL_EAGAIN);
	while (bell_send(bus[0], bell_id(peer[1]), got, 64, 0) == 0)
		;
	ck_assert_int_ge(bell_dispatch(peer[0]), 0);
	ck_assert_int_eq(bell_send(bus[0], bell_id(peer[1]), got, 64, 30), -BELL_EAGAIN);
	stop_flood = true;
	pthread_join(thread, NULL);
}
END_TEST

/* ---- another session in the same memory ---- */

START_TEST(the_next_owner_of_a_slot_keeps_its_wake_word)
{
	char got[64];

	format_anew();
	settle(3);
	ck_assert_int_eq(receive(bus[1], got, 0), -BELL_ERESET);
	send_text(bus[2], 3, "wake up");
	ck_assert(readable(3, 1000));
	expect_text(bus[3], "wake up");
}
END_TEST

START_TEST(a_link_of_the_next_session_is_not_freed)
{
	char got[64];

	send_text(bus[0], 1, "old");
	if (_i == 1)
		expect_text(bus[1], "old");
	format_anew();
	send_text(bus[2], 3, "one");
	/* a and b do not know yet: neither may touch c's link to d. */
	ck_assert_int_eq(bell_send(bus[0], bell_id(peer[1]), "x", 1, 0), -BELL_ERESET);
	ck_assert_int_eq(receive(bus[1], got, 0), -BELL_ERESET);
	send_text(bus[2], 3, "two");
	expect_text(bus[3], "one");
	expect_text(bus[3], "two");
}
END_TEST

START_TEST(nobody_of_an_old_session_claims_a_link)
{
	format_anew();
	ck_assert_int_eq(bell_send(bus[0], bell_id(peer[3]), "x", 1, 0), -BELL_ERESET);
	ck_assert_int_eq(bell_ping(bus[0], bell_id(peer[3]), 0, NULL), -BELL_ERESET);
}
END_TEST

/* ---- deaths between two instructions ---- */

static unsigned told;

static void count_ring(void *arg, uint32_t id, unsigned vector)
{
	(void)vector;
	told += id == bell_id(arg);
}

/* Killed in bell_leave(), behind directory_exit(). */
START_TEST(a_peer_killed_in_the_midst_of_leaving_is_told)
{
	void *memory = fake_hub_memory(hub);

	settle(0);
	told = 0;
	directory_exit(memory, &bus[1]->layout, bus[1]->slot, bus[1]->slot_word);
	(void)steward_mark_dead(memory, &bus[1]->layout, bell_id(peer[1]), count_ring,
				peer[0]);
	ck_assert_uint_eq(told, 1);
	ck_assert(shm_peek(&bus[0]->self->wake) & WAKE_DIRECTORY);
	/* Who was never on the bus wakes nobody. */
	ck_assert(!steward_mark_dead(memory, &bus[1]->layout, 4000, count_ring,
				     peer[0]));
	ck_assert_uint_eq(told, 1);
}
END_TEST

/* ---- a link that is claimed again by the same two ---- */

START_TEST(a_link_begun_anew_by_the_same_sender_is_read_from_its_start)
{
	char msg[64] = "again";
	int rc;

	send_text(bus[0], 1, "one");
	expect_text(bus[1], "one");
	/* A third party scribbles: the sender gives the link up. */
	shm_set(&bus[1]->in[bus[0]->outs->link]->r.ctl->consumed, UINT64_C(1) << 40);
	while ((rc = bell_send(bus[0], bell_id(peer[1]), msg, sizeof(msg), 0)) == 0)
		;
	ck_assert_int_eq(rc, -BELL_ECORRUPT);
	send_text(bus[0], 1, "two");
	expect_text(bus[1], "two");
}
END_TEST

/* ---- callbacks that call back ---- */

static int nested_rc[4], deliveries;

static void call_back(struct bell_bus *b, const struct bell_envelope *env,
		      const void *data, void *arg)
{
	char got[64];

	ck_assert_uint_eq(env->len, 4);
	ck_assert_mem_eq(data, "once", 4);
	deliveries++;
	nested_rc[0] = bell_dispatch(arg);
	nested_rc[1] = bell_wait(arg, 10);
	nested_rc[2] = (int)bell_recv(b, got, sizeof(got), NULL, 10);
	nested_rc[3] = bell_send(b, env->peer, "back", 4, 0);
}

START_TEST(a_message_callback_is_not_entered_again)
{
	deliveries = 0;
	bell_on_message(bus[0], call_back, peer[0]);
	send_text(bus[1], 0, "once");
	ck_assert_int_ge(bell_dispatch(peer[0]), 1);
	ck_assert_int_eq(deliveries, 1);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(nested_rc[i], -BELL_EBUSY);
	ck_assert_int_eq(nested_rc[3], 0);
	expect_text(bus[1], "back");
}
END_TEST

static _Atomic int inner_ping;

static void ping_inside(struct bell_peer *p, unsigned vector, void *arg)
{
	(void)p;
	(void)vector;
	inner_ping = bell_ping(arg, bell_id(peer[2]), 0, NULL);
}

static void *answer(void *arg)
{
	struct bell_peer *p = arg;

	while (bell_wait(p, 5000) >= 0 && inner_ping == 0) {
		must(bell_ring(p, bell_id(peer[0]), 5) == 0);
		poll(NULL, 0, 1);
	}
	while (bell_wait(p, 100) >= 0)
		;
	return NULL;
}

START_TEST(a_ping_within_a_ping_is_refused)
{
	pthread_t thread;

	inner_ping = 0;
	ck_assert_int_eq(bell_on_interrupt(peer[0], 5, ping_inside, bus[0]), 0);
	ck_assert_int_eq(bell_ring(peer[1], bell_id(peer[0]), 5), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, answer, peer[1]), 0);
	ck_assert_int_eq(bell_ping(bus[0], bell_id(peer[1]), 5000, NULL), 0);
	ck_assert_int_eq(inner_ping, -BELL_EBUSY);
	pthread_join(thread, NULL);
}
END_TEST

/* ---- a loop that sleeps on the handle ---- */

START_TEST(ping_leaves_the_handle_readable_for_what_came_meanwhile)
{
	settle(0);
	send_text(bus[2], 0, "meanwhile");
	ck_assert_int_eq(bell_ping(bus[0], bell_id(peer[1]), 20, NULL), -BELL_EAGAIN);
	ck_assert(readable(0, 1000));
	ck_assert_int_gt(bell_dispatch(peer[0]), 0);
	expect_text(bus[0], "meanwhile");
}
END_TEST

START_TEST(send_leaves_the_handle_readable_for_what_came_meanwhile)
{
	char msg[64] = { 0 };

	while (bell_send(bus[0], bell_id(peer[1]), msg, sizeof(msg), 0) == 0)
		;
	settle(0);
	send_text(bus[2], 0, "meanwhile");
	bell_set_wait(bus[0], (enum bell_wait_mode)_i);
	ck_assert_int_eq(bell_send(bus[0], bell_id(peer[1]), msg, sizeof(msg), 20),
			 -BELL_EAGAIN);
	ck_assert(readable(0, 1000));
	ck_assert_int_gt(bell_dispatch(peer[0]), 0);
	expect_text(bus[0], "meanwhile");
}
END_TEST

START_TEST(a_quiet_send_rings_nobody)
{
	settle(0);
	settle(1);
	send_text(bus[0], 1, "x");
	ck_assert(!readable(0, 0));
	ck_assert(readable(1, 0));
}
END_TEST

/* ---- a wait without a bus ---- */

START_TEST(a_wait_is_not_ended_by_news_that_nobody_is_told)
{
	int fds[2] = { new_memory(1u << 20), new_eventfd() };
	/* At last, another vector of peer 7. */
	const struct step steps[] = {
		{ 0, 0, SEND }, { 1, 0, SEND }, { -1, 1, SEND }, { 7, 2, SEND },
		{ 1, 2, SEND }, { 0, 0, AWAIT }, { 7, 2, SEND }, { 0, 0, AWAIT },
	};
	struct scripted server;
	struct bell_peer *p = NULL;
	uint64_t began;

	scripted_start(&server, steps, ARRAY_LEN(steps), fds);
	ck_assert_int_eq(bell_open(server.address, 5000, &p), 0);
	scripted_go(&server);
	began = os_now_ns();
	ck_assert_int_eq(bell_wait(p, 200), -BELL_EAGAIN);
	ck_assert_uint_ge(os_now_ns() - began, 200000000);
	bell_close(p);
	scripted_stop(&server);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hazards");
	TCase *tc = add_four(suite, "hang");

	tcase_add_test(tc, ping_ends_in_time_though_another_sender_left);
	tcase_add_loop_test(tc, ping_ends_in_time_though_another_link_is_garbage, 0, WAYS);
	tcase_add_loop_test(tc, a_header_zeroed_behind_a_ping_is_noticed, 0, 2);
	tcase_add_loop_test(tc, a_ring_full_of_pings_ends, 0, WAYS);
	tcase_add_test(tc, a_ring_full_of_messages_ends);
	tcase_add_loop_test(tc, a_flooded_wake_word_hides_no_deadline, 0, WAYS);
	tc = add_four(suite, "session");
	tcase_add_test(tc, the_next_owner_of_a_slot_keeps_its_wake_word);
	tcase_add_loop_test(tc, a_link_of_the_next_session_is_not_freed, 0, 2);
	tcase_add_test(tc, nobody_of_an_old_session_claims_a_link);
	tc = add_four(suite, "death");
	tcase_add_test(tc, a_peer_killed_in_the_midst_of_leaving_is_told);
	tcase_add_test(tc, a_link_begun_anew_by_the_same_sender_is_read_from_its_start);
	tc = add_four(suite, "callbacks");
	tcase_add_test(tc, a_message_callback_is_not_entered_again);
	tcase_add_test(tc, a_ping_within_a_ping_is_refused);
	tc = add_four(suite, "handle");
	tcase_add_test(tc, ping_leaves_the_handle_readable_for_what_came_meanwhile);
	tcase_add_loop_test(tc, send_leaves_the_handle_readable_for_what_came_meanwhile,
			    0, WAYS);
	tcase_add_test(tc, a_quiet_send_rings_nobody);
	tc = add_four(suite, "no bus");
	tcase_add_test(tc, a_wait_is_not_ended_by_news_that_nobody_is_told);
	return run_suite(suite);
}
