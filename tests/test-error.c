/* SPDX-License-Identifier: BSD-2-Clause */
#include "error.h"
#include "testing.h"

#include <string.h>

static const struct {
	const char *name;
	int code;
} codes[] = {
#define ROW(name, number, text) { #name, number },
	BELL_ERRORS(ROW)
#undef ROW
};

START_TEST(every_code_has_its_own_text)
{
	const char *text = bell_strerror(-codes[_i].code);

	ck_assert_msg(strcmp(text, "unknown error") != 0, "%s", codes[_i].name);
	ck_assert_str_eq(text, bell_strerror(codes[_i].code));
	for (int i = 0; i < ARRAY_LEN(codes); i++) {
		if (i == _i)
			continue;
		ck_assert_int_ne(codes[i].code, codes[_i].code);
		ck_assert_str_ne(text, bell_strerror(codes[i].code));
	}
}
END_TEST

START_TEST(unknown_codes_have_a_text_too)
{
	static const int unknown[] = { 9999, -9999, INT32_MAX, INT32_MIN + 1 };

	for (int i = 0; i < ARRAY_LEN(unknown); i++)
		ck_assert_str_eq(bell_strerror(unknown[i]), "unknown error");
	ck_assert_str_eq(bell_strerror(0), "success");
}
END_TEST

START_TEST(detail_is_kept_and_cut)
{
	char longer[4000];

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(error_detail(BELL_EIO, "disk %d", 7), -BELL_EIO);
	ck_assert_str_eq(bell_detail(), "disk 7");
	ck_assert_int_eq(error_detail(BELL_EIO, "%s", longer), -BELL_EIO);
	ck_assert_uint_lt(strlen(bell_detail()), sizeof(longer));
	ck_assert_int_eq(error_plain(BELL_EAGAIN), -BELL_EAGAIN);
	ck_assert_str_eq(bell_detail(), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("error");
	TCase *tc = tcase_create("error");

	tcase_add_loop_test(tc, every_code_has_its_own_text, 0, ARRAY_LEN(codes));
	tcase_add_test(tc, unknown_codes_have_a_text_too);
	tcase_add_test(tc, detail_is_kept_and_cut);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
