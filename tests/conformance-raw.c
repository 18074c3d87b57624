/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts, peers that come and go, memory: without a bus. */
#include "conformance.h"

#include <poll.h>
#include <string.h>

static unsigned hits[BELL_VECTOR_MAX + 1];

static void hit(struct bell_peer *peer, unsigned vector, void *arg)
{
	ck_assert_ptr_eq(arg, &hits);
	ck_assert_ptr_nonnull(peer);
	hits[vector]++;
}

START_TEST(every_vector_rings_its_callback)
{
	memset(hits, 0, sizeof(hits));
	for (unsigned v = 0; v < bell_vectors(b); v++)
		ck_assert_int_eq(bell_on_interrupt(b, v, hit, &hits), 0);
	for (unsigned v = 0; v < bell_vectors(b); v++) {
		ck_assert_int_eq(bell_ring(a, bell_id(b), v), 0);
		ck_assert_int_gt(bell_wait(b, WAIT_MS), 0);
		for (unsigned i = 0; i < bell_vectors(b); i++)
			ck_assert_uint_eq(hits[i], i <= v);
	}
	ck_assert_int_eq(bell_wait(b, 0), -BELL_EAGAIN);
}
END_TEST

START_TEST(handle_is_readable_after_a_ring)
{
	struct pollfd p = { .fd = bell_handle(b), .events = POLLIN };

	/* A port may tell only of those that somebody listens to. */
	ck_assert_int_eq(bell_on_interrupt(b, 3, hit, &hits), 0);
	while (bell_dispatch(b) > 0)
		;
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	ck_assert_int_eq(bell_ring(a, bell_id(b), 3), 0);
	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	ck_assert_int_eq(bell_dispatch(b), 1);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
}
END_TEST

START_TEST(ringing_oneself_works)
{
	memset(hits, 0, sizeof(hits));
	ck_assert_int_eq(bell_on_interrupt(a, 1, hit, &hits), 0);
	ck_assert_int_eq(bell_ring(a, bell_id(a), 1), 0);
	ck_assert_int_gt(bell_wait(a, WAIT_MS), 0);
	ck_assert_uint_eq(hits[1], 1);
}
END_TEST

static const struct {
	const char *name;
	uint32_t id;
	unsigned vector;
	int want;
} bad_rings[] = {
	{ "id out of range", BELL_ID_MAX + 1, 0, -BELL_EINVAL },
	{ "vector out of range", 0, 256, -BELL_EINVAL },
	{ "vector of 32 bits", 0, 0x80000001u, -BELL_EINVAL },
	{ "nobody", 60000, 0, -BELL_ENOPEER },
	{ "a vector that the peer has not", 0, 255, -BELL_ENOPEER },
};

START_TEST(bad_ring)
{
	ck_assert_msg(bell_ring(a, bad_rings[_i].id, bad_rings[_i].vector) ==
			      bad_rings[_i].want, "%s", bad_rings[_i].name);
	ck_assert_str_ne(bell_detail(), "");
}
END_TEST

START_TEST(bad_vector_registration)
{
	ck_assert_int_eq(bell_on_interrupt(a, bell_vectors(a), hit, NULL), -BELL_EINVAL);
}
END_TEST

static struct {
	uint32_t id;
	enum bell_peer_event event;
	int count;
} heard;

static void hear(struct bell_peer *peer, uint32_t id, enum bell_peer_event event,
		 void *arg)
{
	(void)peer;
	(void)arg;
	heard.id = id;
	heard.event = event;
	heard.count++;
}

static void wait_heard(struct bell_peer *peer)
{
	while (heard.count == 0)
		ck_assert_int_ge(bell_wait(peer, WAIT_MS), 0);
}

START_TEST(join_and_leave_are_told)
{
	struct bell_peer *c;
	uint32_t id;

	memset(&heard, 0, sizeof(heard));
	ck_assert_int_eq(bell_on_peer(a, hear, NULL), 0);
	c = world->open();
	id = bell_id(c);
	wait_heard(a);
	ck_assert_uint_eq(heard.id, id);
	ck_assert_int_eq(heard.event, BELL_PEER_JOINED);
	heard.count = 0;
	bell_close(c);
	wait_heard(a);
	ck_assert_uint_eq(heard.id, id);
	ck_assert_int_eq(heard.event, BELL_PEER_LEFT);
	ck_assert_int_eq(bell_ring(a, id, 0), -BELL_ENOPEER);
}
END_TEST

START_TEST(memory_is_shared_behind_the_bus_too)
{
	size_t size;
	unsigned char *ma = bell_memory(a, &size), *mb = bell_memory(b, NULL);

	ck_assert_uint_eq(size, 1u << 20);
	ma[size - 1] = 0x5a;
	ck_assert_uint_eq(mb[size - 1], 0x5a);
}
END_TEST

void add_raw(Suite *suite)
{
	TCase *tc = add_case(suite, "raw", setup_raw);

	tcase_add_test(tc, every_vector_rings_its_callback);
	tcase_add_test(tc, handle_is_readable_after_a_ring);
	tcase_add_test(tc, ringing_oneself_works);
	tcase_add_loop_test(tc, bad_ring, 0, ARRAY_LEN(bad_rings));
	tcase_add_test(tc, bad_vector_registration);
	tcase_add_test(tc, join_and_leave_are_told);
	tcase_add_test(tc, memory_is_shared_behind_the_bus_too);
}
