/* SPDX-License-Identifier: BSD-2-Clause */
/* The metrics as their clients see them, and as a server hands them on. */
#include "control-fixture.h"
#include "metrics.h"
#include "testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t content_length(int fd)
{
	size_t len = SIZE_MAX;

	for (;;) {
		char *line = line_of(fd);
		bool last = strcmp(line, "\r") == 0;

		sscanf(line, "Content-Length: %zu", &len);
		free(line);
		if (last)
			return len;
	}
}

static void takes_metrics(int fd)
{
	size_t len;

	hears(fd, "HTTP/1.1 200 OK");
	hears(fd, "Content-Type: text/plain; version=0.0.4");
	len = content_length(fd);
	ck_assert_uint_gt(len, 1000);
	while (evbuffer_get_length(got) < len)
		ck_assert(hear(fd));
	evbuffer_drain(got, len);
	hears_end(fd);
}

START_TEST(metrics_unix)
{
	struct metrics *metrics;
	char address[128];
	struct stat st;
	int fd;

	set_stage();
	snprintf(address, sizeof(address), "unix:%s", path);
	ck_assert_int_eq(metrics_new(base, &fake, address, &metrics), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, METRICS_MODE);
	fd = dial_unix();
	say(fd, "GET /metrics HTTP/1.1\r\nHost:");
	say(fd, " x\r\n\r\n");
	takes_metrics(fd);
	close(fd);
	metrics_free(metrics);
	clear_stage();
}
END_TEST

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&a, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

/* With a body that nobody wants: that must not look like a broken connection. */
START_TEST(metrics_tcp)
{
	static char body[10000];
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct metrics *metrics, *second = NULL;
	char address[64];
	int fd, rc;

	set_stage();
	do {
		to.sin_port = htons(free_port());
		snprintf(address, sizeof(address), "127.0.0.1:%u",
			 ntohs(to.sin_port));
		rc = metrics_new(base, &fake, address, &metrics);
	} while (rc == -BELL_EBUSY);
	ck_assert_msg(rc == 0, "%s", bell_detail());
	ck_assert_int_eq(metrics_new(base, &fake, address, &second), -BELL_EBUSY);
	ck_assert_ptr_null(second);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		ck_assert_int_eq(errno, EINPROGRESS);
	say(fd, "GET /metrics HTTP/1.1\r\nContent-Length: 200000\r\n\r\n");
	for (int i = 0; i < 20; i++)
		say_bytes(fd, body, sizeof(body));
	takes_metrics(fd);
	close(fd);
	metrics_free(metrics);
	clear_stage();
}
END_TEST

/* A successor takes over what is at the same address, and nothing else. */
START_TEST(adopts_unix)
{
	struct listener first = { .fd = -1 }, second = { .fd = -1 };
	struct metrics *metrics;
	char address[128];
	int fd;

	set_stage();
	snprintf(address, sizeof(address), "unix:%s", path);
	ck_assert_int_eq(metrics_listen(address, &first), 0);
	fd = dup(first.fd);
	ck_assert_int_eq(metrics_adopt("unix:/x", &fd, &second), -BELL_EINVAL);
	ck_assert_int_eq(metrics_adopt("127.0.0.1:0", &fd, &second), -BELL_EINVAL);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(metrics_adopt(address, &fd, &second), 0);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(fcntl(second.fd, F_GETFD), FD_CLOEXEC);
	close(first.fd); /* as execve(2) does */
	free(first.file.path);
	ck_assert_int_eq(metrics_serve(base, &fake, &second, &metrics), 0);
	fd = dial_unix();
	say(fd, "GET /metrics HTTP/1.1\r\n\r\n");
	takes_metrics(fd);
	close(fd);
	metrics_free(metrics);
	clear_stage();
}
END_TEST

static const char *const elsewhere[] = { "127.0.0.1:1", "127.0.0.2:0", "[::1]:0",
					 "0.0.0.0:0", "unix:/x", "" };

START_TEST(adopts_tcp)
{
	struct listener first = { .fd = -1 }, second = { .fd = -1 };
	int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(metrics_adopt("127.0.0.1:0", &other, &second),
			 -BELL_EINVAL);
	close(other);
	ck_assert_int_eq(metrics_listen("127.0.0.1:0", &first), 0);
	for (int i = 0; i < ARRAY_LEN(elsewhere); i++)
		ck_assert_int_eq(metrics_adopt(elsewhere[i], &first.fd, &second),
				 -BELL_EINVAL);
	fcntl(first.fd, F_SETFD, 0);
	ck_assert_int_eq(metrics_adopt("127.0.0.1:0", &first.fd, &second), 0);
	ck_assert_int_eq(first.fd, -1);
	ck_assert_int_eq(fcntl(second.fd, F_GETFD), FD_CLOEXEC);
	listener_done(&second);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("metrics");
	TCase *t = tcase_create("socket");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, open_ears, close_ears);
	tcase_add_test(t, metrics_unix);
	tcase_add_test(t, metrics_tcp);
	tcase_add_test(t, adopts_unix);
	tcase_add_test(t, adopts_tcp);
	suite_add_tcase(s, t);
	return run_suite(s);
}
