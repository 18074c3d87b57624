/* SPDX-License-Identifier: BSD-2-Clause */
/* The port unix:PATH against servers that do right, wrong, and half of it. */
#include "layout.h"
#include "port.h"
#include "scripted.h"
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

extern const struct bell_port_ops bell_port_unix;

#define SIZE 65536u
#define ROOM 16

/* What scripts send, by number from 1. */
enum {
	MEMORY = 1, EMPTY, SHORT, READ_ONLY, PROMISING, PIPE, SOCKET, V0, V1, V2,
	FDS = V2
};

static int fds[FDS];

static void format_promising(int fd)
{
	struct layout plan;
	void *at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	ck_assert_int_eq(layout_plan(SIZE, NULL, &plan), 0);
	plan.server_vectors = 2;
	layout_format(at, &plan, 1);
	munmap(at, SIZE);
}

static void make_fds(void)
{
	char name[40];
	int pair[2];

	fds[MEMORY - 1] = new_memory(SIZE);
	fds[EMPTY - 1] = new_memory(0);
	fds[SHORT - 1] = new_memory(4095);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fds[MEMORY - 1]);
	fds[READ_ONLY - 1] = open(name, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fds[READ_ONLY - 1], 0);
	fds[PROMISING - 1] = new_memory(SIZE);
	format_promising(fds[PROMISING - 1]);
	ck_assert_int_eq(pipe(pair), 0);
	close(pair[0]);
	fds[PIPE - 1] = pair[1];
	fds[SOCKET - 1] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	for (int i = V0; i <= V2; i++)
		fds[i - 1] = new_eventfd();
}

static int open_port(const struct scripted *s, int timeout_ms,
		     struct bell_port **port)
{
	return bell_port_unix.open(s->path, timeout_ms, port);
}

/* ---- greetings ------------------------------------------------------------- */

#define HELLO { 0, 0, SEND }, { 3, 0, SEND }
#define GREETING HELLO, { -1, MEMORY, SEND }
#define BYE { 0, 0, CLOSE }

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
	  "after 3 messages of its greeting, vectors missing" },
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
	  "not complete in time: 0 messages" },
	{ "stops before the memory", { HELLO }, 2, BELL_EAGAIN,
	  "2 messages came, no memory" },
	{ "stops in the memory", { HELLO, { -1, MEMORY, HALF } }, 3, BELL_EAGAIN,
	  "2 messages came, no memory" },
};

START_TEST(bad_greeting)
{
	struct bell_port *port = NULL;
	struct scripted s;
	char where[100];
	int before, rc;

	make_fds();
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
	{ "fewer than the header says",
	  { HELLO, { -1, PROMISING, SEND }, { 3, V0, SEND } }, 4, 1, 0 },
	{ "none at all", { GREETING }, 3, 0, 0 },
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

	make_fds();
	scripted_start(&s, good[_i].steps, good[_i].n, fds);
	before = open_fds();
	rc = open_port(&s, -1, &port);
	ck_assert_msg(rc == 0, "%s: %d: %s", good[_i].name, rc, bell_detail());
	ck_assert_uint_eq(port->id, 3);
	ck_assert_msg(port->vectors == good[_i].vectors, "%s: %u vectors",
		      good[_i].name, port->vectors);
	ck_assert_uint_eq(port->size, SIZE);
	ck_assert_int_eq(port->kind, BELL_KIND_HOST);
	ck_assert_ptr_eq(port->ops, &bell_port_unix);
	ck_assert_uint_eq(bell_port_unix.peers(port, NULL, 0), good[_i].peers);
	((volatile char *)port->memory)[SIZE - 1] = 1;
	bell_port_unix.close(port);
	ck_assert_int_eq(open_fds(), before);
	scripted_stop(&s);
}
END_TEST

/* ---- connecting --------------------------------------------------------------- */

static char dir[40], path[200];

static void setup_dir(void)
{
	strcpy(dir, "/tmp/bellring-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket", dir);
}

static void teardown_dir(void)
{
	unlink(path);
	rmdir(dir);
}

static int bound_socket(int type)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(sock, 0);
	strcpy(at.sun_path, path);
	ck_assert_int_eq(bind(sock, (struct sockaddr *)&at, sizeof(at)), 0);
	return sock;
}

static void no_file(void)
{
}

static void stale(void)
{
	close(bound_socket(SOCK_STREAM));
}

static void datagram(void)
{
	bound_socket(SOCK_DGRAM);
}

