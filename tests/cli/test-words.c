/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tool on Windows makes of arguments and paths, on any system: arguments go
 * there and back by the rules of CommandLineToArgvW() and of Microsoft's C library
 * ("Parsing C command-line arguments"), written down here a second time.
 */
#include "command-line.h"
#include "long-path.h"
#include "testing.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define WORDS 8
#define LENGTH 64

/* ---- the way back --------------------------------------------------------- */

struct words {
	char word[WORDS][LENGTH];
	size_t count;
};

static void parse(const char *line, struct words *out)
{
	size_t n, len;
	bool quoted;

	for (out->count = 0; *line && out->count < WORDS; out->count++) {
		char *to = out->word[out->count];

		for (quoted = false, len = 0; *line && (quoted || *line != ' ');) {
			n = strspn(line, "\\");
			line += n;
			/* Before a quote two are one, else each is itself. */
			for (size_t i = 0; i < (*line == '"' ? n / 2 : n); i++)
				to[len++] = '\\';
			if (*line == '"' && n % 2 == 0)
				quoted = !quoted;
			else if (*line && (quoted || *line != ' '))
				to[len++] = *line;
			else
				continue;
			line++;
		}
		to[len] = '\0';
		line += strspn(line, " ");
	}
}

/* ---- arguments ------------------------------------------------------------ */

static const struct {
	const char *argv[WORDS];
	const char *line;
} lines[] = {
	{ { "a", "b" }, "a b" },
	{ { "a", "" }, "a \"\"" },
	{ { "a", "b c" }, "a \"b c\"" },
	{ { "a", "b\tc" }, "a \"b\tc\"" },
	{ { "a", "say \"hi\"" }, "a \"say \\\"hi\\\"\"" },
	{ { "a", "C:\\dir\\", "b" }, "a C:\\dir\\ b" },
	{ { "a", "C:\\my dir\\", "b" }, "a \"C:\\my dir\\\\\" b" },
	{ { "a", "\\\"" }, "a \"\\\\\\\"\"" },
	{ { "a", "\\\\srv\\x y" }, "a \"\\\\srv\\x y\"" },
	{ { "a", "\\\\" }, "a \\\\" },
	{ { "a", "gr\xc3\xbc\xc3\x9f" "e" }, "a gr\xc3\xbc\xc3\x9f" "e" },
};

START_TEST(argument_lines)
{
	char *line = command_line((char *const *)lines[_i].argv);
	struct words back;

	ck_assert_str_eq(line, lines[_i].line);
	parse(line, &back);
	for (size_t i = 0; i < WORDS && lines[_i].argv[i]; i++) {
		ck_assert_uint_lt(i, back.count);
		ck_assert_str_eq(back.word[i], lines[_i].argv[i]);
	}
	free(line);
}
END_TEST

/* All words of five out of these: what is special, and what is not. */
START_TEST(all_short_arguments)
{
	static const char letters[] = "\\\" \tx";
	char word[6] = "";
	char *argv[] = { (char[]){ "x" }, word, (char[]){ "y" }, NULL };
	struct words back;
	char *line;

	for (unsigned n = 0; n < 5 * 5 * 5 * 5 * 5; n++) {
		for (unsigned i = 0, rest = n; i < 5; i++, rest /= 5)
			word[i] = letters[rest % 5];
		line = command_line(argv);
		parse(line, &back);
		ck_assert_uint_eq(back.count, 3);
		ck_assert_str_eq(back.word[1], word);
		ck_assert_str_eq(back.word[2], "y");
		free(line);
	}
}
END_TEST

/* ---- paths ---------------------------------------------------------------- */

#define SHORT_PATH 247 /* MAX_PATH less 12 for a short name, less the NUL */

static const struct {
	const wchar_t *begin;
	size_t length;
	const wchar_t *want;
} paths[] = {
	{ L"C:\\a", 4, L"C:\\a" },
	{ L"C:\\a", SHORT_PATH, L"C:\\a" },
	{ L"C:\\a", SHORT_PATH + 1, L"\\\\?\\C:\\a" },
	{ L"\\\\srv\\share", 300, L"\\\\?\\UNC\\srv\\share" },
	{ L"\\\\?\\C:\\a", 300, L"\\\\?\\C:\\a" },
	{ L"\\\\.\\NUL", 7, L"\\\\.\\NUL" },
	{ L"\\\\.\\pipe\\a", 300, L"\\\\.\\pipe\\a" },
};

START_TEST(long_paths)
{
	wchar_t full[512], out[512 + LONG_PATH_ROOM], want[512 + LONG_PATH_ROOM];
	size_t begin = wcslen(paths[_i].begin), tail = paths[_i].length - begin;

	wcscpy(full, paths[_i].begin);
	wcscpy(want, paths[_i].want);
	wmemset(full + begin, L'x', tail);
	full[begin + tail] = L'\0';
	wcscat(want, full + begin);
	long_path(full, out);
	ck_assert_int_eq(wcscmp(out, want), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("words");
	TCase *tc = tcase_create("words");

	tcase_add_loop_test(tc, argument_lines, 0, ARRAY_LEN(lines));
	tcase_add_test(tc, all_short_arguments);
	tcase_add_loop_test(tc, long_paths, 0, ARRAY_LEN(paths));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
