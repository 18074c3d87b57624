/* SPDX-License-Identifier: BSD-2-Clause */
/* Each setting reaches its own field; text for a line; which messages are told. */
#include "bellring.h"
#include "loglimit.h"
#include "printable.h"
#include "settings.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)
#define MIB (UINT64_C(1) << 20)

/* ---- settings -------------------------------------------------------------------- */

static struct options o;

static void begin(void)
{
	ck_assert_int_eq(options_init(&o), 0);
}

static void end(void)
{
	options_done(&o);
}

static int set(const char *name, const char *value, enum settings_from from)
{
	const struct setting *s = settings_find(name);

	ck_assert_msg(s != NULL, "%s", name);
	return settings_set(&o, s, value, from, 1);
}

#define NUMBER(field) #field, offsetof(struct options, field),                 \
	sizeof(((struct options *)0)->field)

static const struct {
	const char *name, *value, *field;
	size_t at, width;
	uint64_t is;
} numbers[] = {
	{ "mode", "0604", NUMBER(server.socket.mode), 0604 },
	{ "owner", "0", NUMBER(server.socket.uid), 0 },
	{ "group", "0", NUMBER(server.socket.gid), 0 },
	{ "max-peers", "7", NUMBER(server.max_peers), 7 },
	{ "max-peers-per-user", "6", NUMBER(server.access.max_peers_per_user), 6 },
	{ "vectors", "5", NUMBER(server.vectors), 5 },
	{ "queue", "2K", NUMBER(server.queue_bytes), 2048 },
	{ "size", "4g", NUMBER(server.memory.size), 4096 * MIB },
	{ "size", "1T", NUMBER(server.memory.size), 1024 * 1024 * MIB },
	{ "hugepages", "1G", NUMBER(server.memory.hugepage), 1024 * MIB },
	{ "raw", "yes", NUMBER(server.raw), 1 },
	{ "bus", "3M", NUMBER(server.bus.bus_size), 3 * MIB },
	{ "slots", "9", NUMBER(server.bus.slot_count), 9 },
	{ "links", "11", NUMBER(server.bus.link_count), 11 },
	{ "ring-size", "5000", NUMBER(server.bus.ring_size), 5000 },
	{ "sandbox", "no", NUMBER(sandbox.off), 1 },
	{ "keep", "yes", NUMBER(keep), 1 },
	{ "daemon", "yes", NUMBER(daemon), 1 },
	{ "foreground", "yes", NUMBER(daemon), 0 },
	{ "ready-fd", "8", NUMBER(ready_fd), 8 },
	{ "control-mode", "0640", NUMBER(control.mode), 0640 },
	{ "no-control", "yes", NUMBER(no_control), 1 },
	{ "verbose", "yes", NUMBER(verbose), 1 },
	{ "log-rate", "12", NUMBER(log_rate), 12 },
	{ "check", "yes", NUMBER(check), 1 },
};

START_TEST(number_reaches_its_field)
{
	struct options before = o;
	uint64_t v = 0;

	ck_assert_int_eq(set(numbers[_i].name, numbers[_i].value,
			     FROM_COMMAND_LINE), 0);
	memcpy(&v, (const char *)&o + numbers[_i].at, numbers[_i].width);
	ck_assert_msg(v == numbers[_i].is, "%s: %llu", numbers[_i].field,
		      (unsigned long long)v);
	/* And nothing else. */
	memcpy((char *)&before + numbers[_i].at,
	       (const char *)&o + numbers[_i].at, numbers[_i].width);
	ck_assert_mem_eq(&before, &o, offsetof(struct options, state));
}
END_TEST

static const struct {
	const char *name, *field;
	size_t at;
} texts[] = {
#define TEXT(field) #field, offsetof(struct options, field)
	{ "socket", TEXT(server.socket.path) },
	{ "memory-file", TEXT(server.memory.file) },
	{ "memory-dir", TEXT(server.memory.dir) },
	{ "memory-name", TEXT(server.memory.name) },
	{ "pid-file", TEXT(pid_file) },
	{ "control", TEXT(control.path) },
	{ "metrics", TEXT(metrics) },
	{ "config", TEXT(config_file) },
	{ "user", TEXT(sandbox.user) },
	{ "user-group", TEXT(sandbox.group) },
	{ "name", TEXT(server.bus.name) },
};

/* Two that the setting takes; an account has to exist. */
static const char *value_of(const char *setting, int i)
{
	static const char *const values[] = { "unix:first", "unix:second" };
	static const char *const names[] = { "first", "second" };

	if (strncmp(setting, "user", 4) == 0)
		return "0";
	return strcmp(setting, "name") == 0 ? names[i] : values[i];
}

