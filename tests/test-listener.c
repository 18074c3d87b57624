/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's socket: its owner, what it may replace, and sockets from elsewhere;
 * also what somebody else does to its path meanwhile, which the wrapped functions do.
 * Run by root, all of it is done a second time as a user without rights.
 */
#include "bellring.h"
#include "listener.h"
#include "occupied.h"
#include "testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NOBODY 65534

static char place[64];
static int fds_before;
static bool drop_rights;

/* Run in between: after bind(), or after looking whether a socket is stale. */
static void (*after_bind)(const char *path);
static void (*after_look)(const char *path);

int __real_bind(int fd, const struct sockaddr *at, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *at, socklen_t len);
int __real_occupied(const char *path);
int __wrap_occupied(const char *path);

int __wrap_bind(int fd, const struct sockaddr *at, socklen_t len)
{
	int rc = __real_bind(fd, at, len);

	if (after_bind)
		after_bind(((const struct sockaddr_un *)at)->sun_path);
	return rc;
}

int __wrap_occupied(const char *path)
{
	int rc = __real_occupied(path);

	if (after_look)
		after_look(path);
	return rc;
}

/* In a test's own process. */
static void make_place(void)
{
	if (drop_rights)
		ck_assert_int_eq(setgid(NOBODY) | setuid(NOBODY), 0);
	fds_before = open_fds();
	strcpy(place, "/tmp/bellring-listener-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(place));
}

static void remove_place(void)
{
	ck_assert_int_eq(rmdir(place), 0);
	ck_assert_int_eq(open_fds(), fds_before);
}

static const char *in_place(const char *name)
{
	static char path[80];

	snprintf(path, sizeof(path), "%s/%s", place, name);
	return path;
}

static struct listener_wish usual(void)
{
	return (struct listener_wish){ .path = in_place("socket"), .mode = 0660,
				       .uid = (uid_t)-1, .gid = (gid_t)-1 };
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static int open_socket(int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static int bound(const char *path, int type)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = open_socket(AF_UNIX, type);

	strcpy(at.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static int listening(const char *path)
{
	int fd = bound(path, SOCK_STREAM);

	ck_assert_int_eq(listen(fd, 5), 0);
	return fd;
}

static void fails(const struct listener_wish *wish, int code, const char *text)
{
	struct listener l = { .fd = -7 };

	ck_assert_int_eq(listener_new(wish, &l), code);
	ck_assert_msg(strstr(bell_detail(), text), "'%s' is not in: %s", text,
		      bell_detail());
	ck_assert_int_eq(l.fd, -7);
}

/* ---- made here ----------------------------------------------------------------- */

static const mode_t modes[] = { 0, 0600, 0660, 0666, 0777 };

START_TEST(mode_and_owner)
{
	struct listener_wish wish = usual();
	struct listener l;
	struct stat st;

	wish.mode = modes[_i];
	wish.uid = geteuid();
	wish.gid = getegid();
	if (geteuid() == 0) {
		wish.uid = 1234;
		wish.gid = 2345;
	}
	umask(027);
	ck_assert_int_eq(listener_new(&wish, &l), 0);
	ck_assert_int_eq(umask(0), 027);
	ck_assert_int_eq(lstat(wish.path, &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFSOCK | modes[_i]);
	ck_assert_uint_eq(st.st_uid, wish.uid);
	ck_assert_uint_eq(st.st_gid, wish.gid);
	listener_done(&l);
	ck_assert(!exists(wish.path));
	listener_done(&l);
}
END_TEST

START_TEST(owner_that_it_may_not_give)
{
	struct listener_wish wish = usual();

	if (geteuid() == 0)
		return;
	wish.uid = 0;
	fails(&wish, -BELL_EPERM, "giving it to user 0, group -1");
	ck_assert(!exists(wish.path));
	wish.uid = (uid_t)-1;
	wish.gid = 0;
	fails(&wish, -BELL_EPERM, "member of that group");
	ck_assert(!exists(wish.path));
}
END_TEST

START_TEST(stale_is_replaced)
{
	struct listener_wish wish = usual();
	struct listener l;

	close(listening(wish.path));
	ck_assert_int_eq(listener_new(&wish, &l), 0);
	listener_done(&l);
}
END_TEST

START_TEST(live_is_left)
{
	struct listener_wish wish = usual();
	int other = listening(wish.path);

	fails(&wish, -BELL_EBUSY, "a server listens there already");
	ck_assert(exists(wish.path));
	close(other);
	unlink(wish.path);
}
END_TEST

/* Neither what it points to is touched, nor the link, whether that is live or not. */
START_TEST(symbolic_link_is_left)
{
	struct listener_wish wish = usual();
	char target[80];
	int other;

	strcpy(target, in_place("target"));
	other = listening(target);
	wish = usual();
	ck_assert_int_eq(symlink(target, wish.path), 0);
	for (int live = 1; live >= 0; live--) {
		fails(&wish, -BELL_EEXIST, "exists and is not a socket");
		ck_assert(exists(wish.path) && exists(target));
		if (live)
			close(other);
	}
	unlink(target);
	fails(&wish, -BELL_EEXIST, "exists and is not a socket");
	ck_assert(exists(wish.path) && !exists(target));
	unlink(wish.path);
}
END_TEST

static int live_one = -1;

static void go_live(const char *path)
{
	after_look = NULL;
	ck_assert_int_eq(unlink(path), 0);
	live_one = listening(path);
}

START_TEST(live_by_now_is_left)
{
	struct listener_wish wish = usual();

	close(listening(wish.path));
	after_look = go_live;
	fails(&wish, -BELL_EBUSY, "another process has just made this socket");
	ck_assert(exists(wish.path));
	close(live_one);
	unlink(wish.path);
}
END_TEST

/* A link to what is precious, and root's: its owner must stay. */
static void put_link(const char *path)
{
	after_bind = NULL;
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(link(in_place("precious"), path), 0);
}

START_TEST(what_took_its_place_is_not_given_away)
{
	struct listener_wish wish;
	struct stat st;
	char path[80];

	close(open(in_place("precious"), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	wish = usual();
	snprintf(path, sizeof(path), "%s", wish.path);
	wish.path = path;
	wish.gid = geteuid() == 0 ? 4321 : getegid();
	after_bind = put_link;
	fails(&wish, -BELL_EBUSY, "has put something else there");
	ck_assert_int_eq(lstat(wish.path, &st), 0);
	ck_assert_uint_eq(st.st_gid, getegid());
	ck_assert_int_eq(unlink(wish.path), 0);
	ck_assert_int_eq(unlink(in_place("precious")), 0);
}
END_TEST

START_TEST(what_is_there_now_is_left)
{
	struct listener_wish wish = usual();
	struct listener l;
	int other;

	ck_assert_int_eq(listener_new(&wish, &l), 0);
	ck_assert_int_eq(unlink(wish.path), 0);
	other = listening(wish.path);
	listener_done(&l);
	ck_assert(exists(wish.path));
	close(other);
	unlink(wish.path);
}
END_TEST

/* ---- from elsewhere -------------------------------------------------------------- */

START_TEST(activated)
{
	const char *path = in_place("socket");
	struct listener l = { .fd = -7 };
	int fd = listening(path);

	ck_assert_int_eq(fcntl(fd, F_SETFD, 0), 0);
	ck_assert_int_eq(listener_adopt(&fd, false, &l), 0);
	ck_assert_int_eq(fd, -1);
	ck_assert(fcntl(l.fd, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(l.fd, F_GETFD) & FD_CLOEXEC);
	ck_assert_ptr_null(l.file.path);
	listener_done(&l);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(of_a_former_server)
{
	const char *path = in_place("socket");
	struct listener l;
	int fd = listening(path);

	ck_assert_int_eq(listener_adopt(&fd, true, &l), 0);
	ck_assert_str_eq(l.file.path, path);
	listener_done(&l);
	ck_assert(!exists(path));
}
END_TEST

/* By the time that it is passed on, something else has its name. */
START_TEST(of_a_former_server_that_lost_its_place)
{
	const char *path = in_place("socket");
	struct listener l;
	int other = -1, fd = listening(path);

	ck_assert_int_eq(unlink(path), 0);
	if (_i == 1)
		other = listening(path);
	if (_i == 2)
		close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	ck_assert_int_eq(listener_adopt(&fd, true, &l), 0);
	ck_assert_ptr_null(l.file.path);
	listener_done(&l);
	ck_assert_int_eq(exists(path), _i != 0);
	if (_i != 0)
		unlink(path);
	if (other >= 0)
		close(other);
}
END_TEST

START_TEST(without_a_file)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct listener l;
	int fd = open_socket(AF_UNIX, SOCK_STREAM);

	/* The kernel chooses a name that is none of a file: unix(7), autobind. */
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	ck_assert_int_eq(listener_adopt(&fd, true, &l), 0);
	ck_assert_ptr_null(l.file.path);
	listener_done(&l);
}
END_TEST

static int not_listening(void)
{
	return open_socket(AF_UNIX, SOCK_STREAM);
}

static int datagrams(void)
{
	return open_socket(AF_UNIX, SOCK_DGRAM);
}

static int packets(void)
{
	int fd = bound(in_place("socket"), SOCK_SEQPACKET);

	ck_assert_int_eq(listen(fd, 5), 0);
	ck_assert_int_eq(unlink(in_place("socket")), 0);
	return fd;
}

static int internet(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int fd = open_socket(AF_INET, SOCK_STREAM);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	return fd;
}

static int no_socket(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int (*const strangers[])(void) = { not_listening, datagrams, packets,
					  internet, no_socket };

START_TEST(not_adopted)
{
	struct listener l = { .fd = -7 };
	int fd = strangers[_i](), was = fd;

	ck_assert_int_eq(listener_adopt(&fd, true, &l), -BELL_EINVAL);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "not a listening UNIX stream"));
	ck_assert_int_eq(fd, was);
	ck_assert_int_eq(l.fd, -7);
	close(fd);
}
END_TEST

static void become_nobody(void)
{
	drop_rights = true;
}

static void add(Suite *suite, const char *name, SFun before)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, before, NULL);
	tcase_add_checked_fixture(tc, make_place, remove_place);
	tcase_add_loop_test(tc, mode_and_owner, 0, ARRAY_LEN(modes));
	tcase_add_test(tc, owner_that_it_may_not_give);
	tcase_add_test(tc, stale_is_replaced);
	tcase_add_test(tc, live_is_left);
	tcase_add_test(tc, symbolic_link_is_left);
	tcase_add_test(tc, live_by_now_is_left);
	tcase_add_test(tc, what_took_its_place_is_not_given_away);
	tcase_add_test(tc, what_is_there_now_is_left);
	tcase_add_test(tc, activated);
	tcase_add_test(tc, of_a_former_server);
	tcase_add_loop_test(tc, of_a_former_server_that_lost_its_place, 0, 3);
	tcase_add_test(tc, without_a_file);
	tcase_add_loop_test(tc, not_adopted, 0, ARRAY_LEN(strangers));
	suite_add_tcase(suite, tc);
}

int main(void)
{
	Suite *suite = suite_create("listener");

	add(suite, "as it is", NULL);
	if (geteuid() == 0)
		add(suite, "as nobody", become_nobody);
	return run_suite(suite);
}
