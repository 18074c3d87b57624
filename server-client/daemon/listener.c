/* SPDX-License-Identifier: BSD-2-Clause */
#include "listener.h"

#include "error.h"
#include "fd.h"
#include "occupied.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128
#define LOCK_NS UINT64_C(3000000000)

static int failed(const char *path, const char *call)
{
	int err = errno;

	return error_detail(from_errno(err), "%s: %s: %s", path, call,
			    strerror(err));
}

/* Anybody who may read the directory can hold the lock, so not for ever. */
static int lock_in_time(int fd, const char *dir)
{
	uint64_t deadline = os_now_ns() + LOCK_NS;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return failed(dir, "flock");
		if (os_now_ns() >= deadline)
			return error_detail(BELL_EBUSY,
					    "%s: another process holds a lock on this directory",
					    dir);
		os_sleep_ms(10);
	}
	return 0;
}

/*
 * Two servers that start at once must not both find the same stale socket, and
 * one that is bound but does not listen yet looks stale. A lock on the
 * directory is held meanwhile; it leaves no file behind.
 */
static int lock_directory(const char *path, int *lock)
{
	char copy[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *dir;
	int fd, rc;

	snprintf(copy, sizeof(copy), "%s", path);
	dir = dirname(copy);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return failed(dir, "open");
	rc = lock_in_time(fd, dir);
	if (rc < 0)
		fd_close(&fd);
	else
		*lock = fd;
	return rc;
}

/* Removes a socket that nobody listens on. */
static int remove_stale(const char *path)
{
	struct stat st;
	int rc;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : failed(path, "lstat");
	if (!S_ISSOCK(st.st_mode))
		return error_detail(BELL_EEXIST,
				    "%s: exists and is not a socket; remove it or choose "
				    "another path (-S)", path);
	rc = occupied(path);
	if (rc > 0)
		return error_detail(BELL_EBUSY, "%s: a server listens there already",
				    path);
	if (rc < 0)
		return error_detail(-rc, "%s: exists; cannot tell whether a server "
				    "listens there; remove it if not", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return failed(path, "unlink");
	return 0;
}

static int bind_and_listen(const char *path, mode_t mode, struct listener *l)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	mode_t before;
	int rc;

	memcpy(at.sun_path, path, strlen(path) + 1);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return failed(path, "socket");
	/* By umask, so that it never is open to more than it should. */
	before = umask(~mode & 0777);
	rc = bind(l->fd, (const struct sockaddr *)&at, sizeof(at));
	umask(before);
	if (rc < 0)
		return failed(path, "bind");
	rc = ownfile_note(&l->file, path);
	if (rc < 0) {
		unlink(path);
		return rc;
	}
	return listen(l->fd, BACKLOG) < 0 ? failed(path, "listen") : 0;
}

int listener_new(const struct listener_wish *wish, struct listener *out)
{
	const char *path = wish->path;
	struct listener l = { .fd = -1 };
	int lock = -1, rc;

	if (path[0] == '\0' ||
	    strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return error_detail(BELL_EINVAL,
				    "socket '%s': path is empty or longer than 107 bytes",
				    path);
	rc = lock_directory(path, &lock);
	if (rc < 0)
		return rc;
	rc = remove_stale(path);
	if (rc == 0)
		rc = bind_and_listen(path, wish->mode, &l);
	fd_close(&lock);
	if (rc < 0)
		listener_done(&l);
	else
		*out = l;
	return rc;
}

void listener_done(struct listener *l)
{
	ownfile_remove(&l->file);
	fd_close(&l->fd);
}
