/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test-finds.c - what reviews with a hostile eye found, and scribblers showed
 *
 * Two buses in one process; where a scribbler did it, this one knows the place.
 */
#include "bellring.h"
#include "fake-port.h"
#include "layout.h"
#include "ring.h"
#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REGION 65536u
#define SHORT_MS 100
#define LATE_MS 5000

static struct fake_hub *hub;
static struct bell_peer *a, *b;
static struct bell_bus *bus_a, *bus_b;
static struct layout plan;
static unsigned char out[REGION], in[REGION];

static struct bell_bus *join(struct bell_peer *peer, const char *name)
{
	struct bell_bus_config cfg = { .name = name };
	struct bell_bus *bus = NULL;

	ck_assert_int_eq(bell_join(peer, &cfg, &bus), 0);
	return bus;
}

static void setup(void)
{
	hub = fake_hub_new(REGION);
	a = fake_hub_open(hub);
	b = fake_hub_open(hub);
	bus_a = join(a, "a");
	bus_b = join(b, "b");
	ck_assert_int_eq(layout_read(fake_hub_memory(hub), REGION, &plan), 0);
	for (size_t i = 0; i < REGION; i++)
		out[i] = (unsigned char)(i * 7);
}

static void teardown(void)
{
	bell_leave(bus_a);
	bell_leave(bus_b);
	bell_close(a);
	bell_close(b);
	fake_hub_free(hub);
}

static void send_b(size_t len)
{
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), out, len, 0), 0);
}

/* The first link that is claimed is the first there is: a's to b. */
static struct layout_link *link_to_b(void)
{
	return layout_link(fake_hub_memory(hub), &plan, 0);
}

static shm_u64 *ring_word(uint64_t off)
{
	return ring_header(layout_ring(fake_hub_memory(hub), &plan, 0), off);
}