static void plain_file(void)
{
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static void forbidden(void)
{
	ck_assert_int_eq(listen(bound_socket(SOCK_STREAM), 1), 0);
	ck_assert_int_eq(chmod(path, 0), 0);
	/* Root may everything. */
	if (geteuid() == 0) {
		ck_assert_int_eq(chmod(dir, 0755), 0);
		ck_assert_int_eq(seteuid(65534), 0);
	}
}

static void empty_path(void)
{
	path[0] = '\0';
}

static void long_path(void)
{
	memset(path, 'x', 108);
	path[108] = '\0';
}

/* Nobody accepts, and the backlog is full. */
static void busy(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int rc;

	ck_assert_int_eq(listen(bound_socket(SOCK_STREAM), 0), 0);
	strcpy(at.sun_path, path);
	do {
		int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
				  SOCK_CLOEXEC, 0);

		rc = connect(sock, (struct sockaddr *)&at, sizeof(at));
	} while (rc == 0);
	ck_assert_int_eq(errno, EAGAIN);
}

static const struct {
	const char *name;
	void (*prepare)(void);
	int want;
	const char *detail;
} nobody[] = {
	{ "no file", no_file, BELL_ENODEV,
	  "connect: no such file; is bellring-server running?" },
	{ "stale", stale, BELL_ENODEV, "left over from a server that is gone" },
	{ "datagram", datagram, BELL_ENODEV, "not a stream socket" },
	{ "plain file", plain_file, BELL_ENODEV, "not a socket" },
	{ "forbidden", forbidden, BELL_EPERM, "permission denied; see the mode" },
	{ "empty path", empty_path, BELL_EINVAL, "unix:PATH" },
	{ "long path", long_path, BELL_EINVAL, "107 at most" },
	{ "busy", busy, BELL_EAGAIN, "did not accept in time" },
};

START_TEST(cannot_connect)
{
	struct bell_port *port = NULL;
	char wanted[40];
	int before, rc;

	strcpy(wanted, path);
	nobody[_i].prepare();
	before = open_fds();
	rc = bell_port_unix.open(path, 80, &port);
	ck_assert_msg(rc == -nobody[_i].want, "%s: %d: %s", nobody[_i].name, rc,
		      bell_detail());
	ck_assert_msg(strstr(bell_detail(), nobody[_i].detail) != NULL,
		      "%s: %s", nobody[_i].name, bell_detail());
	ck_assert_ptr_null(port);
	ck_assert_int_eq(open_fds(), before);
	if (geteuid() != getuid())
		ck_assert_int_eq(seteuid(getuid()), 0);
	strcpy(path, wanted); /* for teardown_dir() */
}
END_TEST

/* ---- afterwards ------------------------------------------------------------------ */

static struct {
	unsigned interrupts[256];
	unsigned joined[65536];
	unsigned left[65536];
	unsigned lost;
} seen;

static void on_interrupt(void *arg, unsigned vector)
{
	(void)arg;
	seen.interrupts[vector]++;
}

static void on_peer(void *arg, uint32_t id, enum bell_peer_event event)
{
	(void)arg;
	switch (event) {
	case BELL_PEER_JOINED:
		seen.joined[id]++;
		break;
	case BELL_PEER_LEFT:
		seen.left[id]++;
		break;
	case BELL_SERVER_LOST:
		seen.lost++;
		break;
	}
}

static const struct port_sink sink = { on_interrupt, on_peer, NULL };

/* Waits until the counter has that value. */
static void wait_for(struct bell_port *port, const unsigned *counter,
		     unsigned value)
{
	for (int i = 0; i < 100 && *counter < value; i++)
		ck_assert_int_ge(bell_port_unix.wait(port, 100, &sink), 0);
	ck_assert_uint_eq(*counter, value);
}

static uint64_t drain(int fd)
{
	uint64_t count = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, 0) == 1)
		ck_assert_int_eq(read(fd, &count, sizeof(count)), sizeof(count));
	return count;
}

