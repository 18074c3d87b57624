/* SPDX-License-Identifier: BSD-2-Clause */
#include "control-fixture.h"

#include "os.h"
#include "testing.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct server fake;
struct event_base *base;
struct control *control;
char path[96];
static char dir[64];
static int fds_before;

struct listener listen_here(void)
{
	struct listener_wish wish = { .path = path, .mode = CONTROL_MODE,
				      .uid = (uid_t)-1, .gid = (gid_t)-1 };
	struct listener l = { .fd = -1 };

	ck_assert_msg(listener_new(&wish, &l) == 0, "%s", bell_detail());
	return l;
}

void set_stage(void)
{
	signal(SIGPIPE, SIG_IGN);
	fake_inspect_init(&fake);
	fds_before = open_fds();
	snprintf(dir, sizeof(dir), "/tmp/bellring-control-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/control", dir);
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
}

void clear_stage(void)
{
	event_base_free(base);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_eq(open_fds(), fds_before);
}

void begin(void)
{
	struct listener l;

	set_stage();
	l = listen_here();
	ck_assert_int_eq(control_new(base, &fake, &l, &control), 0);
	ck_assert_int_eq(l.fd, -1);
}

void finish(void)
{
	control_free(control);
	clear_stage();
}

void turn(void)
{
	ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
}

int dial_unix(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memcpy(to.sun_path, path, strlen(path) + 1);
	ck_assert_int_ge(fd, 0);
	ck_assert_msg(connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0,
		      "%s", strerror(errno));
	return fd;
}

void say_bytes(int fd, const char *data, size_t len)
{
	uint64_t end = os_now_ns() + DEADLINE_NS;

	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		ck_assert_msg(n > 0 || errno == EAGAIN, "%s", strerror(errno));
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
		turn();
		ck_assert(os_now_ns() < end);
	}
}

void say(int fd, const char *text)
{
	say_bytes(fd, text, strlen(text));
}

struct evbuffer *got;

bool hear(int fd)
{
	char bytes[65536];
	ssize_t n;

	turn();
	n = recv(fd, bytes, sizeof(bytes), 0);
	if (n > 0)
		evbuffer_add(got, bytes, (size_t)n);
	return n > 0 || (n < 0 && errno == EAGAIN);
}

char *line_of(int fd)
{
	uint64_t end = os_now_ns() + DEADLINE_NS;
	char *line;

	while ((line = evbuffer_readln(got, NULL, EVBUFFER_EOL_LF)) == NULL) {
		ck_assert_msg(hear(fd), "the server closed");
		ck_assert(os_now_ns() < end);
	}
	return line;
}

void hears(int fd, const char *text)
{
	char *line = line_of(fd);

	ck_assert_msg(strstr(line, text) != NULL, "'%s', not '%s'", line, text);
	free(line);
}

void hears_end(int fd)
{
	uint64_t end = os_now_ns() + DEADLINE_NS;

	while (hear(fd))
		ck_assert(os_now_ns() < end);
	ck_assert_uint_eq(evbuffer_get_length(got), 0);
}

void works(int fd)
{
	say(fd, "status\n");
	hears(fd, "\"type\":\"status\"");
	hears(fd, "{\"type\":\"end\",\"ok\":true}");
}

void open_ears(void)
{
	got = evbuffer_new();
	ck_assert_ptr_nonnull(got);
}

void close_ears(void)
{
	evbuffer_free(got);
}
