/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring alone: order, wrapping, events, and what a hostile peer may write. */
#include "bellring.h"
#include "ring.h"
#include "testing.h"

#include <stdlib.h>
#include <string.h>

#define SIZE 4096u

static struct layout_link ctl;
static _Alignas(64) unsigned char data[SIZE];
static struct ring_writer w;
static struct ring_reader r;

static void setup(void)
{
	memset(&ctl, 0xee, sizeof(ctl));
	memset(data, 0xee, sizeof(data));
	ring_reset(&ctl, data);
	ring_writer_init(&w, &ctl, data, SIZE);
	ring_reader_init(&r, &ctl, data, SIZE);
}

static uint64_t header(uint32_t len)
{
	return record_header(RECORD_DATA, 0, 7, len);
}

static int put(const void *msg, uint32_t len)
{
	return ring_write(&w, header(len), msg, len);
}

static shm_u64 *word(uint64_t off)
{
	return (shm_u64 *)(void *)(data + off);
}

static const uint32_t lengths[] = { 0, 1, 7, 8, 9, 63, 64, 65, 1000, 2040, SIZE - 17,
				    SIZE - 16 };

START_TEST(each_length_at_each_place)
{
	unsigned char msg[SIZE], got[SIZE];
	uint32_t len = lengths[_i];
	struct ring_record rec;

	ck_assert_uint_le(len, ring_max_message(SIZE));
	/* Some 24-byte steps later every alignment of the end has been met. */
	for (int round = 0; round < 2000; round++) {
		memset(msg, round, sizeof(msg));
		ck_assert_int_eq(put(msg, len), 0);
		ck_assert_int_eq(ring_peek(&r, &rec), 1);
		ck_assert_uint_eq(rec.len, len);
		ck_assert_uint_eq(rec.tag, 7);
		ring_copy_out(&rec, 0, got, len);
		ck_assert_mem_eq(msg, got, len);
		ring_release(&r, &rec);
		ck_assert_int_eq(ring_peek(&r, &rec), 0);
		/* Shift the next one. */
		ck_assert_int_eq(put(msg, 9), 0);
		ck_assert_int_eq(ring_peek(&r, &rec), 1);
		ring_release(&r, &rec);
	}
}
END_TEST

START_TEST(full_says_again_and_keeps_all)
{
	struct ring_record rec;
	uint32_t n = 0, i;

	while (put(&n, sizeof(n)) == 0)
		n++;
	ck_assert_uint_eq(n, SIZE / 16 - 1); /* 16 bytes each, one header free */
	ck_assert_int_eq(put(&n, sizeof(n)), -BELL_EAGAIN);
	for (i = 0; ring_peek(&r, &rec) == 1; i++) {
		uint32_t v;

		ring_copy_out(&rec, 0, &v, sizeof(v));
		ck_assert_uint_eq(v, i);
		ring_release(&r, &rec);
	}
	ck_assert_uint_eq(i, n);
	ck_assert_int_eq(put(&n, sizeof(n)), 0);
}
END_TEST

START_TEST(copy_out_in_parts)
{
	unsigned char msg[1000], got[1000];
	struct ring_record rec;

	for (size_t i = 0; i < sizeof(msg); i++)
		msg[i] = (unsigned char)(i * 31);
	ck_assert_int_eq(put(msg, 500), 0);
	for (int round = 0; round < 20; round++) { /* meets the ring's end */
		ck_assert_int_eq(ring_peek(&r, &rec), 1);
		ring_release(&r, &rec);
		ck_assert_int_eq(put(msg, 1000), 0);
		ck_assert_int_eq(ring_peek(&r, &rec), 1);
		for (uint32_t at = 0; at < 1000; at += 100)
			ring_copy_out(&rec, at, got + at, 100);
		ck_assert_mem_eq(msg, got, sizeof(msg));
	}
}
END_TEST

START_TEST(event_fires_once_for_its_position)
{
	uint64_t before = w.pos;

	ck_assert_int_eq(put("a", 1), 0);
	ck_assert(ring_data_wanted(&w, before)); /* a new link is armed at 0 */
	before = w.pos;
	ck_assert_int_eq(put("b", 1), 0);
	ck_assert(!ring_data_wanted(&w, before));
}
END_TEST

