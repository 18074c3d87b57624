/* SPDX-License-Identifier: BSD-2-Clause */
/* Those who wait for one that polls, and whose links one that polls for good may touch. */
#include "four-peers.h"

static void ignore_writable(struct bell_bus *b, uint32_t id, void *arg)
{
	(void)b;
	(void)id;
	(void)arg;
}

static void take_all(int i)
{
	char got[64];

	while (receive(bus[i], got, 0) >= 0)
		;
}

/* b's pong found no space, which is there when b looks next. */
START_TEST(an_answer_kept_for_lack_of_space_is_sent)
{
	char msg[64] = { 0 };
	uint64_t rtt;

	ck_assert_int_eq(bell_set_wait(bus[1], (enum bell_wait_mode)_i), 0);
	for (size_t len = sizeof(msg); len > 0; len /= 8)
		while (bell_send(bus[1], bell_id(peer[0]), msg, len, 0) == 0)
			;
	ck_assert_int_eq(bell_ping(bus[0], bell_id(peer[1]), 0, &rtt), -BELL_EAGAIN);
	take_all(1);
	ck_assert_uint_eq(bus[1]->thirsty, 1);
	take_all(0);
	take_all(1);
	ck_assert_uint_eq(bus[1]->thirsty, 0);
	ck_assert_ptr_nonnull(bus[1]->outs); /* and not for want of the link */
	ck_assert_ptr_null(bus[1]->outs->kept);
}
END_TEST

/* Half of the ring is free, but that is not yet an eighth more than a was told. */
START_TEST(a_dispatch_tells_of_space)
{
	char msg[64] = { 0 }, got[64];
	uint64_t half;
	struct bus_in *in;

	settle(0);
	ck_assert_int_eq(bell_set_wait(bus[1], (enum bell_wait_mode)_i), 0);
	bell_on_writable(bus[0], ignore_writable, NULL);
	while (bell_send(bus[0], bell_id(peer[1]), msg, sizeof(msg), 0) == 0)
		;
	settle(0);
	half = bus[0]->outs->w.pos - bus[0]->outs->w.size / 2;
	in = inbound(bus[1]);
	while (in->r.freed < half)
		ck_assert_int_eq(receive(bus[1], got, 0), sizeof(msg));
	ck_assert_uint_lt(in->r.told, half);
	ck_assert(!readable(0, 0));
	ck_assert_int_ge(bell_dispatch(peer[1]), 0);
	ck_assert(readable(0, 1000));
}
END_TEST

/* ---- whose links ---- */

/* c's link to d is where a's to b was. */
START_TEST(who_polls_for_good_leaves_a_link_of_the_next_session_alone)
{
	uint32_t link;

	send_text(bus[0], 1, "old");
	expect_text(bus[1], "old");
	link = bus[0]->outs->link;
	format_anew();
	send_text(bus[2], 3, "one");
	ck_assert_uint_eq(bus[2]->outs->link, link);
	expect_text(bus[3], "one");
	settle(3);
	ck_assert_int_eq(bell_set_wait(bus[1], BELL_POLL_ONLY), -BELL_ERESET);
	send_text(bus[2], 3, "two");
	ck_assert(readable(3, 1000));
	expect_text(bus[3], "two");
}
END_TEST

/* b was taken for dead while it stood still, and its sender's link is another's. */
START_TEST(who_polls_for_good_leaves_a_link_of_another_alone)
{
	struct bus_in *in;
	uint64_t word;

	send_text(bus[0], 1, "x");
	expect_text(bus[1], "x");
	settle(1);
	in = bus[1]->in[bus[0]->outs->link];
	word = shm_exchange(&in->r.ctl->word, LINK_FREE);
	shm_set(&in->r.ctl->data_event, 16);
	ck_assert_int_eq(bell_set_wait(bus[1], BELL_POLL_ONLY), 0);
	ck_assert_uint_eq(shm_peek(&in->r.ctl->data_event), 16);
	(void)shm_exchange(&in->r.ctl->word, word);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("polling");
	TCase *tc = add_four(suite, "space");

	tcase_add_loop_test(tc, an_answer_kept_for_lack_of_space_is_sent, 0, WAYS);
	tcase_add_loop_test(tc, a_dispatch_tells_of_space, 0, WAYS);
	tc = add_four(suite, "links");
	tcase_add_test(tc, who_polls_for_good_leaves_a_link_of_the_next_session_alone);
	tcase_add_test(tc, who_polls_for_good_leaves_a_link_of_another_alone);
	return run_suite(suite);
}