START_TEST(news_of_peers)
{
	static const struct step steps[] = {
		GREETING, { 9, V0, SEND }, { 3, V0, SEND },
		{ 0, 0, AWAIT }, { 7, V1, SEND }, { 7, V2, SEND },
		{ 0, 0, AWAIT }, { 7, 0, SEND },
		{ 0, 0, AWAIT }, BYE,
	};
	struct bell_peer_info list[4] = { 0 };
	struct bell_port *port;
	struct scripted s;

	make_fds();
	scripted_start(&s, steps, ARRAY_LEN(steps), fds);
	ck_assert_int_eq(open_port(&s, -1, &port), 0);
	ck_assert_int_eq(bell_port_unix.wait(port, 0, &sink), 0);

	scripted_go(&s);
	wait_for(port, &seen.joined[7], 1);
	for (int i = 0; i < 100 && list[0].vectors < 2; i++) {
		bell_port_unix.wait(port, 100, &sink);
		ck_assert_uint_eq(bell_port_unix.peers(port, list, 4), 2);
	}
	ck_assert_uint_eq(list[0].id, 7);
	ck_assert_uint_eq(list[0].vectors, 2);
	ck_assert_int_eq(list[0].state, BELL_STATE_RAW);
	ck_assert_uint_eq(list[1].id, 9);
	ck_assert_uint_eq(list[1].vectors, 1);
	ck_assert_uint_eq(seen.joined[7], 1);
	ck_assert_uint_eq(seen.joined[9], 0); /* was there before */
	ck_assert_int_eq(bell_port_unix.ring(port, 7, 1), 0);
	ck_assert_uint_eq(drain(fds[V2 - 1]), 1);

	scripted_go(&s);
	wait_for(port, &seen.left[7], 1);
	ck_assert_int_eq(bell_port_unix.ring(port, 7, 1), -BELL_ENOPEER);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "peer 7: not connected"));

	scripted_go(&s);
	wait_for(port, &seen.lost, 1);
	ck_assert_int_eq(bell_port_unix.wait(port, 0, &sink), 0);
	ck_assert_uint_eq(seen.lost, 1);

	/* Who is known is rung still, and rings us. */
	ck_assert_int_eq(bell_port_unix.ring(port, 9, 0), 0);
	wait_for(port, &seen.interrupts[0], 1); /* both are the same eventfd */
	bell_port_unix.close(port);
	scripted_stop(&s);
}
END_TEST

START_TEST(broken_news_is_a_lost_server)
{
	static const struct step steps[] = {
		GREETING, { 3, V0, SEND }, { 0, 0, AWAIT }, { -1, MEMORY, SEND },
	};
	struct bell_port *port;
	struct scripted s;
	int before;

	make_fds();
	scripted_start(&s, steps, ARRAY_LEN(steps), fds);
	before = open_fds();
	ck_assert_int_eq(open_port(&s, -1, &port), 0);
	scripted_go(&s);
	wait_for(port, &seen.lost, 1);
	bell_port_unix.close(port);
	ck_assert_int_eq(open_fds(), before);
	scripted_stop(&s);
}
END_TEST

static struct bell_port *simple_port(struct scripted *s)
{
	static const struct step steps[] = {
		GREETING, { 1, V2, SEND }, { 1, V2, SEND }, { 3, V0, SEND },
		{ 3, V1, SEND },
	};
	struct bell_port *port;

	make_fds();
	scripted_start(s, steps, ARRAY_LEN(steps), fds);
	ck_assert_int_eq(open_port(s, -1, &port), 0);
	return port;
}

static void signal_fd(int fd, uint64_t value)
{
	ck_assert_int_eq(write(fd, &value, sizeof(value)), sizeof(value));
}

START_TEST(interrupts)
{
	struct scripted s;
	struct bell_port *port = simple_port(&s);
	struct pollfd p = { .fd = bell_port_unix.handle(port), .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, 0), 0);
	signal_fd(fds[V1 - 1], 5);
	signal_fd(fds[V1 - 1], 1);
	signal_fd(fds[V0 - 1], 1);
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	ck_assert_int_eq(bell_port_unix.wait(port, -1, &sink), 2);
	ck_assert_uint_eq(seen.interrupts[0], 1);
	ck_assert_uint_eq(seen.interrupts[1], 1);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	ck_assert_int_eq(bell_port_unix.wait(port, 0, &sink), 0);

	/* Though nobody has read them: each signal is an edge. */
	signal_fd(fds[V1 - 1], 1);
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	ck_assert_int_eq(bell_port_unix.wait(port, -1, &sink), 1);
	ck_assert_uint_eq(seen.interrupts[1], 2);

	/* Oneself, as a guest can. */
	ck_assert_int_eq(bell_port_unix.ring(port, 3, 0), 0);
	wait_for(port, &seen.interrupts[0], 2);
	bell_port_unix.close(port);
	scripted_stop(&s);
}
END_TEST