START_TEST(text_reaches_its_field)
{
	const char *name = texts[_i].name;
	char given[32];
	char *field;

	/* Each time copied; the one before is freed, which a sanitizer sees. */
	for (int i = 0; i < 2; i++) {
		snprintf(given, sizeof(given), "%s", value_of(name, i));
		ck_assert_int_eq(set(name, given, FROM_COMMAND_LINE), 0);
		memset(given, 'x', sizeof(given) - 1);
		memcpy(&field, (const char *)&o + texts[_i].at, sizeof(field));
		ck_assert_str_eq(field, value_of(name, i));
	}
	ck_assert_int_eq(set(name, "", FROM_COMMAND_LINE), -BELL_EINVAL);
	ck_assert_str_eq(field, value_of(name, 1));
}
END_TEST

START_TEST(lists_are_added)
{
	ck_assert_int_eq(set("allow-user", "0,3000001", FROM_COMMAND_LINE), 0);
	ck_assert_int_eq(set("allow-user", "3000002", FROM_COMMAND_LINE), 0);
	ck_assert_int_eq(set("allow-group", "3000003", FROM_COMMAND_LINE), 0);
	ck_assert_uint_eq(o.server.access.user_count, 3);
	ck_assert_uint_eq(o.server.access.users[2], 3000002);
	ck_assert_uint_eq(o.server.access.group_count, 1);
	ck_assert_uint_eq(o.server.access.groups[0], 3000003);
}
END_TEST

START_TEST(rivals)
{
	ck_assert_int_eq(set("memory-dir", "a", FROM_FILE), 0);
	ck_assert(!settings_overridden(&o, settings_find("memory-name")));
	ck_assert_int_eq(set("memory-name", "a", FROM_FILE), -BELL_EINVAL);
	ck_assert_ptr_null(o.server.memory.name);
	ck_assert_int_eq(set("hugepages", "2M", FROM_COMMAND_LINE), 0);
	ck_assert(settings_overridden(&o, settings_find("memory-name")));
	ck_assert(settings_overridden(&o, settings_find("hugepages")));
	ck_assert(!settings_overridden(&o, settings_find("size")));
	ck_assert_int_eq(set("no-control", "no", FROM_COMMAND_LINE), 0);
	ck_assert_int_eq(set("control", "a", FROM_COMMAND_LINE), 0);
}
END_TEST

START_TEST(presets)
{
	ck_assert_uint_eq(o.server.socket.mode, 0660);
	ck_assert_uint_eq(o.control.mode, 0600);
	ck_assert(o.server.socket.uid == (uid_t)-1 && o.control.gid == (gid_t)-1);
	ck_assert_int_eq(o.ready_fd, -1);
	ck_assert(!o.sandbox.off && !o.keep && !o.daemon && !o.check);
	options_done(&o); /* again at the end */
}
END_TEST

/* ---- printable ----------------------------------------------------------------- */

static const struct {
	const char *text, *want;
	size_t room;
} lines[] = {
	{ "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x94\x94",
	  "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x94\x94", 99 },
	{ "", "", 1 },
	{ "a\n\x1b[0m\t\x7f", "a\\x0a\\x1b[0m\\x09\\x7f", 99 },
	{ "\xc2\x9b" "31m", "\\xc2\\x9b" "31m", 99 },        /* C1 control */
	{ "\xc3", "\\xc3", 99 },                             /* cut short */
	{ "\xe2\x82z", "\\xe2\\x82z", 99 },
	{ "\xc0\xaf\xe0\x80\xaf", "\\xc0\\xaf\\xe0\\x80\\xaf", 99 }, /* too long */
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80", 99 },           /* surrogate */
	{ "\xf4\x90\x80\x80\xff", "\\xf4\\x90\\x80\\x80\\xff", 99 },
	{ "abc", "ab", 3 },
	{ "a\xc3\xa4", "a", 3 },
	{ "a\n", "a", 5 },
	{ "a\n", "a\\x0a", 6 },
};

START_TEST(printable_lines)
{
	char *out = malloc(lines[_i].room); /* of its size, for a sanitizer */

	ck_assert_ptr_nonnull(out);
	printable(lines[_i].text, out, lines[_i].room);
	ck_assert_str_eq(out, lines[_i].want);
	free(out);
}
END_TEST

/* ---- limit of the log -------------------------------------------------------------- */

static struct loglimit limit;
static unsigned long told_count[8];
static char told_last[8][LOGLIMIT_LAST];
static int told;

static void on_tell(void *arg, int priority, unsigned long count,
		    const char *last)
{
	(void)arg;
	ck_assert_int_eq(priority, 6);
	ck_assert_int_lt(told, 8);
	told_count[told] = count;
	strcpy(told_last[told++], last);
}

