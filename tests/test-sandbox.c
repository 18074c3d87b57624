/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process in the server's sandbox may call and what not: a row each. A call
 * that is refused is made outside of the sandbox, too: what fails there alike
 * proves nothing.
 *
 * "test-sandbox again" is this program executed in its own sandbox.
 */
#include "config.h" /* _GNU_SOURCE, too: getresuid */

#include "bellring.h"
#include "sandbox-lock.h"
#include "sandbox-rows.h"
#include "sandbox.h"
#include "sanitized.h"
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef HAVE_SANDBOX
#define HAVE_SANDBOX 0
#endif

#define NOBODY 65534

/* ---- TAP ------------------------------------------------------------------------ */

static int cases, failures;

static void skip(const char *name, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++cases, name, why);
}

static void result(bool good, const char *name, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++cases, name);
	if (!good)
		printf("# %s\n", what);
	failures += !good;
}

/* ---- inside and outside ---------------------------------------------------------- */

enum { DIED = 250, NO_SANDBOX };

/* In a process of its own: 0, or an errno, or one of the above. */
static int outcome(call_fn *call, const struct sandbox_wish *wish)
{
	int status, rc;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		if (wish && sandbox_enter(wish) < 0) {
			printf("# %s\n", bell_detail());
			fflush(stdout);
			_exit(NO_SANDBOX);
		}
		errno = 0;
		rc = call();
		_exit(rc < 0 ? errno : 0);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return DIED;
	return WEXITSTATUS(status);
}

static const char *outcome_text(int code)
{
	return code == DIED ? "it was killed" :
	       code == NO_SANDBOX ? "no sandbox" : strerror(code);
}

static const struct sandbox_wish nothing;

/* Why 32-bit x86 is exempt from a row, or NULL. */
static const char *exempt(const char *name)
{
#if defined(__i386__)
	if (!strncmp(name, "AF_", 3))
		return "socketcall() hides its arguments from a filter";
	if (!strncmp(name, "posix_spawn", 11))
		return "the shell may be a 64-bit program, which the filter refuses";
#endif
	(void)name;
	return NULL;
}

static void check_allowed(void)
{
	for (int i = 0; rows_allowed[i].name; i++) {
		int code = outcome(rows_allowed[i].call, &nothing);
		const char *why = exempt(rows_allowed[i].name);
		char name[80];

		snprintf(name, sizeof(name), "allowed: %s", rows_allowed[i].name);
		if (why) {
			skip(name, why);
			continue;
		}
		result(code == 0, name, outcome_text(code));
	}
}

static void check_refused(void)
{
	for (int i = 0; rows_refused[i].name; i++) {
		int outside = outcome(rows_refused[i].call, NULL), inside;
		const char *why = exempt(rows_refused[i].name);
		char name[80];

		snprintf(name, sizeof(name), "refused: %s", rows_refused[i].name);
		if (why) {
			skip(name, why);
			continue;
		}
		if (outside == EPERM) {
			skip(name, "this kernel refuses it to everybody, or to us");
			continue;
		}
		if (rows_refused[i].sanitizer && SANITIZED) {
			skip(name, "this build's sanitizer needs it");
			continue;
		}
		inside = outcome(rows_refused[i].call, &nothing);
		result(inside == EPERM, name, outcome_text(inside));
	}
	result(outcome(row_clone3, &nothing) == ENOSYS,
	       "clone3: as if the kernel had none", "so libraries use clone");
}

/* ---- the process itself ------------------------------------------------------------ */

/* A container has some for all that is in it. */
static int own_filters;

/* A line of /proc/self/status, after its name. */
static const char *status_of(const char *name)
{
	static char line[256];
	FILE *f = fopen("/proc/self/status", "re");
	size_t len = strlen(name);
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = strncmp(line, name, len) == 0 && line[len] == ':';
	if (f)
		fclose(f);
	line[strcspn(line, "\n")] = '\0';
	return found ? line + len + 1 + strspn(line + len + 1, " \t") : "";
}

/* 0, or which of them is wrong. */
static int look_at_rights(void)
{
	static const char *const caps[] = { "CapInh", "CapPrm", "CapEff", "CapAmb" };

	if (strcmp(status_of("NoNewPrivs"), "1") != 0)
		return 1;
	if (strcmp(status_of("Seccomp"), "2") != 0)
		return 2;
	for (int i = 0; i < ARRAY_LEN(caps); i++)
		if (strtoull(status_of(caps[i]), NULL, 16) != 0)
			return 3 + i;
	return strstr(sandbox_text(), "no capabilities") &&
		       strstr(sandbox_text(), "seccomp") ? 0 : 10;
}

static int rights(void)
{
	errno = look_at_rights();
	return errno ? -1 : 0;
}

