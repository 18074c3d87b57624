/* SPDX-License-Identifier: BSD-2-Clause */
/* The control socket as its clients see it: requests, bounds, time. */
#include "control-fixture.h"
#include "os.h"
#include "testing.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- requests -------------------------------------------------------------------- */

START_TEST(several_requests)
{
	int fd;

	begin();
	fd = dial_unix();
	say(fd, "kick 3\r\nkick 3\nnonsense\n\nstats\n");
	hears(fd, "{\"type\":\"kicked\",\"id\":3}");
	hears(fd, "\"type\":\"end\"");
	hears(fd, "\"code\":\"ENOPEER\"");
	hears(fd, "\"code\":\"EINVAL\"");
	hears(fd, "\"code\":\"EINVAL\"");
	hears(fd, "\"type\":\"stats\"");
	hears(fd, "\"type\":\"end\"");
	for (const char *c = "status\n"; *c; c++)
		say_bytes(fd, c, 1);
	hears(fd, "\"type\":\"status\"");
	hears(fd, "\"type\":\"end\"");
	close(fd);
	finish();
}
END_TEST

START_TEST(half_closed)
{
	int fd;

	begin();
	fd = dial_unix();
	say(fd, "stats\npeers\nkick 3");
	shutdown(fd, SHUT_WR);
	hears(fd, "\"type\":\"stats\"");
	hears(fd, "\"type\":\"end\"");
	hears(fd, "\"type\":\"peer\"");
	hears(fd, "\"type\":\"peer\"");
	hears(fd, "\"type\":\"end\"");
	hears(fd, "\"text\":\"a request ends with a newline\"");
	hears_end(fd);
	ck_assert_uint_eq(fake.kicks, 0);
	close(fd);
	finish();
}
END_TEST

static const struct {
	size_t len;
	const char *end, *code;
	bool closed;
} lengths[] = {
	{ 256, "\n", "EINVAL", false },
	{ 256, "\r\n", "EINVAL", false },
	{ 257, "\n", "EMSGSIZE", true },
	{ 257, "\r\n", "EMSGSIZE", true },
	{ 258, "", "EMSGSIZE", true },
	{ 300000, "", "EMSGSIZE", true },
	{ 300000, "\nstatus\n", "EMSGSIZE", true },
};

START_TEST(long_request)
{
	static char line[300000];
	int fd;

	begin();
	memset(line, 'x', sizeof(line));
	fd = dial_unix();
	(void)send(fd, line, lengths[_i].len < 100000 ? lengths[_i].len : 100000,
		   MSG_NOSIGNAL);
	(void)send(fd, lengths[_i].end, strlen(lengths[_i].end), MSG_NOSIGNAL);
	hears(fd, lengths[_i].code);
	if (lengths[_i].closed)
		hears_end(fd);
	else
		works(fd);
	close(fd);
	finish();
}
END_TEST

START_TEST(any_bytes)
{
	static char bytes[50000];
	uint32_t x = 1;
	int fd;

	begin();
	for (size_t i = 0; i < sizeof(bytes); i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (char)(x >> 24);
		if (i % 100 == 99)
			bytes[i] = '\n';
	}
	fd = dial_unix();
	say(fd, "status");
	say_bytes(fd, "\0\n", 2);
	hears(fd, "EINVAL");
	say_bytes(fd, bytes, sizeof(bytes));
	close(fd);
	evbuffer_drain(got, evbuffer_get_length(got));
	fd = dial_unix();
	works(fd);
	ck_assert_uint_eq(fake.kicks + fake.drains, 0);
	close(fd);
	finish();
}
END_TEST

/* ---- bounds ----------------------------------------------------------------------- */

START_TEST(crowd)
{
	int fds[CONTROL_CONNECTIONS], fd;

	begin();
	for (unsigned i = 0; i < CONTROL_CONNECTIONS; i++) {
		fds[i] = dial_unix();
		works(fds[i]);
	}
	for (int i = 0; i < 100; i++) {
		fd = dial_unix();
		hears(fd, "\"code\":\"EBUSY\"");
		hears_end(fd);
		close(fd);
	}
	for (unsigned i = 0; i < CONTROL_CONNECTIONS; i++)
		works(fds[i]);
	close(fds[5]);
	turn();
	fds[5] = dial_unix();
	works(fds[5]);
	/* Some of them have to be closed by the server. */
	control_free(control);
	for (unsigned i = 0; i < CONTROL_CONNECTIONS; i++)
		close(fds[i]);
	clear_stage();
}
END_TEST

/* Each turn of the loop answers once, however much was asked at once. */
START_TEST(one_answer_a_turn)
{
	int fd;

	begin();
	fd = dial_unix();
	works(fd);
	for (int i = 0; i < 30; i++)
		ck_assert_int_eq(send(fd, "status\n", 7, 0), 7);
	for (int i = 0; i < 30; i++) {
		unsigned before = fake.looks;

		(void)event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		ck_assert_uint_le(fake.looks, before + 1);
	}
	for (int i = 0; i < 30; i++) {
		hears(fd, "\"type\":\"status\"");
		hears(fd, "\"type\":\"end\"");
	}
	close(fd);
	finish();
}
END_TEST

