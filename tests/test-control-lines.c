/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests on the control socket, and the server's answers to them. */
#include "control.h"
#include "control-lines.h"
#include "fake-inspect.h"
#include "metrics.h"
#include "testing.h"

#include <event2/buffer.h>
#include <jansson.h>
#include <string.h>

static const struct {
	const char *line;
	struct control_request want;
} good[] = {
	{ "status", { .verb = CONTROL_STATUS } },
	{ " \tpeers\t ", { .verb = CONTROL_PEERS } },
	{ "stats", { .verb = CONTROL_STATS } },
	{ "kick 0", { .verb = CONTROL_KICK, .id = 0 } },
	{ "kick \t 65535 ", { .verb = CONTROL_KICK, .id = 65535 } },
	{ "kick 0007", { .verb = CONTROL_KICK, .id = 7 } },
	{ "drain", { .verb = CONTROL_DRAIN, .on = true } },
	{ "drain off", { .verb = CONTROL_DRAIN, .on = false } },
};

START_TEST(good_line)
{
	struct control_request r = { .id = 99 };

	ck_assert_int_eq(control_parse(good[_i].line, strlen(good[_i].line), &r), 0);
	ck_assert_int_eq(r.verb, good[_i].want.verb);
	ck_assert_uint_eq(r.id, good[_i].want.id);
	ck_assert_int_eq(r.on, good[_i].want.on);
}
END_TEST

#define BYTES(text) { text, sizeof(text) - 1 }
static const struct {
	const char *line;
	size_t len;
} bad[] = {
	BYTES(""),	       BYTES(" \t"),	   BYTES("statu"),
	BYTES("statuss"),      BYTES("STATUS"),	   BYTES("status now"),
	BYTES("status\0"),     BYTES("\0status"),  BYTES("status\r"),
	BYTES("kick"),	       BYTES("kick x"),	   BYTES("kick -1"),
	BYTES("kick +1"),      BYTES("kick 1x"),   BYTES("kick 65536"),
	BYTES("kick 1 2"),     BYTES("kick 1 2 3 4 5"),
	BYTES("kick 4294967299"), BYTES("kick 18446744073709551619"),
	BYTES("drain on"),     BYTES("drain of"),  BYTES("drain off now"),
	BYTES("kick\xa0""3"),  BYTES("\xff\xfe\x80"), BYTES("kick 3\0"),
};

START_TEST(bad_line)
{
	struct control_request r = { .id = 99 };

	ck_assert_int_eq(control_parse(bad[_i].line, bad[_i].len, &r), -BELL_EINVAL);
	ck_assert_str_ne(bell_detail(), "");
	ck_assert_uint_eq(r.id, 99);
}
END_TEST

/* ---- answers ---------------------------------------------------------------- */

static struct server fake;
static struct evbuffer *answer;

static void begin(void)
{
	fake_inspect_init(&fake);
	answer = evbuffer_new();
	ck_assert_ptr_nonnull(answer);
}

static void finish(void)
{
	evbuffer_free(answer);
}

static void ask(const char *line)
{
	struct lines_client client = { .sock = -1 };

	ck_assert_int_eq(control_line(&fake, &client, line, strlen(line), answer),
			 LINES_GO_ON);
}

/* Takes the next object of the answer, which has to be of that type. */
static json_t *object(const char *type)
{
	size_t len;
	char *line = evbuffer_readln(answer, &len, EVBUFFER_EOL_LF);
	json_t *o;

	ck_assert_ptr_nonnull(line);
	for (size_t i = 0; i < len; i++)
		ck_assert_msg(line[i] >= 0x20 && line[i] < 0x7f, "%s", line);
	o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	free(line);
	ck_assert_ptr_nonnull(o);
	ck_assert_str_eq(json_string_value(json_object_get(o, "type")), type);
	return o;
}

static void take_end(void)
{
	json_t *o = object("end");

	ck_assert(json_is_true(json_object_get(o, "ok")));
	json_decref(o);
	ck_assert_uint_eq(evbuffer_get_length(answer), 0);
}

static void has_number(const json_t *o, const char *key, json_int_t value)
{
	const json_t *v = json_object_get(o, key);

	ck_assert_msg(json_is_integer(v), "%s", key);
	ck_assert_msg(json_integer_value(v) == value, "%s is %lld, not %lld", key,
		      (long long)json_integer_value(v), (long long)value);
}

static void has_text(const json_t *o, const char *key, const char *value)
{
	ck_assert_str_eq(json_string_value(json_object_get(o, key)), value);
}