static void over(uint64_t now)
{
	told = 0;
	loglimit_over(&limit, now, on_tell, NULL);
}

/* How many of count messages are told at once. */
static int pass(uint64_t now, const char *fmt, const char *line, int count)
{
	int passed = 0;
	bool first;

	while (count-- > 0)
		passed += loglimit_pass(&limit, now, 6, fmt, line, &first);
	return passed;
}

static void begin_limit(void)
{
	limit = (struct loglimit){ .rate = 3 };
}

START_TEST(limit_of_one_kind)
{
	uint64_t t = 100 * SECOND;

	ck_assert_int_eq(pass(t, "a %d", "a 1", 10), 3);
	over(t + SECOND - 1);
	ck_assert_int_eq(told, 0);
	ck_assert_int_eq(pass(t + SECOND - 1, "a %d", "a 2", 1), 0);
	over(t + SECOND);
	ck_assert_int_eq(told, 1);
	ck_assert_uint_eq(told_count[0], 8);
	ck_assert_str_eq(told_last[0], "a 2");
	ck_assert_int_eq(pass(t + SECOND, "a %d", "a 3", 10), 3);
	over(UINT64_MAX);
	ck_assert_uint_eq(told_count[0], 7);
	over(UINT64_MAX);
	ck_assert_int_eq(told, 0);
}
END_TEST

START_TEST(limit_knows_kinds)
{
	uint64_t t = 100 * SECOND;

	ck_assert_int_eq(pass(t, "a %d", "x 1", 9), 3);
	ck_assert_int_eq(pass(t, "b %d", "x 1", 9), 3);
	/* Of one format, but what it says differs by more than numbers. */
	ck_assert_int_eq(pass(t, "%s", "peer 1: left", 2), 2);
	ck_assert_int_eq(pass(t, "%s", "peer 27: left", 2), 1);
	ck_assert_int_eq(pass(t, "%s", "peer 1: dropped", 2), 2);
	over(t + SECOND);
	ck_assert_int_eq(told, 3);
}
END_TEST

START_TEST(limit_has_room_for_all_kinds)
{
	uint64_t t = 100 * SECOND;
	char fmt[16];
	int passed = 0;

	for (int i = 0; i < 1000; i++) {
		snprintf(fmt, sizeof(fmt), "kind %d", i);
		passed += pass(t, fmt, "x", 1);
	}
	/* Those that found no room share one. */
	ck_assert_int_eq(passed, LOGLIMIT_KINDS - 1 + 3);
	over(t + SECOND);
	ck_assert_int_eq(told, 1);
	ck_assert_uint_eq(told_count[0], 1000 - LOGLIMIT_KINDS - 2);
	ck_assert_int_eq(pass(t + SECOND, "new", "x", 9), 3);
}
END_TEST

START_TEST(limit_tells_when_the_first_is_held)
{
	bool first = false;

	ck_assert_int_eq(pass(SECOND, "a", "x", 3), 3);
	ck_assert(!loglimit_pass(&limit, SECOND, 6, "a", "x", &first) && first);
	ck_assert(!loglimit_pass(&limit, SECOND, 6, "a", "x", &first) && !first);
	over(3 * SECOND);
	ck_assert_int_eq(pass(3 * SECOND, "a", "x", 3), 3);
	ck_assert(!loglimit_pass(&limit, 3 * SECOND, 6, "a", "x", &first) && first);
}
END_TEST

START_TEST(no_limit)
{
	limit.rate = 0;
	ck_assert_int_eq(pass(0, "a", "x", 100), 100);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("settings");
	TCase *tc = tcase_create("settings");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, number_reaches_its_field, 0, ARRAY_LEN(numbers));
	tcase_add_loop_test(tc, text_reaches_its_field, 0, ARRAY_LEN(texts));
	tcase_add_test(tc, lists_are_added);
	tcase_add_test(tc, rivals);
	tcase_add_test(tc, presets);
	suite_add_tcase(suite, tc);
	tc = tcase_create("printable");
	tcase_add_loop_test(tc, printable_lines, 0, ARRAY_LEN(lines));
	suite_add_tcase(suite, tc);
	tc = tcase_create("limit");
	tcase_add_checked_fixture(tc, begin_limit, NULL);
	tcase_add_test(tc, limit_of_one_kind);
	tcase_add_test(tc, limit_knows_kinds);
	tcase_add_test(tc, limit_has_room_for_all_kinds);
	tcase_add_test(tc, limit_tells_when_the_first_is_held);
	tcase_add_test(tc, no_limit);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
