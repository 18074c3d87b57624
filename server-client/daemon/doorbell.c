/* SPDX-License-Identifier: BSD-2-Clause */
#include "doorbell.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_US 10000

static void wake(int number)
{
	(void)number;
}

static void set_timer(suseconds_t us)
{
	/* Again and again: the first may come before the write waits. */
	struct itimerval timer = { { 0, us }, { 0, us } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* A waiting write ends by a signal; the flag may be cleared again behind our back. */
static bool ring_in_time(int fd)
{
	struct sigaction action, before;
	const uint64_t one = 1;
	bool rung;
	int err;

	memset(&action, 0, sizeof(action));
	action.sa_handler = wake; /* without SA_RESTART */
	sigaction(SIGALRM, &action, &before);
	set_timer(PATIENCE_US);
	rung = write(fd, &one, sizeof(one)) == (ssize_t)sizeof(one);
	err = errno;
	set_timer(0);
	sigaction(SIGALRM, &before, NULL);
	errno = err;
	return rung;
}

bool doorbell_ring(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && !(flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	return ring_in_time(fd) || errno == EAGAIN;
}
