/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* pipe2() */
#include "modprobe.h"

#include "error.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Both of the child's outputs go to fd. Returns an errno value, or 0. */
static int spawn(const char *module, int fd, pid_t *pid)
{
	char *argv[] = { (char *)"modprobe", (char *)(uintptr_t)module, NULL };
	posix_spawn_file_actions_t actions;
	int err;

	err = posix_spawn_file_actions_init(&actions);
	if (err)
		return err;
	err = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null",
					       O_RDONLY, 0);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&actions, fd, 1);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&actions, fd, 2);
	/* A user's PATH may lack /sbin, where it is by the FHS. */
	if (!err)
		err = posix_spawn(pid, "/sbin/modprobe", &actions, NULL, argv,
				  environ);
	if (err == ENOENT)
		err = posix_spawnp(pid, "modprobe", &actions, NULL, argv,
				   environ);
	posix_spawn_file_actions_destroy(&actions);
	return err;
}

/* Keeps the first line that the child prints, and reads on until its end. */
static void collect(int fd, char *line, size_t size)
{
	char buf[256];
	size_t used = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		for (ssize_t i = 0; i < n && used < size - 1; i++)
			line[used++] = buf[i];
	}
	line[used] = '\0';
	line[strcspn(line, "\n")] = '\0';
}

static int reap(pid_t pid, int *status)
{
	pid_t got;

	do
		got = waitpid(pid, status, 0);
	while (got < 0 && errno == EINTR);
	return got == pid ? 0 : -BELL_EIO;
}

int modprobe(const char *module)
{
	char line[256] = "";
	int fds[2], status = 0, err;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_detail(from_errno(errno), "modprobe: pipe: %s",
				    strerror(errno));
	err = spawn(module, fds[1], &pid);
	fd_close(&fds[1]);
	if (!err)
		collect(fds[0], line, sizeof(line));
	fd_close(&fds[0]);
	if (err == ENOENT)
		return error_detail(BELL_EUNSUP,
				    "no modprobe on this system; load the module %s some other way",
				    module);
	if (err)
		return error_detail(from_errno(err), "modprobe %s: %s", module,
				    strerror(err));
	/* Who ignores SIGCHLD gets no status: then the caller's look decides. */
	if (reap(pid, &status) < 0 || status == 0)
		return 0;
	return error_detail(BELL_EUNSUP, "modprobe %s failed: %s", module,
			    line[0] ? line : "no reason given");
}
