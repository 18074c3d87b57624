/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* close_range, O_PATH */

#include "upgrade.h"

#include "error.h"
#include "fd.h"
#include "log.h"
#include "serverd.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HANDOVER "BELLRING_HANDOVER" /* "STATE KEEPER", descriptors; -1: none */
#define CHECK_SECONDS 10
#define MAX_ARGUMENTS 256

static struct {
	char **argv;
	char path[PATH_MAX]; /* of the program's file */
	int folder;          /* paths in argv may be relative to it */
} started = { .folder = -1 };

void upgrade_remember(char **argv)
{
	ssize_t n = readlink("/proc/self/exe", started.path,
			     sizeof(started.path) - 1);

	started.argv = argv;
	started.path[n < 0 ? 0 : n] = '\0';
	started.folder = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

bool upgrade_is_one(void)
{
	return getenv(HANDOVER) != NULL;
}

void upgrade_inherit(struct inherit *in, struct store *store)
{
	const char *text = getenv(HANDOVER);
	int state = -1, keeper = -1;

	if (!text || sscanf(text, "%d %d", &state, &keeper) < 1)
		return;
	unsetenv(HANDOVER);
	if (keeper >= 0) {
		fcntl(keeper, F_SETFD, FD_CLOEXEC);
		store_keeper(store, &keeper);
	}
	if (server_resume(&state, in) == 0)
		return;
	log_error("%s; starting afresh: the peers of before are lost",
		  bell_detail());
	inherit_done(in);
	store_done(store);
	/* Its peers shall see that it is gone. */
	close_range(3, ~0u, 0);
	started.folder = -1;
}

/* ---- the new program ---- */

/*
 * The arguments of the start, the socket's path (once, however many upgrades there
 * were), and one more if it is not NULL. out has room for MAX_ARGUMENTS.
 */
static void arguments(char **out, const char *socket_path, const char *last)
{
	size_t n = 0;

	while (started.argv[n] && n < MAX_ARGUMENTS - 4) {
		out[n] = started.argv[n];
		n++;
	}
	if (n < 3 || strcmp(out[n - 2], "--socket") != 0 ||
	    strcmp(out[n - 1], socket_path) != 0) {
		out[n++] = (char *)(uintptr_t)"--socket";
		out[n++] = (char *)(uintptr_t)socket_path;
	}
	out[n++] = (char *)(uintptr_t)last;
	out[n] = NULL;
}

static void exec_check(const char *socket_path)
{
	char *argv[MAX_ARGUMENTS];

	arguments(argv, socket_path, "--check");
	/* It may print the settings, and one that hangs must not hang us. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	alarm(CHECK_SECONDS);
	execv(started.path, argv);
	_exit(127);
}

static bool would_start(const char *socket_path)
{
	pid_t child = fork();
	int status;

	if (child < 0) {
		log_error("upgrade: fork: %s", strerror(errno));
		return false;
	}
	if (child == 0)
		exec_check(socket_path);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	log_error("upgrade: %s --check failed (%s %d); going on as before",
		  started.path, WIFEXITED(status) ? "exit status" : "signal",
		  WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return false;
}

static void become(const char *socket_path, int state, int keeper)
{
	char *argv[MAX_ARGUMENTS], text[32];

	snprintf(text, sizeof(text), "%d %d", state, keeper);
	if (setenv(HANDOVER, text, 1) < 0)
		return;
	if (keeper >= 0)
		fcntl(keeper, F_SETFD, 0);
	arguments(argv, socket_path, NULL);
	execv(started.path, argv);
	log_error("upgrade: %s: %s; going on as before", started.path,
		  strerror(errno));
	unsetenv(HANDOVER);
	if (keeper >= 0)
		fcntl(keeper, F_SETFD, FD_CLOEXEC);
}

void upgrade_go(struct server *server, const struct store *store,
		const char *socket_path)
{
	int keeper = store->kind == STORE_KEEPER ? store->sock : -1;
	int here, state;

	if (started.path[0] == '\0') {
		log_error("upgrade: where this program's file is cannot be told");
		return;
	}
	here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (started.folder >= 0 && fchdir(started.folder) < 0)
		log_debug("upgrade: the folder of the start: %s", strerror(errno));
	if (would_start(socket_path)) {
		state = server_prepare_exec(server);
		if (state < 0)
			log_error("upgrade: %s; going on as before", bell_detail());
		else
			become(socket_path, state, keeper);
		server_keep_on(server);
	}
	if (here >= 0 && fchdir(here) < 0)
		log_debug("upgrade: back to our folder: %s", strerror(errno));
	fd_close(&here);
}
