/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may be a peer: lists of users and groups, what the kernel says of the other
 * end. With users that differ, see test-server-rights.py.
 */
#include "access.h"
#include "accounts.h"
#include "bellring.h"
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

/* A kernel that knows no SO_PEERGROUPS, or a user with that many groups. */
static int peer_groups = -1;
static int questions;

#define FIRST_GROUP 5000

int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	socklen_t needed = (socklen_t)peer_groups * (socklen_t)sizeof(gid_t);
	socklen_t room = *len;

	if (name != SO_PEERGROUPS)
		return __real_getsockopt(fd, level, name, value, len);
	questions++;
	if (peer_groups < 0) {
		errno = ENOPROTOOPT;
		return -1;
	}
	*len = needed;
	if (room < needed) {
		errno = ERANGE;
		return -1;
	}
	for (int i = 0; i < peer_groups; i++)
		((gid_t *)value)[i] = (gid_t)(FIRST_GROUP + i);
	return 0;
}

static int pair[2];
static struct access_who who;
static struct access_wish wish;

static void connect_pair(void)
{
	peer_groups = -1;
	questions = 0;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(access_who(pair[0], &who), 0);
}

static void close_pair(void)
{
	close(pair[0]);
	close(pair[1]);
	access_done(&wish);
	access_done(&wish);
}

START_TEST(whom_the_kernel_names)
{
	struct access_who untouched = { 1, 2, 3 };

	ck_assert_int_eq(who.pid, getpid());
	ck_assert_uint_eq(who.uid, geteuid());
	ck_assert_uint_eq(who.gid, getegid());
	ck_assert_int_eq(access_who(-1, &untouched), -BELL_EIO);
	ck_assert_uint_eq(untouched.gid, 3);
}
END_TEST

static int check_as(uid_t uid, gid_t gid)
{
	struct access_who as = { 77, uid, gid };

	return access_check(&wish, pair[0], &as);
}

START_TEST(no_lists_refuse_nobody)
{
	ck_assert_int_eq(check_as(12, 34), 0);
	wish.max_peers_per_user = 1;
	ck_assert_int_eq(check_as(12, 34), 0);
}
END_TEST

START_TEST(listed_users)
{
	ck_assert_int_eq(access_add_users(&wish, "1001"), 0);
	ck_assert_int_eq(access_add_users(&wish, "1002,root"), 0);
	ck_assert_int_eq(check_as(1001, 9), 0);
	ck_assert_int_eq(check_as(1002, 9), 0);
	ck_assert_int_eq(check_as(0, 9), 0);
	ck_assert_int_eq(check_as(1003, 9), -BELL_EPERM);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "pid 77, user 1003, group 9: "));
	ck_assert_int_eq(questions, 0);
}
END_TEST

START_TEST(root_has_no_privilege)
{
	ck_assert_int_eq(access_add_users(&wish, "1001"), 0);
	ck_assert_int_eq(check_as(0, 0), -BELL_EPERM);
	ck_assert_int_eq(access_add_groups(&wish, "1001"), 0);
	ck_assert_int_eq(check_as(0, 0), -BELL_EPERM);
}
END_TEST

START_TEST(own_group)
{
	ck_assert_int_eq(access_add_groups(&wish, "2001,2002"), 0);
	ck_assert_int_eq(check_as(9, 2002), 0);
	ck_assert_int_eq(check_as(9, 2003), -BELL_EPERM);
	ck_assert_int_eq(check_as(2001, 2003), -BELL_EPERM);
}
END_TEST

START_TEST(either_list)
{
	ck_assert_int_eq(access_add_users(&wish, "1001"), 0);
	ck_assert_int_eq(access_add_groups(&wish, "2001"), 0);
	ck_assert_int_eq(check_as(1001, 9), 0);
	ck_assert_int_eq(check_as(9, 2001), 0);
	ck_assert_int_eq(check_as(9, 9), -BELL_EPERM);
}
END_TEST

static const int counts[] = { 0, 1, 31, 32, 33, 1000, 65536 };

START_TEST(further_groups)
{
	char last[16];

	peer_groups = counts[_i];
	snprintf(last, sizeof(last), "%d", FIRST_GROUP + counts[_i] - 1);
	ck_assert_int_eq(access_add_groups(&wish, last), 0);
	ck_assert_int_eq(check_as(9, 9), counts[_i] ? 0 : -BELL_EPERM);
	ck_assert_int_eq(questions, counts[_i] > 32 ? 2 : 1);
	peer_groups = -1;
	ck_assert_int_eq(check_as(9, 9), -BELL_EPERM);
}
END_TEST

static const struct {
	const char *list, *text;
} unknown[] = {
	{ "", "''" },
	{ "root,", "''" },
	{ "root,,1", "''" },
	{ "1001,no-such-name-here", "'no-such-name-here': does not exist" },
	{ "-1", "'-1'" },
	{ "4294967295", "'4294967295'" },
	{ "99999999999999999999", "'99999999999999999999'" },
	{ "12x", "'12x'" },
	{ " 12", "' 12'" },
};

START_TEST(names_that_nobody_has)
{
	size_t users, groups;

	ck_assert_int_eq(access_add_users(&wish, "5"), 0);
	users = wish.user_count;
	groups = wish.group_count;
	ck_assert_int_eq(access_add_users(&wish, unknown[_i].list), -BELL_EINVAL);
	ck_assert_msg(strstr(bell_detail(), unknown[_i].text), "%s", bell_detail());
	ck_assert_ptr_nonnull(strstr(bell_detail(), "user"));
	ck_assert_int_eq(access_add_groups(&wish, unknown[_i].list), -BELL_EINVAL);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "group"));
	ck_assert_uint_eq(wish.user_count, users);
	ck_assert_uint_eq(wish.group_count, groups);
}
END_TEST

START_TEST(entries)
{
	char *name = NULL;
	gid_t gid = 77;

	ck_assert_int_eq(accounts_entry(0, &gid, &name), 0);
	ck_assert_uint_eq(gid, 0);
	ck_assert_str_eq(name, "root");
	free(name);
	gid = 77;
	ck_assert_int_eq(accounts_entry(4000000000u, &gid, &name), -BELL_EINVAL);
	ck_assert_uint_eq(gid, 77);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("access");
	TCase *tc = tcase_create("access");

	tcase_add_checked_fixture(tc, connect_pair, close_pair);
	tcase_add_test(tc, whom_the_kernel_names);
	tcase_add_test(tc, no_lists_refuse_nobody);
	tcase_add_test(tc, listed_users);
	tcase_add_test(tc, root_has_no_privilege);
	tcase_add_test(tc, own_group);
	tcase_add_test(tc, either_list);
	tcase_add_loop_test(tc, further_groups, 0, ARRAY_LEN(counts));
	tcase_add_loop_test(tc, names_that_nobody_has, 0, ARRAY_LEN(unknown));
	tcase_add_test(tc, entries);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