START_TEST(status_has_all)
{
	json_t *o;

	begin();
	ask("status");
	o = object("status");
	has_text(o, "socket", "/run/vm.sock");
	has_text(o, "memory", "memfd");
	has_text(o, "sandbox", "user 998, seccomp");
	has_text(o, "store", "none");
	has_text(o, "session", "fedcba9876543210");
	has_number(o, "memory_bytes", 1 << 26);
	has_number(o, "bus_bytes", 1 << 25);
	has_number(o, "peers", 2);
	has_number(o, "peers_max", 60);
	has_number(o, "ids_left", 65500);
	has_number(o, "links_open", 2);
	ck_assert(json_is_true(json_object_get(o, "memory_sealed")));
	ck_assert(json_is_false(json_object_get(o, "draining")));
	json_decref(o);
	take_end();
	finish();
}
END_TEST

START_TEST(stats_has_all)
{
	static const char *const keys[] = { "joins", "leaves", "drops", "refusals",
					    "accept_pauses", "messages", "marked_dead",
					    "links_freed", "restarts" };
	json_t *o;

	begin();
	ask("stats");
	o = object("stats");
	for (int i = 0; i < ARRAY_LEN(keys); i++)
		has_number(o, keys[i], i + 1);
	json_decref(o);
	take_end();
	finish();
}
END_TEST

START_TEST(peers_have_all)
{
	json_t *o;

	begin();
	ask("peers");
	o = object("peer");
	has_number(o, "id", 3);
	has_number(o, "slot", 5);
	has_text(o, "name", "web-1");
	has_text(o, "kind", "linux");
	has_number(o, "pid", 77);
	has_number(o, "uid", 1001);
	has_number(o, "gid", 1002);
	has_number(o, "queued_bytes", 8);
	has_number(o, "queued_max", 65536);
	json_decref(o);
	o = object("peer");
	has_number(o, "id", 4);
	ck_assert(json_is_null(json_object_get(o, "slot")));
	has_text(o, "name", "");
	json_decref(o);
	take_end();
	finish();
}
END_TEST

static const char *const names[] = { "\x1b[2J\n\"\\\x7f", "\xff\xfe\xc0\x80",
				     "\xe2\x80\xae" "evil", "\xc2\x9b" "1m",
				     "gr\xc3\xbc\xc3\x9f" };

/* object() looks that there is nothing but ASCII. */
START_TEST(hostile_name)
{
	json_t *o;

	begin();
	fake.count = 1;
	memcpy(fake.peers[0].name, names[_i], strlen(names[_i]) + 1);
	fake.status.socket_path = names[_i];
	ask("peers");
	json_decref(object("peer"));
	take_end();
	ask("status");
	o = object("status");
	ck_assert_str_ne(json_string_value(json_object_get(o, "socket")), "");
	json_decref(o);
	take_end();
	finish();
}
END_TEST

START_TEST(largest_numbers)
{
	json_t *o;

	begin();
	fake.status.counters.joins = UINT64_MAX;
	fake.status.started_ns = UINT64_MAX;
	ask("stats");
	o = object("stats");
	has_number(o, "joins", INT64_MAX);
	json_decref(o);
	take_end();
	ask("status");
	o = object("status");
	has_number(o, "uptime_seconds", 0);
	json_decref(o);
	take_end();
	finish();
}
END_TEST

START_TEST(kick_and_drain)
{
	json_t *o;

	begin();
	ask("kick 3");
	json_decref(object("kicked"));
	take_end();
	ck_assert_uint_eq(fake.kicks, 1);
	ask("kick 3");
	o = object("error");
	ck_assert(json_is_false(json_object_get(o, "ok")));
	has_text(o, "code", "ENOPEER");
	has_text(o, "text", "peer 3: is not connected");
	json_decref(o);
	ck_assert_uint_eq(evbuffer_get_length(answer), 0);
	ask("drain");
	o = object("drain");
	has_number(o, "peers", 1);
	json_decref(o);
	take_end();
	ck_assert(fake.status.draining);
	ask("drain off");
	json_decref(object("drain"));
	take_end();
	ck_assert(!fake.status.draining);
	finish();
}
END_TEST

/* ---- metrics ---------------------------------------------------------------- */

