/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll.h - poll() for what the conformance suite has: handles, to be readable
 */
#ifndef BELL_POSIX_POLL_H
#define BELL_POSIX_POLL_H

#include <windows.h>

#define POLLIN 1
#define POLL_MAX 8 /* handles at once */

struct pollfd {
	HANDLE fd;
	short events, revents;
};

/* Which of them are set; waiting for one of them takes nothing from it. */
static inline int poll_look(struct pollfd *p, unsigned n)
{
	int count = 0;

	for (unsigned i = 0; i < n; i++) {
		p[i].revents = WaitForSingleObject(p[i].fd, 0) == WAIT_OBJECT_0 ? POLLIN : 0;
		count += p[i].revents != 0;
	}
	return count;
}

static inline int poll(struct pollfd *p, unsigned n, int timeout_ms)
{
	DWORD ms = timeout_ms < 0 ? INFINITE : (DWORD)timeout_ms;
	HANDLE handles[POLL_MAX];

	if (n == 0)
		Sleep(ms);
	if (n == 0 || n > POLL_MAX)
		return n == 0 ? 0 : -1;
	for (unsigned i = 0; i < n; i++)
		handles[i] = p[i].fd;
	if (WaitForMultipleObjects(n, handles, FALSE, ms) == WAIT_FAILED)
		return -1;
	return poll_look(p, n);
}

#endif
