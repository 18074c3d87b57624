/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * armed-waiting.c - who waits sleeps, whatever is kept, reserved or called
 */
#include "armed-fixture.h"

#include <string.h>

static int got;

/* ---- waiting costs nothing --------------------------------------------------- */

START_TEST(ping_refuses_what_is_reserved)
{
	struct bell_envelope env = { .peer = bell_id(b) };
	int64_t cpu;
	void *data;

	ck_assert_int_eq(bell_reserve(bus_a, &env, 100, 0, &data), 0);
	cpu = cpu_ms();
	ck_assert_int_eq(bell_ping(bus_a, bell_id(b), WAIT_MS, NULL), -BELL_EBUSY);
	ck_assert_int_lt(cpu_ms() - cpu, BUSY_MS);
}
END_TEST

static int64_t continue_behind(void)
{
	return bell_continue(begun, bytes, 100, WAIT_MS);
}

static int64_t ping_behind(void)
{
	return bell_ping(bus_a, bell_id(b), WAIT_MS, NULL);
}

static int64_t write_behind(void)
{
	return bell_stream_write(stream_a, bytes, 100, WAIT_MS);
}

/* After a write in vain: what is wanted waits behind what is kept, too. */
static int64_t receive_beside(void)
{
	ck_assert_int_eq(bell_stream_write(stream_a, bytes, 100, 0), -BELL_EAGAIN);
	bell_set_wait(bus_a, BELL_ADAPTIVE);
	return bell_recv(bus_a, bytes, room, NULL, WAIT_MS);
}

static int64_t (*const waits[])(void) = {
	continue_behind, ping_behind, write_behind, receive_beside,
};

START_TEST(waiting_behind_a_kept_frame_costs_no_cpu)
{
	struct bell_envelope env = { .peer = bell_id(b) };
	int64_t cpu;

	(void)open_stream();
	keep_a_large_frame();
	if (_i == 0)
		ck_assert_int_eq(bell_begin(bus_a, &env, 100, &begun), 0);
	cpu = cpu_ms();
	ck_assert_int_eq(waits[_i](), -BELL_EAGAIN);
	ck_assert_int_lt(cpu_ms() - cpu, BUSY_MS);
}
END_TEST

START_TEST(an_event_loop_is_quiet_behind_a_kept_frame)
{
	(void)open_stream();
	keep_a_large_frame();
	bell_on_writable(bus_a, count_writable, NULL);
	ck_assert_int_eq(bell_stream_write(stream_a, bytes, 100, 0), -BELL_EAGAIN);
	ck_assert_int_lt(run_loop(a), LOOPS_MAX);
	ck_assert_int_eq(told, 0);
}
END_TEST

/* ---- callbacks --------------------------------------------------------------- */

static void remove_itself(struct bell_bus *bus, const struct bell_envelope *env,
			  const void *data, void *arg)
{
	(void)env, (void)data, (void)arg;
	got++;
	bell_on_message(bus, NULL, NULL);
}

/* After the pieces that bell_recv() had put together there is one more queued. */
START_TEST(callback_may_remove_itself)
{
	struct bell_envelope env = { .peer = bell_id(b) };
	int64_t n, sum = 10;

	ck_assert_int_eq(bell_begin(bus_a, &env, 30, &begun), 0);
	ck_assert_int_eq(bell_continue(begun, "0123456789", 10, 0), 10);
	ck_assert_int_eq(bell_recv(bus_b, bytes, 100, &env, 0), -BELL_EAGAIN);
	ck_assert_int_eq(bell_continue(begun, "0123456789", 10, 0), 10);
	got = 0;
	bell_on_message(bus_b, remove_itself, NULL);
	ck_assert_int_ge(bell_dispatch(b), 0);
	ck_assert_int_eq(got, 1);
	ck_assert_int_eq(bell_continue(begun, "0123456789", 10, 0), 10);
	ck_assert_int_eq(bell_finish(begun, 0, 0), 0);
	begun = NULL;
	do {
		n = bell_recv_piece(bus_b, bytes, 100, &env, 0);
		ck_assert_int_ge(n, 0);
		ck_assert_uint_eq(env.offset, (uint64_t)sum);
		sum += n;
	} while (env.flags & BELL_MORE);
	ck_assert_int_eq(sum, 30);
}
END_TEST

