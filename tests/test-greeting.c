/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening unix:PATH while the server greets well, badly, or half. */
#include "port.h"
#include "scripted.h"
#include "testing.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

extern const struct bell_port_ops bell_port_unix;

#define ROOM 16

static int fds[GIFTS];

static int open_port(const struct scripted *s, int timeout_ms,
		     struct bell_port **port)
{
	return bell_port_unix.open(s->path, timeout_ms, port);
}

static const struct {
	const char *name;
	struct step steps[ROOM];
	int n;
	int want;
	const char *detail;
} bad[] = {
	{ "closes at once", { BYE }, 1, BELL_EPROTO,
	  "closed the connection after 0 messages of its greeting, no version" },
	{ "closes in the version", { { 0, 0, HALF }, BYE }, 2, BELL_EPROTO,
	  "after 0 messages" },
	{ "closes after the version", { { 0, 0, SEND }, BYE }, 2, BELL_EPROTO,
	  "after 1 messages of its greeting, no id" },
	{ "closes after the id", { HELLO, BYE }, 3, BELL_EPROTO,
	  "after 2 messages of its greeting, no memory" },
	{ "closes in the memory", { HELLO, { -1, MEMORY, HALF }, BYE }, 4,
	  BELL_EPROTO, "after 2 messages" },
	{ "closes after the memory", { GREETING, BYE }, 4, BELL_EPROTO,
	  "after 3 messages of its greeting, own vectors missing" },
	{ "closes among a peer's vectors", { GREETING, { 1, V0, SEND }, BYE }, 5,
	  BELL_EPROTO, "after 4 messages" },
	{ "closes before its promise is kept",
	  { HELLO, { -1, PROMISING, SEND }, { 3, V0, SEND }, BYE }, 5,
	  BELL_EPROTO, "after 4 messages" },
	{ "another version", { { 1, 0, SEND } }, 1, BELL_EVERSION, "version 1" },
	{ "an id too large", { { 0, 0, SEND }, { 65536, 0, SEND } }, 2,
	  BELL_EPROTO, "65536" },
	{ "own vector before the memory", { HELLO, { 3, V0, SEND } }, 3,
	  BELL_EPROTO, "before the memory" },
	{ "memory without a descriptor", { HELLO, { -1, 0, SEND } }, 3,
	  BELL_EPROTO, "without a descriptor" },
	{ "empty memory", { HELLO, { -1, EMPTY, SEND } }, 3, BELL_EPROTO,
	  "memory: 0 bytes" },
	{ "memory below a page", { HELLO, { -1, SHORT, SEND } }, 3, BELL_EPROTO,
	  "memory: 4095 bytes" },
	{ "memory is a pipe", { HELLO, { -1, PIPE, SEND } }, 3, BELL_EPROTO,
	  "not a file" },
	{ "memory is an eventfd", { HELLO, { -1, V0, SEND } }, 3, BELL_EPROTO,
	  "not a file" },
	{ "memory is read-only", { HELLO, { -1, READ_ONLY, SEND } }, 3,
	  BELL_EPERM, "mmap" },
	{ "own vector is a pipe", { GREETING, { 3, PIPE, SEND } }, 4,
	  BELL_EPROTO, "not an eventfd" },
	{ "own vector is memory", { GREETING, { 3, MEMORY, SEND } }, 4,
	  BELL_EPROTO, "not an eventfd" },
	{ "peer's vector is a socket", { GREETING, { 1, SOCKET, SEND } }, 4,
	  BELL_EPROTO, "not an eventfd" },
	{ "two descriptors at once", { HELLO, { -1, MEMORY, TWO_FDS } }, 3,
	  BELL_EPROTO, "several descriptors" },
	{ "unknown peer left", { GREETING, { 1, 0, SEND } }, 4, BELL_EPROTO,
	  "peer 1 left" },
	{ "silent", { { 0, 0, AWAIT } }, 1, BELL_EAGAIN,
	  "not complete in time: 0 messages came, no version yet; is the server "
	  "stopped, or out of descriptors?" },
	{ "stops in the version", { { 0, 0, HALF } }, 1, BELL_EAGAIN,
	  "0 messages came, no version yet" },
	{ "stops before the memory", { HELLO }, 2, BELL_EAGAIN,
	  "2 messages came, no memory" },
	{ "none at all", { GREETING }, 3, BELL_EAGAIN,
	  "3 messages came, own vectors missing" },
	{ "those of others only", { GREETING, { 1, V0, SEND } }, 4, BELL_EAGAIN,
	  "4 messages came, own vectors missing" },
	{ "a promise, and none", { HELLO, { -1, PROMISING, SEND } }, 3, BELL_EAGAIN,
	  "3 messages came, own vectors missing" },
	{ "stops in the memory", { HELLO, { -1, MEMORY, HALF } }, 3, BELL_EAGAIN,
	  "2 messages came, no memory" },
};

