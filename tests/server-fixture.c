/* SPDX-License-Identifier: BSD-2-Clause */
#include "server-fixture.h"

#include "testing.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_OPTIONS 16

static char folder[64], address[128], socket_path[96];
static pid_t server_pid;

static void run_server(int ready_fd, const char *const options[])
{
	const char *build = getenv("top_builddir");
	char program[512], fd[16];
	const char *argv[MAX_OPTIONS + 6] = { program, "-S", socket_path,
					      "--ready-fd", fd };
	int n = 5;

	int log = open(getenv("BELLRING_TEST_LOG") ? "/dev/stderr" : "/dev/null",
		       O_WRONLY);

	/* Its joins and leaves would drown what the test says. */
	dup2(log, STDERR_FILENO);
	close(log);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(program, sizeof(program), "%s/bellring-server",
		 build ? build : ".");
	snprintf(fd, sizeof(fd), "%d", ready_fd);
	for (int i = 0; options && options[i] && i < MAX_OPTIONS; i++)
		argv[n++] = options[i];
	execv(program, (char *const *)(uintptr_t)argv);
	perror(program);
	_exit(127);
}

const char *server_start(const char *const options[])
{
	int ready[2];
	char byte;

	strcpy(folder, "/tmp/bellring-test-XXXXXX");
	must(mkdtemp(folder) != NULL);
	snprintf(socket_path, sizeof(socket_path), "%s/socket", folder);
	snprintf(address, sizeof(address), "unix:%s", socket_path);
	must(pipe(ready) == 0);
	must(fcntl(ready[0], F_SETFD, FD_CLOEXEC) == 0);
	server_pid = fork();
	must(server_pid >= 0);
	if (server_pid == 0)
		run_server(ready[1], options);
	close(ready[1]);
	must(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	return address;
}

void server_stop(void)
{
	int status;

	must(kill(server_pid, SIGTERM) == 0);
	must(waitpid(server_pid, &status, 0) == server_pid);
	must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	must(rmdir(folder) == 0);
}
