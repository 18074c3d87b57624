/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listener.h - the server's socket: a stale one is replaced, a live one never
 */
#ifndef BELL_LISTENER_H
#define BELL_LISTENER_H

#include "ownfile.h"

struct listener_wish {
	const char *path;
	mode_t mode;
	uid_t uid; /* the owner; (uid_t)-1: as it comes */
	gid_t gid; /* (gid_t)-1: as it comes */
};

struct listener {
	int fd; /* non-blocking, listening */
	struct ownfile file;
};

/*
 * Listens there. Returns 0, or with a detail
 *   -BELL_EBUSY  a server listens there
 *   -BELL_EEXIST there is something that is not a socket
 *   -BELL_EINVAL, -BELL_EPERM, -BELL_ENODEV, -BELL_ENOMEM, -BELL_EIO
 */
int listener_new(const struct listener_wish *wish, struct listener *out);
/* Closes, and removes the socket if it is still ours. fd -1 is fine. */
void listener_done(struct listener *l);

#endif
