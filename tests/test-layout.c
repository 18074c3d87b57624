/* SPDX-License-Identifier: BSD-2-Clause */
/* Planning, formatting and checking the region; racing and dead formatters. */
#include "error.h"
#include "layout.h"
#include "os.h"
#include "steward.h"
#include "testing.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SIZE (1u << 20)

static void *memory;

static void setup(void)
{
	memory = aligned_alloc(4096, SIZE);
	must(memory != NULL);
	memset(memory, 0, SIZE);
}

static void teardown(void)
{
	free(memory);
}

static const struct {
	const char *name;
	uint64_t size;
	struct layout_wish wish;
	int want;
	uint32_t slots, links; /* 0: any */
} plans[] = {
	{ "smallest", 65536, { 0 }, 0, 16, 8 },
	{ "too small", 65535, { 0 }, -BELL_ELAYOUT, 0, 0 },
	{ "1 MiB", 1u << 20, { 0 }, 0, 128, 8 },
	{ "64 MiB, a star of 64 guests", 64u << 20, { 0 }, 0, 128, 256 },
	{ "1 GiB", 1u << 30, { 0 }, 0, 128, 256 },
	{ "a tebibyte", UINT64_C(1) << 40, { 0 }, 0, 128, 256 },
	{ "1 MiB rings", 64u << 20, { .ring_size = 1u << 20 }, 0, 128, 63 },
	{ "one link", 64u << 20, { .link_count = 1 }, 0, 128, 1 },
	{ "most slots", 64u << 20, { .slot_count = 1023 }, 0, 1023, 256 },
	{ "too many slots", 64u << 20, { .slot_count = 1024 }, -BELL_ELAYOUT, 0, 0 },
	{ "too many links", 1u << 30, { .link_count = 65536 }, -BELL_ELAYOUT, 0, 0 },
	{ "links without room", 1u << 20, { .link_count = 1000 }, -BELL_ELAYOUT, 0, 0 },
	{ "ring larger than all", 1u << 20, { .ring_size = 1u << 20 }, -BELL_ELAYOUT, 0, 0 },
	{ "ring too small", 1u << 20, { .ring_size = 64 }, -BELL_ELAYOUT, 0, 0 },
	{ "part of the memory", 64u << 20, { .bus_size = 4u << 20 }, 0, 128, 32 },
	{ "more than the memory", 1u << 20, { .bus_size = 2u << 20 }, -BELL_ELAYOUT, 0, 0 },
};

START_TEST(plan)
{
	struct layout l = { 0 };
	int rc = layout_plan(plans[_i].size, &plans[_i].wish, &l);
	uint64_t max = plans[_i].wish.bus_size ? plans[_i].wish.bus_size : plans[_i].size;

	ck_assert_msg(rc == plans[_i].want, "%s: %d %s", plans[_i].name, rc,
		      bell_detail());
	if (rc < 0)
		return;
	ck_assert_msg(!plans[_i].slots || l.slot_count == plans[_i].slots, "%s: %u slots",
		      plans[_i].name, l.slot_count);
	ck_assert_msg(!plans[_i].links || l.link_count == plans[_i].links, "%s: %u links",
		      plans[_i].name, l.link_count);
	ck_assert_uint_le(l.bus_size, max);
	ck_assert_uint_le(l.ring_offset + l.link_count * l.ring_size, l.bus_size);
	ck_assert_uint_ge(l.ring_size, LAYOUT_MIN_RING);
}
END_TEST

START_TEST(format_and_read)
{
	struct layout planned = { 0 }, l = { 0 };

	ck_assert_int_eq(layout_plan(SIZE, NULL, &planned), 0);
	planned.server_vectors = 16;
	memset(memory, 0xa5, SIZE);
	layout_format(memory, &planned, 42);
	ck_assert_int_eq(layout_read(memory, SIZE, &l), 0);
	ck_assert_uint_eq(l.session, 42);
	ck_assert_uint_eq(l.server_vectors, 16);
	ck_assert_uint_eq(l.ring_size, planned.ring_size);
	ck_assert(layout_same(memory, &l));
	layout_format(memory, &planned, 43);
	ck_assert(!layout_same(memory, &l));
	memset(memory, 0, SIZE);
	ck_assert(!layout_same(memory, &l));
}
END_TEST

/* ---- the region's name --------------------------------------------------- */

static const struct {
	const char *name;
	int want;
} names[] = {
	{ "web", 0 },
	{ "0", 0 },
	{ "a.b-c_d@e\\x2df", 0 },
	{ "1234567890123456789012345678901", 0 },
	{ "12345678901234567890123456789012", -BELL_EINVAL },
	{ "", -BELL_EINVAL },
	{ "two words", -BELL_EINVAL },
	{ "00:03.0", -BELL_EINVAL },
	{ "a,id=3", -BELL_EINVAL },
	{ "a/b", -BELL_EINVAL },
	{ "caf\xc3\xa9", -BELL_EINVAL },
	{ "tab\t", -BELL_EINVAL },
};

