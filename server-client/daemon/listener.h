/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listener.h - the server's socket: a stale one is replaced, a live one never
 */
#ifndef BELL_LISTENER_H
#define BELL_LISTENER_H

#include "ownfile.h"

#include <stdbool.h>

struct listener_wish {
	const char *path;
	mode_t mode;
	uid_t uid; /* the owner; (uid_t)-1: as it comes */
	gid_t gid; /* (gid_t)-1: as it comes */
};

struct listener {
	int fd; /* non-blocking, listening */
	struct ownfile file; /* path NULL: a file that is not ours, or none */
};

/*
 * Listens there. The socket has its mode, owner and group before anybody can
 * connect. A directory that others may write to is logged: they can put another
 * socket in this one's place at any time. Returns 0, or with a detail
 *   -BELL_EBUSY  a server listens there
 *   -BELL_EEXIST there is something that is not a socket
 *   -BELL_EPERM  also: may not give it that owner or group
 *   -BELL_EINVAL, -BELL_ENODEV, -BELL_ENOMEM, -BELL_EIO
 */
int listener_new(const struct listener_wish *wish, struct listener *out);

/*
 * Takes a listening UNIX stream socket that was opened elsewhere and leaves -1 in
 * *fd. owns_file: it is a former server's, and its file is ours to remove, unless
 * another socket is in its place by now; otherwise whoever passed it keeps the
 * file (as a service manager does). Returns 0, or with *fd left alone and a detail
 *   -BELL_EINVAL no such socket, -BELL_ENOMEM, -BELL_EIO
 */
int listener_adopt(int *fd, bool owns_file, struct listener *out);

/* Closes, and removes the socket if it is still ours. fd -1 is fine. */
void listener_done(struct listener *l);

#endif
