/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* O_PATH, AT_EMPTY_PATH */

#include "listener.h"

#include "error.h"
#include "fd.h"
#include "log.h"
#include "occupied.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128
#define LOCK_NS UINT64_C(3000000000)

/* linux/un.h, which cannot be included beside sys/un.h */
#ifndef SIOCUNIXFILE
#define SIOCUNIXFILE 0x89E0
#endif

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
					    "%s: another process holds a lock on this directory; "
					    "lslocks(8) tells which", dir);
		os_sleep_ms(10);
	}
	return 0;
}

/* With the sticky bit others can only add files, and ours is there already. */
static void warn_of_directory(int fd, const char *dir)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return;
	if ((st.st_mode & (S_IWOTH | S_ISVTX)) == S_IWOTH)
		log_info("%s: everybody may write to this directory: anybody can put "
			 "another socket in the place of ours", dir);
	else if (st.st_uid != 0 && st.st_uid != geteuid())
		log_info("%s: this directory is user %lu's, who can put another "
			 "socket in the place of ours", dir,
			 (unsigned long)st.st_uid);
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
	warn_of_directory(fd, dir);
	rc = lock_in_time(fd, dir);
	if (rc < 0)
		fd_close(&fd);
	else
		*lock = fd;
	return rc;
}

/*
 * Not all that bind sockets take our lock, as QEMU's example server, and looking
 * whether one is stale takes time. seen is held open, so its number is its own.
 */
static int unlink_same(const char *path, const struct stat *seen)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : failed(path, "lstat");
	if (st.st_dev != seen->st_dev || st.st_ino != seen->st_ino)
		return error_detail(BELL_EBUSY, "%s: another process has just made "
				    "this socket", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return failed(path, "unlink");
	return 0;
}

static int remove_if_stale(const char *path, int file)
{
	struct stat st;
	int rc;

	if (fstat(file, &st) < 0)
		return failed(path, "fstat");
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
	return unlink_same(path, &st);
}

/* Removes a socket that nobody listens on. */
static int remove_stale(const char *path)
{
	int file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), rc;

	if (file < 0)
		return errno == ENOENT ? 0 : failed(path, "open");
	rc = remove_if_stale(path, file);
	fd_close(&file);
	return rc;
}

/* ---- its file ------------------------------------------------------------------ */

/*
 * The file that sock was bound to, as an O_PATH descriptor: the very one by
 * unix(7)'s ioctl, which needs CAP_NET_ADMIN; else what has its name now.
 */
static int open_file_of(int sock, const char *path)
{
	int fd = ioctl(sock, SIOCUNIXFILE);

	if (fd < 0)
		return open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

/*
 * Who may write to the directory may have put a link to some precious file there
 * since bind(): root must not give that away.
 */
static bool looks_ours(const struct stat *st)
{
	return S_ISSOCK(st->st_mode) && st->st_nlink == 1 &&
	       st->st_uid == geteuid();
}

static bool is_at(const char *path, const struct stat *file)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_dev == file->st_dev &&
	       st.st_ino == file->st_ino;
}

static int give(int file, const struct listener_wish *wish)
{
	int err;

	if (wish->uid == (uid_t)-1 && wish->gid == (gid_t)-1)
		return 0;
	if (fchownat(file, "", wish->uid, wish->gid, AT_EMPTY_PATH) == 0)
		return 0;
	err = errno;
	return error_detail(from_errno(err),
			    "%s: giving it to user %ld, group %ld (-1: as it is): %s; "
			    "start as root, or as a member of that group",
			    wish->path, (long)(int)wish->uid, (long)(int)wish->gid,
			    strerror(err));
}

/* Notes the file as ours, and gives it the owner and group. */
static int claim_file(const struct listener_wish *wish, struct listener *l)
{
	int file = open_file_of(l->fd, wish->path), rc;
	struct stat st;

	if (file < 0)
		return failed(wish->path, "open");
	if (fstat(file, &st) < 0 || !looks_ours(&st) || !is_at(wish->path, &st))
		rc = error_detail(BELL_EBUSY,
				  "%s: another process has put something else there; "
				  "choose a directory that others cannot write to",
				  wish->path);
	else
		rc = ownfile_note(&l->file, wish->path);
	if (rc == 0)
		rc = give(file, wish);
	fd_close(&file);
	return rc;
}

/* ---- listening ------------------------------------------------------------------- */

static int open_socket(const struct listener_wish *wish, struct listener *l)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	mode_t before;
	int rc;

	memcpy(at.sun_path, wish->path, strlen(wish->path) + 1);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return failed(wish->path, "socket");
	before = umask(~wish->mode & 0777);
	rc = bind(l->fd, (const struct sockaddr *)&at, sizeof(at));
	umask(before);
	return rc < 0 ? failed(wish->path, "bind") : 0;
}

/* Nobody can connect before listen(), whatever the file's mode and owner are. */
static int bind_and_listen(const struct listener_wish *wish, struct listener *l)
{
	int rc = open_socket(wish, l);

	if (rc == 0)
		rc = claim_file(wish, l);
	if (rc < 0)
		return rc;
	return listen(l->fd, BACKLOG) < 0 ? failed(wish->path, "listen") : 0;
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
		rc = bind_and_listen(wish, &l);
	fd_close(&lock);
	if (rc < 0)
		listener_done(&l);
	else
		*out = l;
	return rc;
}

/* ---- from elsewhere -------------------------------------------------------------- */

static int option(int fd, int name)
{
	socklen_t len = sizeof(int);
	int value;

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

static int not_such(int fd)
{
	return error_detail(BELL_EINVAL,
			    "descriptor %d: not a listening UNIX stream socket; see "
			    "ListenStream= of its socket unit", fd);
}

/* The name that it was bound to; false if it is none of a file. */
static bool path_of(int fd, char *path, size_t room)
{
	struct sockaddr_un at;
	socklen_t len = sizeof(at);

	memset(&at, 0, sizeof(at));
	if (getsockname(fd, (struct sockaddr *)&at, &len) < 0 ||
	    at.sun_path[0] == '\0' || len > sizeof(at))
		return false;
	snprintf(path, room, "%.*s", (int)sizeof(at.sun_path), at.sun_path);
	return true;
}

static bool file_is_still(int fd, const char *path)
{
	struct stat st;
	bool still;
	int file = ioctl(fd, SIOCUNIXFILE);

	if (file < 0) /* what has that name is its own, or nobody's */
		return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
		       !occupied_by_another(path, fd);
	still = fstat(file, &st) == 0 && is_at(path, &st);
	fd_close(&file);
	return still;
}

int listener_adopt(int *fd, bool owns_file, struct listener *out)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	struct listener l = { .fd = -1 };
	int flags, rc = 0;

	if (option(*fd, SO_ACCEPTCONN) != 1 || option(*fd, SO_DOMAIN) != AF_UNIX ||
	    option(*fd, SO_TYPE) != SOCK_STREAM)
		return not_such(*fd);
	flags = fcntl(*fd, F_GETFL);
	if (flags < 0 || fcntl(*fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(*fd, F_SETFD, FD_CLOEXEC) < 0)
		return failed("listening socket", "fcntl");
	if (owns_file && path_of(*fd, path, sizeof(path)) &&
	    file_is_still(*fd, path))
		rc = ownfile_note(&l.file, path);
	if (rc < 0)
		return rc;
	l.fd = fd_take(fd);
	*out = l;
	return 0;
}

void listener_done(struct listener *l)
{
	ownfile_remove(&l->file);
	fd_close(&l->fd);
}