START_TEST(bad_greeting)
{
	struct bell_port *port = NULL;
	struct scripted s;
	char where[100];
	int before, rc;

	make_gifts(fds);
	scripted_start(&s, bad[_i].steps, bad[_i].n, fds);
	before = open_fds();
	rc = open_port(&s, bad[_i].want == BELL_EAGAIN ? 60 : -1, &port);
	ck_assert_msg(rc == -bad[_i].want, "%s: %d: %s", bad[_i].name, rc,
		      bell_detail());
	ck_assert_msg(strstr(bell_detail(), bad[_i].detail) != NULL,
		      "%s: %s", bad[_i].name, bell_detail());
	snprintf(where, sizeof(where), "%s: ", s.address);
	ck_assert_msg(strncmp(bell_detail(), where, strlen(where)) == 0,
		      "%s: %s", bad[_i].name, bell_detail());
	ck_assert_ptr_null(port);
	ck_assert_int_eq(open_fds(), before);
	scripted_stop(&s);
}
END_TEST

static bool outpaced; /* the server is always quicker than we are */

ssize_t __real_recvmsg(int sock, struct msghdr *msg, int flags);
ssize_t __wrap_recvmsg(int sock, struct msghdr *msg, int flags);

ssize_t __wrap_recvmsg(int sock, struct msghdr *msg, int flags)
{
	return __real_recvmsg(sock, msg, outpaced ? flags & ~MSG_DONTWAIT : flags);
}

/* Each message is right: peer 7 joins and leaves, over and over. */
START_TEST(server_never_falls_silent)
{
	static const struct step steps[] = { GREETING, { 7, V0, FLOOD } };
	struct bell_port *port = NULL;
	struct scripted s;
	int before;

	make_gifts(fds);
	scripted_start(&s, steps, ARRAY_LEN(steps), fds);
	before = open_fds();
	outpaced = true;
	ck_assert_int_eq(open_port(&s, 60, &port), -BELL_EAGAIN);
	outpaced = false;
	ck_assert_msg(strstr(bell_detail(), "messages came, own vectors missing") != NULL,
		      "%s", bell_detail());
	ck_assert_ptr_null(port);
	ck_assert_int_eq(open_fds(), before);
	scripted_stop(&s);
}
END_TEST

static const struct {
	const char *name;
	struct step steps[ROOM];
	int n;
	unsigned vectors;
	size_t peers;
} good[] = {
	{ "nothing says how many: silence ends it",
	  { GREETING, { 3, V0, SEND }, { 3, V1, SEND } }, 5, 2, 0 },
	{ "as many as the others have",
	  { GREETING, { 0, V0, SEND }, { 0, V1, SEND }, { 3, V0, SEND },
	    { 3, V1, SEND } }, 7, 2, 1 },
	{ "as many as the header says",
	  { HELLO, { -1, PROMISING, SEND }, { 3, V0, SEND }, { 3, V1, SEND } },
	  5, 2, 0 },
	{ "byte by byte",
	  { { 0, 0, BY_BYTES }, { 3, 0, BY_BYTES }, { -1, MEMORY, BY_BYTES },
	    { 65535, V0, BY_BYTES }, { 3, V0, BY_BYTES } }, 5, 1, 1 },
	{ "somebody left meanwhile",
	  { GREETING, { 1, V0, SEND }, { 2, V0, SEND }, { 1, 0, SEND },
	    { 3, V0, SEND } }, 7, 1, 1 },
};

