/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening unix:PATH where nobody can be reached: each cause has its own words. */
#include "port.h"
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

extern const struct bell_port_ops bell_port_unix;

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

int main(void)
{
	Suite *suite = suite_create("dial");
	TCase *tc = tcase_create("connect");

	tcase_add_checked_fixture(tc, setup_dir, teardown_dir);
	tcase_add_loop_test(tc, cannot_connect, 0, ARRAY_LEN(nobody));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
