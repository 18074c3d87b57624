/* SPDX-License-Identifier: BSD-2-Clause */
/* Names, and memory that was damaged or formatted anew. */
#include "conformance.h"
#include "layout.h"

#include <stdlib.h>
#include <string.h>

START_TEST(names_find_ids)
{
	struct bell_peer_info info[8];
	uint32_t id = 77;

	ck_assert_int_eq(bell_find(a, "b", &id), 0);
	ck_assert_uint_eq(id, bell_id(b));
	ck_assert_int_eq(bell_find(a, "nobody", &id), -BELL_ENOPEER);
	ck_assert_uint_eq(id, bell_id(b));
	ck_assert_int_eq(bell_peers(a, info, 8), 2);
	ck_assert_str_eq(info[0].name, "a");
	ck_assert_str_eq(info[1].name, "b");
	ck_assert_int_eq(info[1].state, BELL_STATE_LIVE);
	ck_assert_int_ne(info[1].kind, BELL_KIND_UNKNOWN);
	ck_assert_int_eq(info[1].kind, info[0].kind);
	ck_assert_uint_eq(info[1].vectors, bell_vectors(b));
}
END_TEST

START_TEST(absent_ids_are_not_found)
{
	uint32_t id = 77;

	ck_assert_int_eq(bell_find(a, "64000", &id), -BELL_ENOPEER);
	ck_assert_uint_eq(id, 77);
}
END_TEST

static const struct {
	const char *name;
	int want;
} names[] = {
	{ "", -BELL_EINVAL },
	{ "with space", -BELL_EINVAL },
	{ "new\nline", -BELL_EINVAL },
	{ "12345", -BELL_EINVAL },
	{ "b", -BELL_EEXIST },
	{ "web-1", 0 },
	{ "0123456789012345678901234567890123456789012345678901234567890-3", 0 },
	{ "0123456789012345678901234567890123456789012345678901234567890-34",
	  -BELL_EINVAL },
};

START_TEST(name_rules)
{
	struct bell_bus_config cfg = { .name = names[_i].name };
	int rc;

	bell_leave(bus_a);
	bus_a = NULL;
	rc = bell_join(a, &cfg, &bus_a);
	ck_assert_msg(rc == names[_i].want, "%s: %d", names[_i].name, rc);
	if (rc == 0)
		ck_assert_str_eq(bell_bus_name(bus_a), names[_i].name);
	else
		ck_assert_str_ne(bell_detail(), "");
}
END_TEST

START_TEST(one_bus_a_peer)
{
	struct bell_bus *second = NULL;

	ck_assert_int_eq(bell_join(a, NULL, &second), -BELL_EBUSY);
	ck_assert_ptr_null(second);
}
END_TEST

/* ---- damage ---- */

START_TEST(wiped_memory_is_noticed)
{
	size_t size;
	void *memory = bell_memory(a, &size);
	char got[8];

	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), 0);
	memset(memory, _i ? 0xff : 0, size);
	ck_assert_int_eq(bell_recv(bus_b, got, 8, NULL, 0), -BELL_ERESET);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), -BELL_ERESET);
	ck_assert_int_eq(bell_dispatch(b), -BELL_ERESET);
}
END_TEST

/* A wipe may come to a peer's slot before it comes to the header. */
START_TEST(slot_of_another_wiped_is_no_leave)
{
	struct bell_envelope env = { .peer = bell_id(b) };
	struct bell_outgoing *out = NULL;
	struct bell_stream *stream;
	size_t size;
	shm_u64 *word = bell_memory(a, &size);
	struct layout l;

	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), 0);
	if (_i == 0)
		ck_assert_int_eq(bell_begin(bus_a, &env, 1, &out), 0);
	ck_assert_int_eq(bell_stream_open(bus_a, bell_id(b), "s", 0, &stream), 0);
	ck_assert_int_eq(layout_read(word, size, &l), 0);
	for (uint32_t i = 0; i < l.slot_count; i++) {
		shm_u64 *slot = &layout_slot(word, &l, i)->word;

		if (slot_state(shm_peek(slot)) == SLOT_LIVE &&
		    slot_id(shm_peek(slot)) == bell_id(b))
			shm_set(slot, 0);
	}
	if (_i == 0)
		ck_assert_int_eq(bell_continue(out, "x", 1, 0), -BELL_ERESET);
	else
		ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), -BELL_ERESET);
	bell_abandon(out);
	bell_stream_close(stream);
}
END_TEST

