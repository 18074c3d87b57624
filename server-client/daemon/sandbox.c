/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* setresuid */

#include "sandbox.h"

#include "accounts.h"
#include "error.h"
#include "fd.h"
#include "sandbox-lock.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static char text[128] = "none";

static int failed(const char *call)
{
	int err = errno;

	return error_detail(from_errno(err), "sandbox: %s: %s", call,
			    strerror(err));
}

/* ---- who ---------------------------------------------------------------------- */

int sandbox_ids(const struct sandbox_wish *wish, uid_t *uid, gid_t *gid)
{
	uid_t u = geteuid();
	gid_t g = getegid();
	int rc = 0;

	if (wish->user)
		rc = accounts_user(wish->user, &u);
	if (rc == 0 && wish->group)
		rc = accounts_group(wish->group, &g);
	else if (rc == 0 && wish->user)
		rc = accounts_entry(u, &g, NULL);
	if (rc < 0)
		return rc;
	*uid = u;
	*gid = g;
	return 0;
}

static bool is_already(uid_t uid, gid_t gid)
{
	uid_t u[3];
	gid_t g[3];

	if (getresuid(&u[0], &u[1], &u[2]) < 0 ||
	    getresgid(&g[0], &g[1], &g[2]) < 0)
		return false;
	for (int i = 0; i < 3; i++)
		if (u[i] != uid || g[i] != gid)
			return false;
	return true;
}

/* Those that the user is in, and gid; just gid for one without an entry. */
static int set_groups(uid_t uid, gid_t gid)
{
	char *name;
	gid_t own;
	int rc;

	if (accounts_entry(uid, &own, &name) < 0)
		return setgroups(1, &gid);
	rc = initgroups(name, gid);
	free(name);
	return rc;
}

static int cannot_become(uid_t uid, gid_t gid)
{
	return error_detail(BELL_EPERM,
			    "sandbox: becoming user %lu, group %lu: %s; start as root, "
			    "or as that user, or wish for none",
			    (unsigned long)uid, (unsigned long)gid, strerror(errno));
}

/* A server that ran as that user before a live upgrade need not, and cannot. */
static int become(uid_t uid, gid_t gid)
{
	if (is_already(uid, gid))
		return 0;
	if (set_groups(uid, gid) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		return cannot_become(uid, gid);
	if (!is_already(uid, gid) || (uid != 0 && setuid(0) == 0))
		return error_detail(BELL_EPERM,
				    "sandbox: user %lu: the way back to root is open",
				    (unsigned long)uid);
	return 0;
}

/*
 * Other processes of that user must not look into one that was root's, as by
 * ptrace(2): it has what root opened. The kernel sees to that when the user
 * changes, but not after the execve() of a live upgrade.
 */
static int stay_private(void)
{
	if (prctl(PR_GET_DUMPABLE) != 1)
		return 0;
	return prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) < 0 ?
		       failed("PR_SET_DUMPABLE") : 0;
}

/* ---- all of it ------------------------------------------------------------------- */

static void describe(uid_t uid)
{
	int calls = sandbox_calls_filtered();

	snprintf(text, sizeof(text), "user %lu%s, no new privileges%s",
		 (unsigned long)uid,
		 sandbox_has_capabilities() ? "" : ", no capabilities",
		 calls ? ", seccomp" : "");
}

/*
 * The order is forced: the bounding set and the user need capabilities, and the
 * filter lets nobody change users. With no-new-privileges nothing that is
 * executed can get any of it back.
 */
int sandbox_enter(const struct sandbox_wish *wish)
{
	bool change = wish->user || wish->group;
	uid_t uid;
	gid_t gid;
	int rc = sandbox_ids(wish, &uid, &gid);

	if (rc == 0)
		rc = sandbox_drop_bounds();
	if (rc == 0 && change)
		rc = become(uid, gid);
	if (rc == 0)
		rc = sandbox_drop_capabilities();
	if (rc == 0 && change)
		rc = stay_private();
	if (rc == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
		rc = failed("PR_SET_NO_NEW_PRIVS");
	if (rc == 0 && !wish->off)
		rc = sandbox_filter_calls();
	if (rc == 0)
		describe(uid);
	return rc;
}

const char *sandbox_text(void)
{
	return text;
}