START_TEST(good_greeting)
{
	struct bell_port *port = NULL;
	struct scripted s;
	int before, rc;

	make_gifts(fds);
	scripted_start(&s, good[_i].steps, good[_i].n, fds);
	before = open_fds();
	rc = open_port(&s, -1, &port);
	ck_assert_msg(rc == 0, "%s: %d: %s", good[_i].name, rc, bell_detail());
	ck_assert_uint_eq(port->id, 3);
	ck_assert_msg(port->vectors == good[_i].vectors, "%s: %u vectors",
		      good[_i].name, port->vectors);
	ck_assert_uint_eq(port->size, MEMORY_SIZE);
	ck_assert_int_eq(port->kind, BELL_KIND_HOST);
	ck_assert_ptr_eq(port->ops, &bell_port_unix);
	ck_assert_uint_eq(bell_port_unix.peers(port, NULL, 0), good[_i].peers);
	((volatile char *)port->memory)[MEMORY_SIZE - 1] = 1;
	bell_port_unix.close(port);
	ck_assert_int_eq(open_fds(), before);
	scripted_stop(&s);
}
END_TEST

/* Another server than the one that formatted the memory gives fewer. */
START_TEST(fewer_than_the_header_says)
{
	static const struct step steps[] = { HELLO, { -1, PROMISING, SEND },
					     { 3, V0, SEND } };
	struct bell_port *port = NULL;
	struct scripted s;

	make_gifts(fds);
	scripted_start(&s, steps, ARRAY_LEN(steps), fds);
	ck_assert_int_eq(open_port(&s, 60, &port), 0);
	ck_assert_uint_eq(port->vectors, 1);
	bell_port_unix.close(port);
	scripted_stop(&s);
}
END_TEST

#define PAUSE_MS 700 /* longer than any silence that ends a greeting */

static void *go_after_a_pause(void *arg)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

	nanosleep(&pause, NULL);
	scripted_go(arg);
	return NULL;
}

static const struct {
	struct step steps[ROOM];
	int n;
	unsigned vectors;
} paused[] = {
	{ { HELLO, { -1, PROMISING, SEND }, { 0, 0, AWAIT }, { 3, V0, SEND },
	    { 3, V1, SEND } }, 6, 2 },
	{ { HELLO, { -1, PROMISING, SEND }, { 3, V0, SEND }, { 0, 0, AWAIT },
	    { 3, V1, SEND } }, 6, 2 },
	{ { GREETING, { 0, V0, SEND }, { 0, 0, AWAIT }, { 3, V0, SEND } }, 6, 1 },
	{ { GREETING, { 0, 0, AWAIT }, { 3, V0, SEND } }, 5, 1 },
};

/* The server is busy, or has no processor: its pause ends no greeting. */
START_TEST(the_server_pauses)
{
	struct bell_port *port = NULL;
	struct scripted s;
	pthread_t thread;

	make_gifts(fds);
	scripted_start(&s, paused[_i].steps, paused[_i].n, fds);
	ck_assert_int_eq(pthread_create(&thread, NULL, go_after_a_pause, &s), 0);
	ck_assert_int_eq(open_port(&s, -1, &port), 0);
	ck_assert_uint_eq(port->vectors, paused[_i].vectors);
	pthread_join(thread, NULL);
	bell_port_unix.close(port);
	scripted_stop(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("greeting");
	TCase *tc = tcase_create("greeting");

	tcase_add_loop_test(tc, bad_greeting, 0, ARRAY_LEN(bad));
	tcase_add_test(tc, server_never_falls_silent);
	tcase_add_loop_test(tc, good_greeting, 0, ARRAY_LEN(good));
	tcase_add_test(tc, fewer_than_the_header_says);
	tcase_add_loop_test(tc, the_server_pauses, 0, ARRAY_LEN(paused));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