static char inner[8];

/* The outer read waits meanwhile. */
static void read_within(struct bell_peer *peer, unsigned vector, void *arg)
{
	(void)peer, (void)vector, (void)arg;
	ck_assert_int_eq(bell_stream_write(stream_b, "hello", 5, 0), 5);
	ck_assert_int_eq(bell_stream_read(stream_a, inner, 5, 0), 5);
	ck_assert_int_eq(bell_stream_write(stream_b, "WORLD", 5, 0), 5);
}

START_TEST(read_in_a_read_keeps_both)
{
	char outer[8] = "........";

	ck_assert_int_eq(bell_accept(open_stream(), LATE_MS, &stream_b), 0);
	calm(a);
	ck_assert_int_eq(bell_on_interrupt(a, 1, read_within, NULL), 0);
	ck_assert_int_eq(bell_ring(b, bell_id(a), 1), 0);
	ck_assert_int_eq(bell_stream_read(stream_a, outer, 5, LATE_MS), 5);
	ck_assert(memcmp(inner, "hello", 5) == 0);
	ck_assert(memcmp(outer, "WORLD", 5) == 0);
}
END_TEST

/* ---- reserved, and the receiver left ----------------------------------------- */

static void expect_from(struct bell_bus *bus, const char *text)
{
	char buf[8];

	ck_assert_int_eq(bell_recv(bus, buf, sizeof(buf), NULL, LATE_MS),
			 (int64_t)strlen(text));
	ck_assert(memcmp(buf, text, strlen(text)) == 0);
}

START_TEST(what_is_reserved_is_nobody_elses_until_commit_says_so)
{
	struct bell_peer *c = fake_hub_open(hub), *d = fake_hub_open(hub);
	struct bell_bus *bus_c = join(c, "c"), *bus_d = join(d, "d");
	uint32_t id = bell_id(c);
	struct bell_envelope env = { .peer = id };
	const struct layout_link *link;
	uint64_t word;
	void *data;

	ck_assert_int_eq(bell_reserve(bus_a, &env, 1000, 0, &data), 0);
	link = layout_link(fake_hub_memory(hub), &bus_a->layout, bus_a->outs->link);
	word = bus_a->outs->link_word;
	bell_leave(bus_c);
	bell_close(c);
	ck_assert_int_eq(bell_recv(bus_a, bytes, room, NULL, 20), -BELL_EAGAIN);
	ck_assert_uint_eq(shm_acquire(&link->word), word);
	ck_assert_int_eq(bell_send(bus_d, bell_id(a), "to a", 4, 0), 0);
	ck_assert_int_eq(bell_send(bus_d, bell_id(b), "to b", 4, 0), 0);
	ck_assert_uint_eq(shm_acquire(&link->word), word);
	memset(data, 0xff, 1000);
	expect_from(bus_a, "to a");
	expect_from(bus_b, "to b");
	ck_assert_uint_eq(shm_acquire(&link->word), word);
	ck_assert_int_eq(bell_commit(bus_a, id, 1000), -BELL_ENOPEER);
	ck_assert_uint_ne(shm_acquire(&link->word), word);
	ck_assert_int_eq(bell_commit(bus_a, id, 1000), -BELL_EINVAL);
	bell_leave(bus_d);
	bell_close(d);
}
END_TEST

void add_waiting(TCase *tc)
{
	tcase_add_test(tc, ping_refuses_what_is_reserved);
	tcase_add_loop_test(tc, waiting_behind_a_kept_frame_costs_no_cpu, 0,
			    ARRAY_LEN(waits));
	tcase_add_test(tc, an_event_loop_is_quiet_behind_a_kept_frame);
	tcase_add_test(tc, callback_may_remove_itself);
	tcase_add_test(tc, read_in_a_read_keeps_both);
	tcase_add_test(tc, what_is_reserved_is_nobody_elses_until_commit_says_so);
}
