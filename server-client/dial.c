/* SPDX-License-Identifier: BSD-2-Clause */
#include "dial.h"

#include "error.h"
#include "fd.h"
#include "os.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

static int fill_address(const char *path, struct sockaddr_un *to)
{
	size_t len = strlen(path);

	if (len == 0)
		return error_detail(BELL_EINVAL,
				    "no path; the address is unix:PATH");
	if (len >= sizeof(to->sun_path))
		return error_detail(BELL_EINVAL,
				    "path has %zu bytes, a socket's has %zu at most",
				    len, sizeof(to->sun_path) - 1);
	memset(to, 0, sizeof(*to));
	to->sun_family = AF_UNIX;
	memcpy(to->sun_path, path, len + 1);
	return 0;
}

/* connect() says "refused" both for a stale socket and for no socket at all. */
static int refused(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return error_detail(BELL_ENODEV, "connect: not a socket");
	return error_detail(BELL_ENODEV,
			    "connect: refused: the socket is left over from a server that is gone; "
			    "start bellring-server, which replaces it");
}

static int connect_failed(const char *path, int err)
{
	switch (err) {
	case ENOENT:
	case ENOTDIR:
		return error_detail(BELL_ENODEV,
				    "connect: no such file; is bellring-server running?");
	case ECONNREFUSED:
		return refused(path);
	case EACCES:
	case EPERM:
		return error_detail(BELL_EPERM,
				    "connect: permission denied; see the mode and owner of the "
				    "socket (bellring-server --mode)");
	case EPROTOTYPE:
		return error_detail(BELL_ENODEV,
				    "connect: not a stream socket; not an ivshmem server's");
	case EAGAIN:
	case EINPROGRESS:
		return error_detail(BELL_EAGAIN,
				    "connect: the server did not accept in time; "
				    "is it full (its --max-peers)?");
	default:
		return error_detail(from_errno(err), "connect: %s",
				    strerror(err));
	}
}

/*
 * A UNIX socket that does not block says EAGAIN when the backlog is full, and
 * poll() does not tell when that ends. A blocking connect() with SO_SNDTIMEO
 * waits for just that: socket(7).
 */
static int connect_until(int sock, const struct sockaddr_un *to,
			 uint64_t deadline_ns)
{
	int err, rc;

	for (;;) {
		uint64_t now = os_now_ns();
		uint64_t us = now < deadline_ns ? (deadline_ns - now) / 1000 : 0;
		struct timeval t = { .tv_sec = (time_t)(us / 1000000),
				     .tv_usec = (suseconds_t)(us % 1000000) };

		if (us == 0)
			t.tv_usec = 1; /* 0 would wait for ever */
		if (setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) < 0)
			return error_detail(from_errno(errno), "SO_SNDTIMEO: %s",
					    strerror(errno));
		if (connect(sock, (const struct sockaddr *)to, sizeof(*to)) == 0)
			return 0;
		if (errno != EINTR)
			break;
	}
	err = errno;
	rc = connect_failed(to->sun_path, err);
	errno = err;
	return rc;
}

int dial(const char *path, uint64_t deadline_ns, int *sock)
{
	struct sockaddr_un to;
	int fd, rc;

	rc = fill_address(path, &to);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_detail(from_errno(errno), "socket: %s",
				    strerror(errno));
	rc = connect_until(fd, &to, deadline_ns);
	if (rc < 0)
		fd_close(&fd);
	else
		*sock = fd_take(&fd);
	return rc;
}