static const struct {
	const char *line;
	size_t len;
	const char *status;
} requests[] = {
#define ROW(line, status) { line, sizeof(line) - 1, status }
	ROW("GET /metrics HTTP/1.1", "200"),
	ROW("GET /metrics HTTP/1.0", "200"),
	ROW("GET /metrics?x=1 HTTP/1.1", "200"),
	ROW("HEAD /metrics HTTP/1.1", "200"),
	ROW("GET / HTTP/1.1", "404"),
	ROW("GET /metricss HTTP/1.1", "404"),
	ROW("GET /metric HTTP/1.1", "404"),
	ROW("GET  /metrics HTTP/1.1", "400"),
	ROW("HEAD /x HTTP/1.1", "404"),
	ROW("POST /metrics HTTP/1.1", "405"),
	ROW("get /metrics HTTP/1.1", "405"),
	ROW("POST /x HTTP/1.1", "405"),
	ROW("GET /metrics", "400"),
	ROW("GET /metrics HTTP/2.0", "400"),
	ROW("GET /metrics\0 HTTP/1.1", "400"),
	ROW("GET /metrics HTTP/1.1\0", "400"),
	ROW("GET", "400"),
	ROW("", "400"),
	ROW("\xff\xff \xff \xff", "400"),
	ROW("status", "400"),
};

START_TEST(request_line)
{
	struct lines_client client = { .sock = -1 };
	enum lines_next next;
	char *line;

	begin();
	next = metrics_line(&fake, &client, requests[_i].line, requests[_i].len,
			    answer);
	if (next == LINES_GO_ON)
		next = metrics_line(&fake, &client, "Host: x", 7, answer);
	if (next == LINES_GO_ON)
		next = metrics_line(&fake, &client, "", 0, answer);
	ck_assert_int_eq(next, LINES_END);
	line = evbuffer_readln(answer, NULL, EVBUFFER_EOL_CRLF_STRICT);
	ck_assert_ptr_nonnull(line);
	ck_assert_mem_eq(line, "HTTP/1.1 ", 9);
	ck_assert_mem_eq(line + 9, requests[_i].status, 3);
	free(line);
	finish();
}
END_TEST

START_TEST(headers_without_end)
{
	struct lines_client client = { .sock = -1 };
	int n = 0;

	begin();
	while (metrics_line(&fake, &client, "GET / HTTP/1.1", 14, answer) ==
	       LINES_GO_ON)
		ck_assert_int_lt(++n, 200);
	ck_assert_int_gt(n, 50);
	finish();
}
END_TEST

static const struct {
	const char *address;
	int want;
} addresses[] = {
	{ "127.0.0.1:9100", 0 },	  { "127.9.9.9:1", 0 },
	{ "[::1]:9100", 0 },		  { "127.0.0.1:0", 0 },
	{ "unix:/run/metrics", 0 },	  { "unix:", -BELL_EINVAL },
	{ "0.0.0.0:9100", -BELL_EINVAL }, { "192.168.1.1:9100", -BELL_EINVAL },
	{ "[::]:9100", -BELL_EINVAL },	  { "[fe80::1]:9100", -BELL_EINVAL },
	{ "[::ffff:127.0.0.1]:9100", -BELL_EINVAL },
	{ "128.0.0.1:9100", -BELL_EINVAL }, { "127.0.0.1", -BELL_EINVAL },
	{ "127.0.0.1:", -BELL_EINVAL },	  { "[::1]", -BELL_EINVAL },
	{ "::1", -BELL_EINVAL },	  { "127.0.0.1:65536", -BELL_EINVAL },
	{ "127.0.0.1:9100x", -BELL_EINVAL }, { "localhost:9100", -BELL_EINVAL },
	{ ":9100", -BELL_EINVAL },	  { "9100", -BELL_EINVAL },
	{ "", -BELL_EINVAL },		  { "example.org:80", -BELL_EINVAL },
};

START_TEST(metrics_address)
{
	ck_assert_int_eq(metrics_check(addresses[_i].address), addresses[_i].want);
	if (addresses[_i].want < 0)
		ck_assert_ptr_nonnull(strstr(bell_detail(), "unix:PATH"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("control lines");
	TCase *t = tcase_create("lines");

	tcase_add_loop_test(t, good_line, 0, ARRAY_LEN(good));
	tcase_add_loop_test(t, bad_line, 0, ARRAY_LEN(bad));
	tcase_add_test(t, status_has_all);
	tcase_add_test(t, stats_has_all);
	tcase_add_test(t, peers_have_all);
	tcase_add_loop_test(t, hostile_name, 0, ARRAY_LEN(names));
	tcase_add_test(t, largest_numbers);
	tcase_add_test(t, kick_and_drain);
	tcase_add_loop_test(t, request_line, 0, ARRAY_LEN(requests));
	tcase_add_test(t, headers_without_end);
	tcase_add_loop_test(t, metrics_address, 0, ARRAY_LEN(addresses));
	suite_add_tcase(s, t);
	return run_suite(s);
}