START_TEST(ringing)
{
	static const struct {
		uint32_t id;
		unsigned vector;
		int want;
	} rows[] = {
		{ 1, 0, 0 }, { 1, 1, 0 }, { 3, 1, 0 },
		{ 1, 2, -BELL_ENOPEER }, { 1, 255, -BELL_ENOPEER },
		{ 3, 2, -BELL_ENOPEER }, { 0, 0, -BELL_ENOPEER },
		{ 65535, 0, -BELL_ENOPEER },
	};
	struct scripted s;
	struct bell_port *port = simple_port(&s);

	for (int i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(bell_port_unix.ring(port, rows[i].id,
						  rows[i].vector) == rows[i].want,
			      "peer %u vector %u", rows[i].id, rows[i].vector);
	ck_assert_uint_eq(drain(fds[V2 - 1]), 2);

	/* A full counter is a pending interrupt; and it does not block. */
	signal_fd(fds[V2 - 1], UINT64_MAX - 1);
	ck_assert_int_eq(bell_port_unix.ring(port, 1, 0), 0);
	bell_port_unix.close(port);
	scripted_stop(&s);
}
END_TEST

#define CROWD 300

/* Sparse ids, and a joining and leaving that other threads ring through. */
static void *ring_all(void *arg)
{
	struct bell_port *port = arg;

	for (int turn = 0; turn < 50; turn++)
		for (uint32_t i = 0; i < CROWD; i++) {
			int rc = bell_port_unix.ring(port, i * 200, 0);

			if (rc != 0 && rc != -BELL_ENOPEER)
				return port;
		}
	return NULL;
}

START_TEST(ringing_while_peers_come_and_go)
{
	static struct step steps[5 + 2 * CROWD] = {
		GREETING, { 3, V0, SEND }, { 0, 0, AWAIT },
	};
	struct bell_peer_info list[CROWD];
	pthread_t thread[2];
	struct bell_port *port;
	struct scripted s;
	void *result;
	int n = 5;

	for (uint32_t i = 0; i < CROWD; i++)
		steps[n++] = (struct step){ i * 200, V2, SEND };
	for (uint32_t i = 0; i < CROWD; i += 2)
		steps[n++] = (struct step){ i * 200, 0, SEND };
	make_fds();
	scripted_start(&s, steps, n, fds);
	ck_assert_int_eq(open_port(&s, -1, &port), 0);
	scripted_go(&s);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, ring_all, port),
				 0);
	wait_for(port, &seen.left[(CROWD - 2) * 200], 1);
	for (int i = 0; i < 2; i++) {
		pthread_join(thread[i], &result);
		ck_assert_ptr_null(result);
	}
	ck_assert_uint_eq(bell_port_unix.peers(port, list, CROWD), CROWD / 2);
	for (uint32_t i = 0; i < CROWD / 2; i++)
		ck_assert_uint_eq(list[i].id, (2 * i + 1) * 200);
	bell_port_unix.close(port);
	scripted_stop(&s);
}
END_TEST

/* At the limit of open files others' vectors are lost, but not the server. */
START_TEST(too_few_descriptors)
{
	static const struct step steps[] = {
		HELLO, { -1, PROMISING, SEND }, { 3, V0, SEND }, { 3, V1, SEND },
		{ 0, 0, AWAIT },
		{ 7, V1, SEND }, { 7, V1, SEND }, { 8, V2, SEND },
		{ 7, 0, SEND },
	};
	struct rlimit limit;
	struct bell_port *port;
	struct scripted s;

	make_fds();
	scripted_start(&s, steps, ARRAY_LEN(steps), fds);
	ck_assert_int_eq(open_port(&s, -1, &port), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)open_fds() + 1; /* one more, as none is free below */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	scripted_go(&s);
	wait_for(port, &seen.left[7], 1);
	ck_assert_uint_eq(seen.joined[7], 1);
	ck_assert_uint_eq(seen.joined[8], 1);
	ck_assert_uint_eq(seen.lost, 0);
	ck_assert_int_eq(bell_port_unix.ring(port, 8, 0), -BELL_EIO);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "ulimit -n"));
	bell_port_unix.close(port);
	scripted_stop(&s);
}
END_TEST

START_TEST(closing_nothing)
{
	bell_port_unix.close(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("host");
	TCase *tc = tcase_create("greeting");

	tcase_add_loop_test(tc, bad_greeting, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(tc, good_greeting, 0, ARRAY_LEN(good));
	suite_add_tcase(suite, tc);
	tc = tcase_create("connect");
	tcase_add_checked_fixture(tc, setup_dir, teardown_dir);
	tcase_add_loop_test(tc, cannot_connect, 0, ARRAY_LEN(nobody));
	suite_add_tcase(suite, tc);
	tc = tcase_create("running");
	tcase_add_test(tc, news_of_peers);
	tcase_add_test(tc, broken_news_is_a_lost_server);
	tcase_add_test(tc, interrupts);
	tcase_add_test(tc, ringing);
	tcase_add_test(tc, ringing_while_peers_come_and_go);
	tcase_add_test(tc, too_few_descriptors);
	tcase_add_test(tc, closing_nothing);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