static int64_t now_ms(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- records that change while they are taken ---- */

START_TEST(a_record_that_shrinks_while_it_is_taken_is_noticed)
{
	static const uint8_t kinds[] = { RECORD_DATA, RECORD_TOPIC, RECORD_PART };
	struct bell_envelope env;

	send_b(100);
	ck_assert_int_eq(bell_recv_piece(bus_b, in, 40, &env, SHORT_MS), 40);
	shm_set(ring_word(0), record_header(kinds[_i], PART_FIRST, 0, 16));
	ck_assert_int_eq(bell_recv_piece(bus_b, in, 40, &env, 0), -BELL_ECORRUPT);
}
END_TEST

/* ---- no end of records that are nothing for a program ---- */

static const struct {
	uint8_t kind, flags;
	uint32_t len;
} nothings[] = {
	{ RECORD_TOPIC, 0, 8 },
	{ RECORD_PART, PART_LAST | PART_BROKEN, 0 },
	{ RECORD_PART, PART_FIRST, 8 },
	{ RECORD_PAD, 0, 0 },
	{ RECORD_PING, 0, 8 },
	{ RECORD_STREAM, 3, 8 },
	{ RECORD_CALL, 1, 16 },
};

static void ignore(struct bell_bus *bus, const struct bell_envelope *env,
		   const void *data, void *arg)
{
	(void)bus, (void)env, (void)data, (void)arg;
}

/* All words are the header: whatever the length, a record follows each. */
static void flood(int i)
{
	uint64_t h = record_header(nothings[i].kind, nothings[i].flags, 0,
				   nothings[i].len);

	for (uint64_t off = 0; off < plan.ring_size; off += 8)
		shm_set(ring_word(off), h);
}

START_TEST(receiving_ends_though_nothings_do_not)
{
	int64_t begin = now_ms(), rc;
	struct bell_envelope env;
	const void *data;

	send_b(0);
	flood(_i);
	/* What a part of a message is, is taken one way or the other. */
	rc = bell_recv(bus_b, in, REGION, &env, 20);
	ck_assert(rc == -BELL_EAGAIN || rc == -BELL_EMSGSIZE);
	rc = bell_recv_piece(bus_b, in, REGION, &env, 20);
	ck_assert(rc == -BELL_EAGAIN || rc >= 0);
	rc = bell_peek(bus_b, &env, &data, 20);
	ck_assert(rc == -BELL_EAGAIN || rc >= 0);
	/* One is held: a sender that goes round it broke the rules. */
	rc = bell_dispatch(b);
	ck_assert(rc == -BELL_ECORRUPT || rc >= 0);
	bell_on_message(bus_b, ignore, NULL);
	rc = bell_dispatch(b);
	ck_assert(rc == -BELL_ECORRUPT || rc >= 0);
	ck_assert_int_lt(now_ms() - begin, LATE_MS);
}
END_TEST

/* ---- what is held stays until it is given back ---- */

/* A message that crosses the ring's end, peeked: it lies in a copy. */
static const unsigned char *peek_across_the_end(void)
{
	const unsigned char *first = layout_ring(fake_hub_memory(hub), &plan, 0);
	struct bell_envelope env;
	const void *data = first;

	for (int i = 0; i < 100; i++) {
		send_b(1000);
		ck_assert_int_eq(bell_peek(bus_b, &env, &data, SHORT_MS), 1000);
		if ((const unsigned char *)data < first ||
		    (const unsigned char *)data >= first + plan.ring_size)
			return data;
		ck_assert_int_eq(bell_release(bus_b, bell_id(a)), 0);
	}
	ck_abort_msg("no message crossed the ring's end");
	return NULL;
}

START_TEST(what_is_held_outlives_its_link)
{
	const unsigned char *data = peek_across_the_end();
	struct bell_envelope env = { .peer = 99 };

	/* As if its sender had given the link up, and claimed it again. */
	if (_i == 0)
		shm_set(&link_to_b()->word, 0);
	else
		shm_set(&link_to_b()->consumed, 0);
	(void)shm_fetch_or(&layout_slot(fake_hub_memory(hub), &plan, 1)->wake,
			   WAKE_DIRECTORY);
	ck_assert_int_eq(bell_ping(bus_b, bell_id(a), 0, NULL), -BELL_EAGAIN);
	ck_assert(memcmp(data, out, 1000) == 0);
	ck_assert_int_eq(bell_recv(bus_b, in, REGION, &env, 0), -BELL_ECORRUPT);
	ck_assert_uint_eq(env.peer, bell_id(a));
	ck_assert_int_eq(bell_release(bus_b, bell_id(a)), -BELL_EINVAL);
	/* The next link is found. */
	if (bell_send(bus_a, bell_id(b), out, 5, 0) < 0)
		send_b(5);
	ck_assert_int_eq(bell_recv(bus_b, in, REGION, &env, SHORT_MS), 5);
}
END_TEST

/* ---- messages in pieces, among honest peers ---- */

static uint64_t pieces;

static void count_pieces(struct bell_bus *bus, const struct bell_envelope *env,
			 const void *data, void *arg)
{
	(void)bus, (void)data, (void)arg;
	pieces += env->len;
}

/* Its first pieces went to a callback: the rest alone is not the message. */
START_TEST(a_rest_is_not_taken_for_a_message)
{
	struct bell_envelope env = { .peer = bell_id(b) };
	struct bell_outgoing *o = NULL;

	pieces = 0;
	ck_assert_int_eq(bell_begin(bus_a, &env, 2000, &o), 0);
	ck_assert_int_eq(bell_continue(o, out, 1000, 0), 1000);
	bell_on_message(bus_b, count_pieces, NULL);
	ck_assert_int_gt(bell_dispatch(b), 0);
	ck_assert_uint_eq(pieces, 1000);
	bell_on_message(bus_b, NULL, NULL);
	ck_assert_int_eq(bell_continue(o, out + 1000, 1000, 0), 1000);
	ck_assert_int_eq(bell_finish(o, 0, 0), 0);
	ck_assert_int_eq(bell_recv(bus_b, in, REGION, &env, 0), -BELL_EMSGSIZE);
	while (pieces < 2000) {
		int64_t n = bell_recv_piece(bus_b, in, REGION, &env, 0);

		ck_assert_int_ge(n, 0);
		ck_assert_uint_eq(env.offset, pieces);
		ck_assert(memcmp(in, out + env.offset, (size_t)n) == 0);
		pieces += (uint64_t)n;
	}
}
END_TEST

/* Fills the ring to b to its last bytes, past messages that are begun. */
static void fill_ring(void)
{
	for (size_t len = 1024; len > 0; len /= 2)
		while (bell_publish(bus_a, BELL_ALL, 0, out, len, 0) == 1)
			;
	while (bell_publish(bus_a, BELL_ALL, 0, out, 0, 0) == 1)
		;
}

/* The news that it was is kept until there is space, and goes before what follows. */
START_TEST(what_follows_an_abandoned_message_is_whole)
{
	struct bell_envelope env = { .peer = bell_id(b) };
	struct bell_outgoing *o = NULL;
	int64_t n;

	ck_assert_int_eq(bell_begin(bus_a, &env, BELL_UNKNOWN, &o), 0);
	ck_assert_int_eq(bell_continue(o, out, 100, 0), 100);
	fill_ring();
	bell_abandon(o);
	while ((n = bell_recv_piece(bus_b, in, REGION, &env, 0)) >= 0)
		;
	ck_assert_int_eq(n, -BELL_EAGAIN);
	env = (struct bell_envelope){ .peer = bell_id(b) };
	ck_assert_int_eq(bell_begin(bus_a, &env, 200, &o), 0);
	ck_assert_int_eq(bell_continue(o, out, 100, 0), 100);
	ck_assert_int_ge(bell_dispatch(a), 0);
	ck_assert_int_eq(bell_continue(o, out + 100, 100, 0), 100);
	ck_assert_int_eq(bell_finish(o, 0, 0), 0);
	ck_assert_int_eq(bell_recv(bus_b, in, REGION, &env, 0), 200);
	ck_assert(memcmp(in, out, 200) == 0);
}
END_TEST

static struct bell_outgoing *begun;
static int64_t nested;
static unsigned char inner[REGION];

/* While b waits for the rest of a large message: here it is. */
static void receive_within(struct bell_peer *peer, unsigned vector, void *arg)
{
	struct bell_envelope env;

	(void)peer, (void)vector, (void)arg;
	ck_assert_int_eq(bell_continue(begun, out + 3000, 1000, 0), 1000);
	ck_assert_int_eq(bell_finish(begun, 0, 0), 0);
	nested = bell_recv(bus_b, inner, REGION, &env, 0);
}

START_TEST(a_call_within_a_call_has_its_own_buffer)
{
	struct bell_envelope env = { .peer = bell_id(b) };

	ck_assert_int_eq(bell_begin(bus_a, &env, 4000, &begun), 0);
	ck_assert_int_eq(bell_continue(begun, out, 3000, 0), 3000);
	ck_assert_int_eq(bell_on_interrupt(b, 1, receive_within, NULL), 0);
	ck_assert_int_eq(bell_ring(a, bell_id(b), 1), 0);
	/* Waits, with what came of the large one, and is interrupted. */
	ck_assert_int_eq(bell_recv(bus_b, in, REGION, &env, 20), -BELL_EAGAIN);
	ck_assert_int_eq(nested, 4000);
	ck_assert(memcmp(inner, out, 4000) == 0);
}
END_TEST

/* ---- leaving ---- */

/* A leak that a sanitizer sees: refusals of what came while a peer left. */
START_TEST(leaving_frees_what_came_meanwhile)
{
	int64_t begin = now_ms();

	send_b(0);
	/* Frames to a find no space, and are kept: so that leaving lingers. */
	for (int i = 0; i < 20; i++)
		while (bell_send(bus_b, bell_id(a), out, 1000, 0) == 0)
			;
	while (bell_send(bus_b, bell_id(a), out, 0, 0) == 0)
		;
	flood(ARRAY_LEN(nothings) - 1);
	(void)bell_dispatch(b);
	bell_leave(bus_b);
	bus_b = NULL;
	ck_assert_int_lt(now_ms() - begin, LATE_MS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("finds");
	TCase *tc = tcase_create("finds");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, a_record_that_shrinks_while_it_is_taken_is_noticed, 0, 3);
	tcase_add_loop_test(tc, receiving_ends_though_nothings_do_not, 0,
			    ARRAY_LEN(nothings));
	tcase_add_loop_test(tc, what_is_held_outlives_its_link, 0, 2);
	tcase_add_test(tc, a_rest_is_not_taken_for_a_message);
	tcase_add_test(tc, what_follows_an_abandoned_message_is_whole);
	tcase_add_test(tc, a_call_within_a_call_has_its_own_buffer);
	tcase_add_test(tc, leaving_frees_what_came_meanwhile);
	return run_suite(suite);
}