START_TEST(formatting_anew_wakes_who_sleeps)
{
	struct bell_bus_config cfg = { .name = "c", .flags = BELL_FORMAT };
	struct bell_peer *c = world->open();
	struct bell_bus *bus_c;
	char got;

	/* Armed: nothing but a doorbell makes the handle readable. */
	while (bell_wait(b, 0) >= 0)
		;
	ck_assert_int_eq(bell_recv(bus_b, &got, 1, NULL, 0), -BELL_EAGAIN);
	ck_assert_int_eq(bell_join(c, &cfg, &bus_c), 0);
	ck_assert_int_eq(bell_wait(b, -1), -BELL_ERESET);
	bell_leave(bus_c);
	bell_close(c);
}
END_TEST

START_TEST(memory_formatted_anew_is_noticed)
{
	struct bell_bus_config cfg = { .name = "c", .flags = BELL_FORMAT };
	struct bell_peer *c = world->open();
	struct bell_bus *bus_c;
	char got[8];

	ck_assert_int_eq(bell_join(c, &cfg, &bus_c), 0);
	ck_assert_int_eq(bell_recv(bus_b, got, 8, NULL, 100), -BELL_ERESET);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), -BELL_ERESET);
	bell_leave(bus_b);
	bus_b = join(b, "b");
	ck_assert_int_eq(bell_send(bus_c, bell_id(b), "again", 5, 0), 0);
	ck_assert_int_eq(bell_recv(bus_b, got, 8, NULL, WAIT_MS), 5);
	bell_leave(bus_c);
	bell_close(c);
}
END_TEST

START_TEST(broken_link_is_closed_and_the_next_one_works)
{
	struct bell_envelope env = { 0 };
	size_t size;
	uint64_t *memory = bell_memory(a, &size);
	char got[16];

	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "\x11\x22\x33\x44\x55\x66\x77\x11",
				   8, 0), 0);
	/* The word before these bytes is the record's header. */
	for (size_t i = 1; i < size / 8; i++)
		if (memory[i] == UINT64_C(0x1177665544332211))
			memory[i - 1] = UINT64_MAX;
	ck_assert_int_eq(bell_recv(bus_b, got, 16, &env, 0), -BELL_ECORRUPT);
	ck_assert_uint_eq(env.peer, bell_id(a));
	ck_assert_int_eq(bell_recv(bus_b, got, 16, &env, 0), -BELL_EAGAIN);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "x", 1, 0), -BELL_ECORRUPT);
	ck_assert_int_eq(bell_send(bus_a, bell_id(b), "y", 1, 0), 0);
	ck_assert_int_eq(bell_recv(bus_b, got, 16, &env, WAIT_MS), 1);
	ck_assert_int_eq(got[0], 'y');
}
END_TEST

void add_directory(Suite *suite)
{
	TCase *tc = add_case(suite, "directory", setup);

	tcase_add_test(tc, names_find_ids);
	tcase_add_test(tc, absent_ids_are_not_found);
	tcase_add_loop_test(tc, name_rules, 0, ARRAY_LEN(names));
	tcase_add_test(tc, one_bus_a_peer);
	tcase_add_loop_test(tc, wiped_memory_is_noticed, 0, 2);
	tcase_add_test(tc, memory_formatted_anew_is_noticed);
	tcase_add_test(tc, formatting_anew_wakes_who_sleeps);
	tcase_add_loop_test(tc, slot_of_another_wiped_is_no_leave, 0, 2);
	tcase_add_test(tc, broken_link_is_closed_and_the_next_one_works);
}
