/* SPDX-License-Identifier: BSD-2-Clause */
#include "background.h"

#include "fd.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* The parent waits at the other end for one byte. */
static int parent_fd = -1;

static int wait_for_daemon(int fd, pid_t child)
{
	int status;
	char byte;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return EXIT_SUCCESS;
	/* The daemon has said why; if it exited, with its status. */
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILURE;
	return WIFEXITED(status) && WEXITSTATUS(status) != 0 ?
		       WEXITSTATUS(status) : EXIT_FAILURE;
}

bool background_go(void)
{
	int fds[2];
	pid_t child;

	if (pipe(fds) < 0)
		return false;
	child = fork();
	if (child < 0) {
		fd_close(&fds[0]);
		fd_close(&fds[1]);
		return false;
	}
	if (child > 0) {
		fd_close(&fds[1]);
		exit(wait_for_daemon(fds[0], child));
	}
	fd_close(&fds[0]);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	parent_fd = fds[1];
	return setsid() >= 0;
}

void background_leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || chdir("/") < 0)
		log_error("going to the background: %s", strerror(errno));
	log_to_syslog();
	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		dup2(null, fd);
	if (null > 2)
		fd_close(&null);
}

void background_ready(void)
{
	if (parent_fd >= 0 && write(parent_fd, "\n", 1) < 0)
		log_error("telling that we are ready: %s", strerror(errno));
	fd_close(&parent_fd);
}