static int rights_after_root(void)
{
	gid_t groups[4];

	errno = look_at_rights();
	if (errno == 0 && strtoull(status_of("CapBnd"), NULL, 16) != 0)
		errno = 20;
	else if (errno == 0 && (getuid() != NOBODY || geteuid() != NOBODY))
		errno = 21;
	else if (errno == 0 && (getgid() == 0 || getegid() == 0))
		errno = 22;
	else if (errno == 0 && (getgroups(4, groups) != 1 || groups[0] != getgid()))
		errno = 23;
	else if (errno == 0 && prctl(PR_GET_DUMPABLE) != 0)
		errno = 24;
	return errno ? -1 : 0;
}

/* The same program, executed in the sandbox. */
static int again(const char *user)
{
	char self[] = "/proc/self/exe", word[] = "again", name[32];
	char *args[] = { self, word, name, NULL };

	snprintf(name, sizeof(name), "%s", user);
	execv(self, args);
	return -1;
}

static int again_as_before(void)
{
	return again("");
}

static int again_as_that_user(void)
{
	return again("nobody");
}

/* A server that is upgraded for years adds no filter each time. */
static int main_again(const char *user)
{
	struct sandbox_wish wish = { .user = user[0] ? user : NULL };
	int filters = atoi(status_of("Seccomp_filters"));

	for (int i = 0; i < 300; i++)
		if (sandbox_enter(&wish) < 0)
			return 30;
	if (atoi(status_of("Seccomp_filters")) != filters)
		return 31;
	if (!sandbox_calls_filtered())
		return 32;
	if (!user[0])
		return look_at_rights();
	return rights_after_root() < 0 ? errno : 0;
}

/* From here on as a user without rights; in a process of its own. */
static int plain(call_fn *call, const struct sandbox_wish *wish)
{
	pid_t child = -1;
	int status = 0;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		if (geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
			_exit(DIED);
		_exit(outcome(call, wish));
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : DIED;
}

static int other_user_is_refused(void)
{
	const struct sandbox_wish root = { .user = "root" };

	return row_ok(sandbox_enter(&root) == -BELL_EPERM &&
		     strstr(bell_detail(), "start as root"));
}

static int unknown_user_is_refused(void)
{
	const struct sandbox_wish none = { .user = "no-such-user-here" };
	const struct sandbox_wish group = { .group = "no-such-group-here" };

	return row_ok(sandbox_enter(&none) == -BELL_EINVAL &&
		     strstr(bell_detail(), "no-such-user-here") &&
		     sandbox_enter(&group) == -BELL_EINVAL &&
		     strstr(bell_detail(), "no-such-group-here"));
}

static int without_the_filter(void)
{
	return row_ok(atoi(status_of("Seccomp_filters")) == own_filters &&
		     strcmp(status_of("NoNewPrivs"), "1") == 0 &&
		     !strstr(sandbox_text(), "seccomp"));
}

static int ids(void)
{
	const struct sandbox_wish root = { .user = "0" };
	const struct sandbox_wish both = { .user = "root", .group = "12345" };
	uid_t uid = 1;
	gid_t gid = 1;

	if (sandbox_ids(&nothing, &uid, &gid) < 0 || uid != geteuid() ||
	    gid != getegid())
		return row_ok(false);
	if (sandbox_ids(&root, &uid, &gid) < 0 || uid != 0 || gid != 0)
		return row_ok(false);
	return row_ok(sandbox_ids(&both, &uid, &gid) == 0 && gid == 12345);
}

static void check_code(const char *name, int code)
{
	char text[80];

	snprintf(text, sizeof(text), "%d: %s", code, outcome_text(code));
	result(code == 0, name, text);
}

static void check_process(void)
{
	static const struct sandbox_wish off = { .off = true };

	check_code("a plain user's rights", plain(rights, &nothing));
	check_code("executed again by a plain user", plain(again_as_before, &nothing));
	check_code("a plain user becomes no other",
		   plain(other_user_is_refused, NULL));
	check_code("no such user or group", outcome(unknown_user_is_refused, NULL));
	check_code("switched off", outcome(without_the_filter, &off));
	check_code("whose it would be", outcome(ids, NULL));
	check_code("rights, user unchanged", outcome(rights, &nothing));
	check_code("executed again, user unchanged",
		   outcome(again_as_before, &nothing));
}

static void check_as_root(void)
{
	static const struct sandbox_wish nobody = { .user = "nobody" };

	if (geteuid() != 0) {
		skip("rights after root's", "needs root");
		skip("executed again after root's", "needs root");
		return;
	}
	check_code("rights after root's", outcome(rights_after_root, &nobody));
	check_code("executed again after root's",
		   outcome(again_as_that_user, &nobody));
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "again") == 0)
		return main_again(argv[2]);
	if (!HAVE_SANDBOX) {
		puts("1..0 # SKIP built without libcap-ng and libseccomp");
		return EXIT_SUCCESS;
	}
	own_filters = atoi(status_of("Seccomp_filters"));
	check_allowed();
	check_refused();
	check_process();
	check_as_root();
	printf("1..%d\n", cases);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
