/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listener.h - the server's socket: a stale one is replaced, a live one never
 */
#ifndef BELL_LISTENER_H
#define BELL_LISTENER_H

#include "ownfile.h"

struct listener {
	int fd; /* non-blocking, listening */
	struct ownfile file;
};

/*
 * Listens on path with the given mode. Returns 0, or with a detail
 *   -BELL_EBUSY  a server listens there
 *   -BELL_EEXIST there is something that is not a socket
 *   -BELL_EINVAL, -BELL_EPERM, -BELL_ENODEV, -BELL_ENOMEM, -BELL_EIO
 */
int listener_new(const char *path, mode_t mode, struct listener *out);
/* Closes, and removes the socket if it is still ours. fd -1 is fine. */
void listener_done(struct listener *l);

#endif