/* One that never reads is given one answer, and takes no other's service. */
START_TEST(flood_unread)
{
	int fd, other;
	unsigned looks;

	begin();
	fake.repeat = 4000; /* about 2 MB an answer */
	fd = dial_unix();
	other = dial_unix();
	for (int i = 0; i < 100; i++) {
		(void)send(fd, "peers\nstatus\n", 13, MSG_NOSIGNAL);
		turn();
	}
	looks = fake.looks;
	works(other);
	ck_assert_uint_eq(fake.looks, looks + 1);
	for (size_t i = 0; i < 2 * (fake.repeat + 1); i++)
		hears(fd, "\"type\":\"peer\"");
	hears(fd, "\"type\":\"end\"");
	hears(fd, "\"type\":\"status\"");
	close(fd);
	close(other);
	evbuffer_drain(got, evbuffer_get_length(got));
	finish();
}
END_TEST

START_TEST(too_much_unread)
{
	int fd, other;

	begin();
	fake.repeat = 12000; /* about 6 MB, more than may wait */
	fd = dial_unix();
	other = dial_unix();
	say(fd, "peers\n");
	turn();
	say(other, "status\n");
	hears(other, "\"code\":\"EBUSY\"");
	hears_end(other);
	close(other);
	close(fd);
	turn();
	other = dial_unix();
	works(other);
	close(other);
	finish();
}
END_TEST

/* ---- time ------------------------------------------------------------------------- */

static enum lines_next echo(void *arg, struct lines_client *client,
			    const char *line, size_t len, struct evbuffer *answer)
{
	static char much[4 << 20];

	(void)arg, (void)client;
	if (strcmp(line, "much") == 0)
		evbuffer_add(answer, much, sizeof(much));
	else if (len > 0)
		evbuffer_add_printf(answer, "%s\n", line);
	return LINES_GO_ON;
}

static void no_words(enum lines_refusal why, struct evbuffer *answer)
{
	(void)why, (void)answer;
}

static const struct lines_wish hasty = {
	.name = "test", .connections = 4, .line_max = 64, .time_ms = 300,
	.waiting_max = 1u << 30, .line = echo, .refuse = no_words,
};

/* Ways of taking too long; more is what it says every 50 ms. */
static const struct {
	const char *first, *more;
} slow[] = {
	{ "", NULL }, { "a", NULL }, { "", "a" }, { "", "\n" }, { "much\n", NULL },
};

START_TEST(too_slow)
{
	struct lines *lines;
	struct listener l;
	uint64_t begun, spoken = 0;
	char byte;
	int fd;

	set_stage();
	l = listen_here();
	ck_assert_int_eq(lines_new(base, &hasty, NULL, &l, &lines), 0);
	fd = dial_unix();
	begun = os_now_ns();
	say(fd, slow[_i].first);
	/* Gone, when writing says so: what it was told stays unread. */
	for (;;) {
		uint64_t now = os_now_ns();

		ck_assert(now < begun + DEADLINE_NS);
		turn();
		if (slow[_i].more && now > spoken + 50000000) {
			spoken = now;
			(void)send(fd, slow[_i].more, 1, MSG_NOSIGNAL);
		}
		if (strcmp(slow[_i].first, "much\n") != 0 ?
			    recv(fd, &byte, 1, MSG_PEEK) == 0 :
			    send(fd, "", 0, MSG_NOSIGNAL) < 0)
			break;
	}
	ck_assert(os_now_ns() - begun >= UINT64_C(290000000));
	close(fd);
	lines_free(lines);
	clear_stage();
}
END_TEST

/* Whoever asks and reads is never dropped. */
START_TEST(in_time)
{
	struct lines *lines;
	struct listener l;
	uint64_t begun;
	int fd;

	set_stage();
	l = listen_here();
	ck_assert_int_eq(lines_new(base, &hasty, NULL, &l, &lines), 0);
	fd = dial_unix();
	begun = os_now_ns();
	while (os_now_ns() - begun < UINT64_C(900000000)) {
		say(fd, "hello\n");
		hears(fd, "hello");
		os_sleep_ms(20);
	}
	close(fd);
	lines_free(lines);
	clear_stage();
}
END_TEST

/* ---- descriptors ------------------------------------------------------------------- */

START_TEST(out_of_descriptors)
{
	struct rlimit before, none;
	uint64_t begun;
	int fd;

	begin();
	fd = dial_unix();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	begun = os_now_ns();
	while (os_now_ns() - begun < UINT64_C(300000000))
		turn();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	works(fd);
	close(fd);
	finish();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("control");
	TCase *t = tcase_create("socket");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, open_ears, close_ears);
	tcase_add_test(t, several_requests);
	tcase_add_test(t, half_closed);
	tcase_add_loop_test(t, long_request, 0, ARRAY_LEN(lengths));
	tcase_add_test(t, any_bytes);
	tcase_add_test(t, crowd);
	tcase_add_test(t, one_answer_a_turn);
	tcase_add_test(t, flood_unread);
	tcase_add_test(t, too_much_unread);
	tcase_add_loop_test(t, too_slow, 0, ARRAY_LEN(slow));
	tcase_add_test(t, in_time);
	tcase_add_test(t, out_of_descriptors);
	suite_add_tcase(s, t);
	return run_suite(s);
}