START_TEST(arm_looks_again)
{
	struct ring_record rec;
	uint64_t before;

	ck_assert(!ring_arm(&r));
	ck_assert_int_eq(put("a", 1), 0);
	ck_assert(ring_arm(&r));
	ck_assert_int_eq(ring_peek(&r, &rec), 1);
	ring_release(&r, &rec);
	ck_assert(!ring_arm(&r));
	before = w.pos;
	ck_assert_int_eq(put("b", 1), 0);
	ck_assert(ring_data_wanted(&w, before));
}
END_TEST

START_TEST(space_event_fires_at_half)
{
	struct ring_record rec;
	int released = 0;

	while (put("12345678", 8) == 0)
		;
	ck_assert_int_eq(ring_want_space(&w, 8), 0);
	for (;;) {
		ck_assert_int_eq(ring_peek(&r, &rec), 1);
		ring_release(&r, &rec);
		released++;
		if (ring_space_wanted(&r))
			break;
	}
	/* The ring was full but for one header. */
	ck_assert_int_eq(released * 16, SIZE / 2 - 16);
	ck_assert_int_eq(ring_has_space(&w, SIZE / 2 - 16), 1);
}
END_TEST

START_TEST(scan_sees_what_stays_queued)
{
	struct ring_record rec;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(put(&i, sizeof(i)), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ring_scan(&r, &rec), 1);
	ck_assert_int_eq(ring_scan(&r, &rec), 0);
	ck_assert(!ring_has_data(&r));
	for (int i = 0; i < 3; i++) {
		int v;

		ck_assert_int_eq(ring_peek(&r, &rec), 1);
		ring_copy_out(&rec, 0, &v, sizeof(v));
		ck_assert_int_eq(v, i);
		ring_release(&r, &rec);
	}
	ck_assert_int_eq(ring_peek(&r, &rec), 0);
}
END_TEST

/* What a hostile sender may put where a header is. */
static const struct {
	const char *name;
	uint64_t header;
	int want;
} headers[] = {
	{ "nothing", 0, 0 },
	{ "a good one", (uint64_t)RECORD_DATA << 56 | 8, 1 },
	{ "not a kind", (uint64_t)1 << 56 | 8, -BELL_ECORRUPT },
	{ "a kind beyond the last", (uint64_t)(RECORD_LAST + 1) << 56 | 8, -BELL_ECORRUPT },
	{ "length without a kind", 8, -BELL_ECORRUPT },
	{ "longer than the ring", (uint64_t)RECORD_DATA << 56 | SIZE, -BELL_ECORRUPT },
	{ "the largest", (uint64_t)RECORD_DATA << 56 | (SIZE - 16), 1 },
	{ "one more", (uint64_t)RECORD_DATA << 56 | (SIZE - 15), -BELL_ECORRUPT },
	{ "all ones", UINT64_MAX, -BELL_ECORRUPT },
	{ "length of all ones", (uint64_t)RECORD_DATA << 56 | UINT32_MAX,
	  -BELL_ECORRUPT },
	{ "padding", (uint64_t)RECORD_PAD << 56 | 8, 1 },
	{ "padding of the whole ring", (uint64_t)RECORD_PAD << 56 | (SIZE - 8),
	  -BELL_ECORRUPT },
};

START_TEST(hostile_header)
{
	struct ring_record rec;

	shm_set(word(0), headers[_i].header);
	ck_assert_msg(ring_peek(&r, &rec) == headers[_i].want, "%s",
		      headers[_i].name);
	setup();
	shm_set(word(0), headers[_i].header);
	ck_assert_msg(ring_scan(&r, &rec) == headers[_i].want, "%s",
		      headers[_i].name);
}
END_TEST

START_TEST(padding_reaches_the_end)
{
	struct ring_record rec;

	ck_assert_int_eq(put("x", 1), 0);
	ck_assert_int_eq(ring_peek(&r, &rec), 1);
	ring_release(&r, &rec);
	shm_set(word(0), record_header(RECORD_DATA, 0, 0, 3));
	shm_set(word(16), record_header(RECORD_PAD, 0, 0, SIZE - 24));
	ck_assert_int_eq(ring_peek(&r, &rec), 1);
	ck_assert_uint_eq(rec.kind, RECORD_PAD);
	ring_release(&r, &rec);
	ck_assert_int_eq(ring_peek(&r, &rec), 1);
	ck_assert_uint_eq(rec.len, 3);
	ck_assert_uint_eq(rec.pos, SIZE);
}
END_TEST

