/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Our own end does not wait; the command's does, as programs expect. */
static int make_pipe(int ends[2], int ours)
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -BELL_EIO;
	if (fcntl(ends[ours], F_SETFL, O_NONBLOCK) < 0)
		return -BELL_EIO;
	return 0;
}

/* Our environment behind env, which so comes first. NULL: out of memory. */
static char **join_env(char *const env[])
{
	size_t own = 0, more = 0;
	char **all;

	while (environ[own])
		own++;
	while (env[more])
		more++;
	all = calloc(own + more + 1, sizeof(*all));
	if (!all)
		return NULL;
	memcpy(all, env, more * sizeof(*all));
	memcpy(all + more, environ, own * sizeof(*all));
	return all;
}

/* Numbers below 3 were taken by nobody else: dup2() makes them to be kept. */
static int add_actions(posix_spawn_file_actions_t *actions, int ends[3][2])
{
	int rc = posix_spawn_file_actions_adddup2(actions, ends[0][0], 0);

	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(actions, ends[1][1], 1);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(actions, ends[2][1], 2);
	return rc;
}

/* What we ignore (SIGPIPE) or catch, it does not. */
static int set_attributes(posix_spawnattr_t *attr)
{
	sigset_t all, none;
	int rc;

	sigfillset(&all);
	sigemptyset(&none);
	rc = posix_spawnattr_setsigdefault(attr, &all);
	if (rc == 0)
		rc = posix_spawnattr_setsigmask(attr, &none);
	if (rc == 0)
		rc = posix_spawnattr_setpgroup(attr, 0);
	if (rc == 0)
		rc = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP |
					      POSIX_SPAWN_SETSIGDEF |
					      POSIX_SPAWN_SETSIGMASK);
	return rc;
}

static int spawn(pid_t *pid, char *const argv[], char **env, int ends[3][2])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int rc = posix_spawn_file_actions_init(&actions);

	if (rc != 0)
		return rc;
	rc = posix_spawnattr_init(&attr);
	if (rc == 0) {
		rc = add_actions(&actions, ends);
		if (rc == 0)
			rc = set_attributes(&attr);
		if (rc == 0)
			rc = posix_spawnp(pid, argv[0], &actions, &attr, argv, env);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static int take_end(int *fd)
{
	int value = *fd;

	*fd = -1;
	return value;
}

int process_start(struct process *p, char *const argv[], char *const env[])
{
	int ends[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	char **all = join_env(env);
	pid_t pid = 0;
	int i, rc = 0, failed = all ? 0 : ENOMEM;

	for (i = 0; i < 3 && !failed; i++)
		if (make_pipe(ends[i], i == 0 ? 1 : 0) < 0)
			failed = errno;
	if (!failed)
		failed = spawn(&pid, argv, all, ends);
	if (!failed)
		*p = (struct process){ .in = take_end(&ends[0][1]),
				       .out = take_end(&ends[1][0]),
				       .err = take_end(&ends[2][0]),
				       .id = pid };
	else
		rc = -BELL_EIO;
	for (i = 0; i < 3; i++) {
		net_close(&ends[i][0]);
		net_close(&ends[i][1]);
	}
	free(all);
	errno = failed;
	return rc;
}

void process_kill(const struct process *p)
{
	if (p->id > 0)
		(void)kill((pid_t)-p->id, SIGKILL);
}

/* -N: by signal N. */
static int status_of(int wait_status)
{
	return WIFSIGNALED(wait_status) ? -WTERMSIG(wait_status) :
					  WEXITSTATUS(wait_status);
}

static int reap(struct process *p, int *status, int flags)
{
	int wait_status = 0;
	pid_t pid;

	do
		pid = waitpid((pid_t)p->id, &wait_status, flags);
	while (pid < 0 && errno == EINTR);
	if (pid == 0)
		return 0;
	p->id = 0;
	/* Somebody else's wait took it? Nobody waits here but us. */
	*status = pid < 0 ? 1 : status_of(wait_status);
	return 1;
}

int process_ended(struct process *p, int *status)
{
	return reap(p, status, WNOHANG);
}

const char *process_status(int status, char buf[PROCESS_STATUS])
{
	if (status < 0)
		snprintf(buf, PROCESS_STATUS, "killed by signal %d", -status);
	else
		snprintf(buf, PROCESS_STATUS, "exit status %d", status);
	return buf;
}

void process_done(struct process *p)
{
	int status;

	if (p->id > 0) {
		process_kill(p);
		(void)reap(p, &status, 0);
	}
	net_close(&p->in);
	net_close(&p->out);
	net_close(&p->err);
}
