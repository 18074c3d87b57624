/* SPDX-License-Identifier: BSD-2-Clause */
#include "inherit.h"

#include "error.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

int inherit_add(struct inherit *in, const char *name, int *fd)
{
	if (in->count == in->room) {
		size_t room = in->room ? 2 * in->room : 64;
		struct inherited *fds = realloc(in->fds, room * sizeof(*fds));

		if (!fds) {
			fd_close(fd);
			return error_detail(BELL_ENOMEM,
					    "descriptors of a former server: out of memory");
		}
		in->fds = fds;
		in->room = room;
	}
	fcntl(*fd, F_SETFD, FD_CLOEXEC);
	snprintf(in->fds[in->count].name, sizeof(in->fds[0].name), "%s", name);
	in->fds[in->count++].fd = fd_take(fd);
	return 0;
}

static bool is_for_us(void)
{
	const char *pid = getenv("LISTEN_PID");

	return pid && strtol(pid, NULL, 10) == (long)getpid();
}

/* Takes the next name off the list; "" where there are fewer than descriptors. */
static void next_name(const char **names, char *out, size_t room)
{
	size_t len = *names ? strcspn(*names, ":") : 0;

	snprintf(out, room, "%.*s", (int)len, *names ? *names : "");
	if (*names)
		*names = (*names)[len] ? *names + len + 1 : NULL;
}

int inherit_from_environment(struct inherit *in)
{
	const char *count = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
	long n = count && is_for_us() ? strtol(count, NULL, 10) : 0;
	char name[sizeof(in->fds[0].name)];
	int rc = 0;

	for (int fd = FIRST_FD; fd < FIRST_FD + n && rc == 0; fd++) {
		int one = fd;

		next_name(&names, name, sizeof(name));
		if (fcntl(fd, F_GETFD) >= 0)
			rc = inherit_add(in, name, &one);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return rc;
}

int inherit_take(struct inherit *in, const char *name)
{
	for (size_t i = 0; i < in->count; i++)
		if (in->fds[i].fd >= 0 && strcmp(in->fds[i].name, name) == 0)
			return fd_take(&in->fds[i].fd);
	return -1;
}

static bool listens(int fd)
{
	int domain = 0, accepts = 0;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	       domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len) == 0 &&
	       accepts;
}

bool inherit_has_state(const struct inherit *in)
{
	for (size_t i = 0; i < in->count; i++)
		if (strcmp(in->fds[i].name, "state") == 0)
			return true;
	return false;
}

bool inherit_is_part(const char *name)
{
	static const char *const parts[] = { "state", "memory", "socket",
					     "control", "metrics" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strcmp(name, parts[i]) == 0)
			return true;
	return false;
}

int inherit_take_listener(struct inherit *in)
{
	for (size_t i = 0; i < in->count; i++)
		if (in->fds[i].fd >= 0 && !inherit_is_part(in->fds[i].name) &&
		    listens(in->fds[i].fd))
			return fd_take(&in->fds[i].fd);
	return -1;
}

bool inherit_number(const char *name, uint64_t *number)
{
	char *end;

	if (name[0] != 'p' || name[1] < '0' || name[1] > '9')
		return false;
	errno = 0;
	*number = strtoull(name + 1, &end, 10);
	return errno == 0 && *end == '\0' && *number <= INHERIT_NUMBERS;
}

void inherit_done(struct inherit *in)
{
	for (size_t i = 0; i < in->count; i++)
		fd_close(&in->fds[i].fd);
	free(in->fds);
	*in = (struct inherit){ 0 };
}