/* What a hostile receiver may put into its position; ours is 64 then. */
static const struct {
	const char *name;
	uint64_t consumed;
	int want;
} positions[] = {
	{ "its own", 0, 0 },
	{ "all of it", SIZE - 16, 1 },
	{ "a part", 1600, 1 },
	{ "the future", SIZE, -BELL_ECORRUPT },
	{ "not a record's", 1604, -BELL_ECORRUPT },
	{ "backwards", UINT64_MAX - 7, -BELL_ECORRUPT },
	{ "far away", UINT64_C(1) << 63, -BELL_ECORRUPT },
};

START_TEST(hostile_position)
{
	while (put("12345678", 8) == 0)
		;
	ck_assert_uint_eq(w.pos, SIZE - 16);
	shm_set(&ctl.consumed, positions[_i].consumed);
	ck_assert_msg(ring_has_space(&w, 64) == positions[_i].want, "%s: %d",
		      positions[_i].name, ring_has_space(&w, 64));
}
END_TEST

START_TEST(position_never_goes_back)
{
	while (put("12345678", 8) == 0)
		;
	shm_set(&ctl.consumed, 3200);
	ck_assert_int_eq(ring_has_space(&w, 64), 1);
	shm_set(&ctl.consumed, 1600);
	ck_assert_int_eq(ring_has_space(&w, 4000), -BELL_ECORRUPT);
}
END_TEST

START_TEST(random_garbage_never_leaves_the_ring)
{
	unsigned char got[SIZE];
	struct ring_record rec;

	srandom((unsigned)_i);
	for (int round = 0; round < 20000; round++) {
		setup();
		for (unsigned i = 0; i < SIZE; i++)
			data[i] = (unsigned char)(random() >> 8);
		/* Make plausible headers likely. */
		for (unsigned i = 0; i < SIZE; i += 8)
			if (random() & 1)
				shm_set(word(i), (0x81 + (uint64_t)random() % 4) << 56 |
						 (uint64_t)random() % (SIZE / 8));
		for (int n = 0; n < 2000 && ring_peek(&r, &rec) == 1; n++) {
			ck_assert_uint_le(rec.piece_len[0] + rec.piece_len[1], SIZE - 16);
			ck_assert(rec.piece[0] >= data);
			ck_assert(rec.piece[0] + rec.piece_len[0] <= data + SIZE);
			ring_copy_out(&rec, 0, got, rec.len);
			ring_release(&r, &rec);
		}
	}
}
END_TEST

static const struct {
	uint64_t event, from, to;
	bool want;
} crossings[] = {
	{ 0, 0, 16, true },   { 15, 0, 16, true },  { 16, 0, 16, false },
	{ 8, 16, 32, false }, { 16, 16, 32, true }, { RING_NO_EVENT, 0, 16, false },
	{ 5, 5, 5, false },   { RING_NO_EVENT, UINT64_MAX / 2, UINT64_MAX - 8, false },
};

START_TEST(crossing)
{
	ck_assert_int_eq(ring_crossed(crossings[_i].event, crossings[_i].from,
				      crossings[_i].to),
			 crossings[_i].want);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");
	TCase *tc = tcase_create("ring");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, each_length_at_each_place, 0, ARRAY_LEN(lengths));
	tcase_add_test(tc, full_says_again_and_keeps_all);
	tcase_add_test(tc, copy_out_in_parts);
	tcase_add_test(tc, event_fires_once_for_its_position);
	tcase_add_test(tc, arm_looks_again);
	tcase_add_test(tc, space_event_fires_at_half);
	tcase_add_test(tc, scan_sees_what_stays_queued);
	tcase_add_loop_test(tc, hostile_header, 0, ARRAY_LEN(headers));
	tcase_add_test(tc, padding_reaches_the_end);
	tcase_add_loop_test(tc, hostile_position, 0, ARRAY_LEN(positions));
	tcase_add_test(tc, position_never_goes_back);
	tcase_add_loop_test(tc, random_garbage_never_leaves_the_ring, 0, 3);
	tcase_add_loop_test(tc, crossing, 0, ARRAY_LEN(crossings));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