START_TEST(name_is_checked)
{
	ck_assert_msg(layout_check_name(names[_i].name) == names[_i].want, "'%s'",
		      names[_i].name);
}
END_TEST

/* Also the longest; and whoever formats anew keeps it. */
START_TEST(name_stays)
{
	struct layout_wish wish = { .name = names[_i].name };
	struct layout l = { 0 };
	char name[LAYOUT_NAME_SIZE] = "untouched";

	layout_read_name(memory, name);
	ck_assert_str_eq(name, "");
	ck_assert_int_eq(layout_plan(SIZE, &wish, &l), 0);
	layout_format(memory, &l, 42);
	layout_read_name(memory, name);
	ck_assert_str_eq(name, names[_i].name);
	ck_assert_int_eq(layout_attach(memory, SIZE, true, &l), 0);
	ck_assert_uint_ne(l.session, 42);
	ck_assert_str_eq(l.name, names[_i].name);
}
END_TEST

/* Bytes that are no name, without an end too: there is none then. */
START_TEST(broken_name_is_none)
{
	static const char *const bytes[] = { "a b", "a/b", "\x01", "a\x80" };
	struct layout_wish wish = { .name = "web" };
	struct layout l = { 0 };
	char *at = (char *)memory + offsetof(struct layout_header, name);

	ck_assert_int_eq(layout_plan(SIZE, &wish, &l), 0);
	for (int i = 0; i < ARRAY_LEN(bytes); i++) {
		layout_format(memory, &l, 42);
		strcpy(at, bytes[i]);
		ck_assert_int_eq(layout_read(memory, SIZE, &l), 0);
		ck_assert_msg(l.name[0] == '\0', "%d: %s", i, l.name);
	}
	layout_format(memory, &l, 42);
	memset(at, 'x', LAYOUT_NAME_SIZE);
	ck_assert_int_eq(layout_read(memory, SIZE, &l), 0);
	ck_assert_uint_eq(strlen(l.name), BELL_REGION_MAX);
}
END_TEST

/* Each row breaks one field of a good header. */
#define FIELD(field, value) #field, offsetof(struct layout_header, field),             \
	sizeof(((struct layout_header *)0)->field), value
static const struct {
	const char *name;
	size_t at, size;
	uint64_t value;
	int want;
} broken[] = {
	{ FIELD(magic, 0), -BELL_ELAYOUT },
	{ FIELD(magic, LAYOUT_MAGIC + 1), -BELL_ELAYOUT },
	{ FIELD(major, 2), -BELL_EVERSION },
	{ FIELD(major, 0), -BELL_EVERSION },
	{ FIELD(minor, 77), 0 },
	{ FIELD(features, 1), -BELL_EVERSION },
	{ FIELD(session, 0), -BELL_ELAYOUT },
	{ FIELD(bus_size, SIZE + 4096), -BELL_ELAYOUT },
	{ FIELD(bus_size, 0), -BELL_ELAYOUT },
	{ FIELD(bus_size, UINT64_MAX), -BELL_ELAYOUT },
	{ FIELD(ring_size, 0), -BELL_ELAYOUT },
	{ FIELD(ring_size, 4097), -BELL_ELAYOUT },
	{ FIELD(ring_size, UINT64_MAX), -BELL_ELAYOUT },
	{ FIELD(ring_size, SIZE), -BELL_ELAYOUT },
	{ FIELD(ring_offset, 0), -BELL_ELAYOUT },
	{ FIELD(ring_offset, UINT64_MAX - 63), -BELL_ELAYOUT },
	{ FIELD(ring_offset, SIZE), -BELL_ELAYOUT },
	{ FIELD(slot_offset, 0), -BELL_ELAYOUT },
	{ FIELD(slot_offset, 257), -BELL_ELAYOUT },
	{ FIELD(slot_offset, UINT32_MAX), -BELL_ELAYOUT },
	{ FIELD(slot_count, 0), -BELL_ELAYOUT },
	{ FIELD(slot_count, UINT32_MAX), -BELL_ELAYOUT },
	{ FIELD(slot_count, 1023), -BELL_ELAYOUT },
	{ FIELD(link_offset, 64), -BELL_ELAYOUT },
	{ FIELD(link_offset, UINT32_MAX - 63), -BELL_ELAYOUT },
	{ FIELD(link_count, 0), -BELL_ELAYOUT },
	{ FIELD(link_count, UINT32_MAX), -BELL_ELAYOUT },
	{ FIELD(link_count, 65535), -BELL_ELAYOUT },
};

START_TEST(broken_header)
{
	struct layout planned = { 0 }, l = { 0 };

	ck_assert_int_eq(layout_plan(SIZE, NULL, &planned), 0);
	layout_format(memory, &planned, 42);
	memcpy((char *)memory + broken[_i].at, &broken[_i].value, broken[_i].size);
	ck_assert_msg(layout_read(memory, SIZE, &l) == broken[_i].want, "%s %llx",
		      broken[_i].name, (unsigned long long)broken[_i].value);
}
END_TEST

