/* SPDX-License-Identifier: BSD-2-Clause */
/* Ids as people write them. */
#include "id.h"
#include "testing.h"

#include <string.h>

static const struct {
	const char *text;
	uint32_t id;
	int want;
	const char *again; /* how it is written back */
} parsed[] = {
	{ "0", 0, 0, "0" },
	{ "65535", 65535, 0, "65535" },
	{ "3.0", 3, 0, "3" },
	{ "3.1", 0x10003, 0, "3.1" },
	{ "65539", 0x10003, 0, "3.1" }, /* as JSON has it */
	{ "65535.255", BELL_ID_MAX, 0, "65535.255" },
	{ "16777215", BELL_ID_MAX, 0, "65535.255" },
	{ "16777216", 0, -BELL_EINVAL, NULL },
	{ "65536.0", 0, -BELL_EINVAL, NULL },
	{ "0.256", 0, -BELL_EINVAL, NULL },
	{ "99999999999999999999", 0, -BELL_EINVAL, NULL },
	{ "1.99999999999999999999", 0, -BELL_EINVAL, NULL },
};

START_TEST(parse)
{
	char buf[BELL_ID_TEXT];
	uint32_t id = 4711;

	ck_assert(id_is_number(parsed[_i].text));
	ck_assert_int_eq(id_parse(parsed[_i].text, &id), parsed[_i].want);
	if (parsed[_i].want < 0) {
		ck_assert_uint_eq(id, 4711);
		ck_assert_ptr_nonnull(strstr(bell_detail(), parsed[_i].text));
		return;
	}
	ck_assert_uint_eq(id, parsed[_i].id);
	ck_assert_str_eq(bell_id_text(id, buf), parsed[_i].again);
}
END_TEST

static const char *const names[] = {
	"", "web-1", "1.2.3", "1.", ".1", "1.x", "1 ", "-1", "+1", "1..2", "a1",
};

START_TEST(no_number)
{
	ck_assert(!id_is_number(names[_i]));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("id");
	TCase *tc = tcase_create("text");

	tcase_add_loop_test(tc, parse, 0, ARRAY_LEN(parsed));
	tcase_add_loop_test(tc, no_number, 0, ARRAY_LEN(names));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
