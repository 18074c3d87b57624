/* SPDX-License-Identifier: BSD-2-Clause */
/* The run's own bellring-server. */
#define _GNU_SOURCE
#include "speed.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 10000

/* Rings of 1 MiB for a crowd of 64 do not fit into 64 MiB. */
static _Noreturn void run(const char *program, const struct speed_server *s, int ready)
{
	int log = open(s->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char fd[16];

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)dup2(log, STDERR_FILENO);
	(void)fcntl(ready, F_SETFD, 0);
	snprintf(fd, sizeof(fd), "%d", ready);
	execl(program, program, "--socket", s->path, "--ready-fd", fd, "--size", "128M",
	      "--ring-size", "1M", "--links", "80", "--slots", "96", "--vectors", "1",
	      "--no-control", (char *)NULL);
	fprintf(stderr, "speed: %s: %s\n", program, strerror(errno));
	_exit(127);
}

/* What it said of itself, when it failed. */
static void print_log(const struct speed_server *server)
{
	FILE *log = fopen(server->log, "re");
	char line[512];

	while (log && fgets(line, sizeof(line), log))
		fputs(line, stderr);
	if (log)
		fclose(log);
}

static bool says_ready(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	return poll(&p, 1, PATIENCE_MS) > 0 && read(fd, &byte, 1) == 1;
}

int speed_server_start(struct speed_server *server, const char *program,
		       const char *folder)
{
	bool ready;
	int fd[2];

	snprintf(server->path, sizeof(server->path), "%s/socket", folder);
	snprintf(server->log, sizeof(server->log), "%s/log", folder);
	if (pipe2(fd, O_CLOEXEC) < 0)
		return -1;
	server->pid = fork();
	if (server->pid == 0)
		run(program, server, fd[1]);
	close(fd[1]);
	ready = server->pid > 0 && says_ready(fd[0]);
	close(fd[0]);
	if (ready)
		return 0;
	print_log(server);
	fprintf(stderr, "speed: %s did not become ready: build it, or name it by --server\n",
		program);
	speed_server_stop(server);
	return -1;
}

void speed_server_stop(struct speed_server *server)
{
	if (server->pid > 0 && kill(server->pid, SIGTERM) == 0)
		(void)waitpid(server->pid, NULL, 0);
	server->pid = 0;
	(void)unlink(server->log);
}