START_TEST(attach_formats_zero_memory_only)
{
	struct layout l = { 0 };

	ck_assert_int_eq(layout_attach(memory, SIZE, false, &l), 0);
	ck_assert_uint_ne(l.session, 0);
	memset(memory, 0, SIZE);
	((char *)memory)[1000] = 'x';
	ck_assert_int_eq(layout_attach(memory, SIZE, false, &l), -BELL_ELAYOUT);
	ck_assert_int_eq(((char *)memory)[1000], 'x');
	ck_assert_int_eq(layout_attach(memory, SIZE, true, &l), 0);
	ck_assert_int_eq(layout_read(memory, SIZE, &l), 0);
}
END_TEST

static void *attach(void *arg)
{
	struct layout *l = arg;

	must(layout_attach(memory, SIZE, false, l) == 0);
	return NULL;
}

START_TEST(racing_formatters_agree)
{
	for (int round = 0; round < 200; round++) {
		struct layout l[4];
		pthread_t t[4];

		memset(memory, 0, SIZE);
		for (int i = 0; i < 4; i++)
			ck_assert_int_eq(pthread_create(&t[i], NULL, attach, &l[i]), 0);
		for (int i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
		for (int i = 1; i < 4; i++)
			ck_assert_uint_eq(l[i].session, l[0].session);
	}
}
END_TEST

START_TEST(dead_formatter_is_taken_over)
{
	struct layout_header *h = memory;
	struct layout l = { 0 };
	uint64_t begin = os_now_ns();

	/* It had claimed, and written a part of the header. */
	shm_set(&h->format_word, FORMAT_BUSY | 77);
	shm_set(&h->major, 1);
	shm_set(&h->slot_count, 999);
	ck_assert_int_eq(layout_attach(memory, SIZE, false, &l), 0);
	ck_assert_uint_ge(os_now_ns() - begin, 900000000);
	ck_assert_uint_eq(l.slot_count, 128);
}
END_TEST

static _Atomic bool attached;

static void *format_for_ever(void *arg)
{
	struct layout_header *h = memory;

	for (uint64_t n = 1; !attached; n++) {
		shm_set(&h->format_word, FORMAT_BUSY | n);
		os_sleep_ms(1);
	}
	return arg;
}

START_TEST(attaching_has_an_end)
{
	struct layout l;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, format_for_ever, NULL), 0);
	while (shm_peek(&((struct layout_header *)memory)->format_word) == 0)
		os_sleep_ms(1);
	ck_assert_int_eq(layout_attach(memory, SIZE, false, &l), -BELL_EBUSY);
	attached = true;
	pthread_join(thread, NULL);
}
END_TEST

static unsigned rung;

static void count_rings(void *arg, uint32_t id, unsigned vector)
{
	(void)arg;
	ck_assert_uint_eq(id, 7);
	ck_assert_uint_eq(vector, 0);
	rung++;
}

START_TEST(steward_marks_once_and_rings_sleepers)
{
	struct layout l = { 0 };
	struct layout_slot *dead, *asleep, *awake;

	ck_assert_int_eq(layout_attach(memory, SIZE, false, &l), 0);
	dead = layout_slot(memory, &l, 0);
	asleep = layout_slot(memory, &l, 5);
	awake = layout_slot(memory, &l, 6);
	shm_set(&dead->word, slot_word(SLOT_LIVE, 3, 9));
	shm_set(&asleep->word, slot_word(SLOT_LIVE, 7, 1));
	shm_set(&asleep->vectors, 1);
	shm_set(&asleep->wake, WAKE_ASLEEP);
	shm_set(&awake->word, slot_word(SLOT_LIVE, 8, 1));
	ck_assert(steward_mark_dead(memory, &l, 3, count_rings, NULL));
	ck_assert(shm_peek(&dead->word) == slot_word(SLOT_DEAD, 3, 9));
	ck_assert(shm_peek(&asleep->wake) == (WAKE_ASLEEP | WAKE_DIRECTORY));
	ck_assert(shm_peek(&awake->wake) == WAKE_DIRECTORY);
	ck_assert_uint_eq(rung, 1);
	/* Whoever marked it may have died before it told the others. */
	ck_assert(!steward_mark_dead(memory, &l, 3, count_rings, NULL));
	ck_assert_uint_eq(rung, 2);
	ck_assert(!steward_mark_dead(memory, &l, 4, count_rings, NULL));
	ck_assert_uint_eq(rung, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("layout");
	TCase *tc = tcase_create("layout");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, plan, 0, ARRAY_LEN(plans));
	tcase_add_loop_test(tc, name_is_checked, 0, ARRAY_LEN(names));
	tcase_add_loop_test(tc, name_stays, 0, 4);
	tcase_add_test(tc, broken_name_is_none);
	tcase_add_test(tc, format_and_read);
	tcase_add_loop_test(tc, broken_header, 0, ARRAY_LEN(broken));
	tcase_add_test(tc, attach_formats_zero_memory_only);
	tcase_add_test(tc, racing_formatters_agree);
	tcase_add_test(tc, dead_formatter_is_taken_over);
	tcase_add_test(tc, attaching_has_an_end);
	tcase_add_test(tc, steward_marks_once_and_rings_sleepers);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
