/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill-at.c - runs a program, and kills it at one of its system calls
 *
 * usage: kill-at [-s] N PROGRAM [ARGUMENT]...
 *
 * Stops are counted, one before and one after each system call, from when it first
 * waits for events (epoll_wait) on, with -s from its start. At the N-th it is
 * killed by SIGKILL: before what the call would have done, or just after it. A
 * SIGTERM is passed on. Exits with 0 if it was killed so, else as the program does.
 */
#define _GNU_SOURCE /* __WALL */

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <linux/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child;

static void pass_on(int number)
{
	kill(child, number);
}

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(3);
}

static int wait_for_child(void)
{
	int status;

	while (waitpid(child, &status, __WALL) < 0)
		must(errno == EINTR, "waitpid");
	return status;
}

static void start(char **argv)
{
	struct sigaction action = { .sa_handler = pass_on,
				    .sa_flags = SA_RESTART };

	child = fork();
	must(child >= 0, "fork");
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execv(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	must(WIFSTOPPED(wait_for_child()), argv[0]);
	must(ptrace(PTRACE_SETOPTIONS, child, NULL,
		    (void *)(uintptr_t)(PTRACE_O_TRACESYSGOOD |
					PTRACE_O_EXITKILL)) == 0, "ptrace");
	must(sigaction(SIGTERM, &action, NULL) == 0, "sigaction");
}

/* Lets it go on to the next stop at a call; false: it has ended. */
static bool next_call(int *status)
{
	uintptr_t number = 0;

	for (;;) {
		must(ptrace(PTRACE_SYSCALL, child, NULL, (void *)number) == 0,
		     "ptrace");
		*status = wait_for_child();
		if (!WIFSTOPPED(*status))
			return false;
		if (WSTOPSIG(*status) == (SIGTRAP | 0x80))
			return true;
		number = WSTOPSIG(*status) == SIGTRAP ?
				 0 : (uintptr_t)WSTOPSIG(*status);
	}
}

static bool waits_for_events(void)
{
	struct ptrace_syscall_info info;

	must(ptrace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof(info),
		    &info) > 0, "ptrace");
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
#ifdef SYS_epoll_wait
	if (info.entry.nr == SYS_epoll_wait)
		return true;
#endif
	return info.entry.nr == SYS_epoll_pwait;
}

int main(int argc, char **argv)
{
	bool counting = argc > 1 && strcmp(argv[1], "-s") == 0;
	long left;
	int status;

	argv += counting;
	if (argc < 3 + counting) {
		fputs("usage: kill-at [-s] N PROGRAM [ARGUMENT]...\n", stderr);
		return 2;
	}
	left = strtol(argv[1], NULL, 10);
	start(argv + 2);
	while (next_call(&status)) {
		counting = counting || waits_for_events();
		if (!counting || --left > 0)
			continue;
		kill(child, SIGKILL);
		wait_for_child();
		return 0;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}
