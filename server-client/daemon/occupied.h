/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * occupied.h - whether somebody listens on a UNIX socket, without disturbing it
 */
#ifndef BELL_OCCUPIED_H
#define BELL_OCCUPIED_H

#include <stdbool.h>

/*
 * Looks at the socket at path. Returns 1 if a server listens there, 0 if it
 * refuses to be connected to (so it is stale), or -BELL_EPERM, -BELL_ENOMEM,
 * -BELL_EIO, -BELL_EINVAL, with a detail, if that cannot be told. May take
 * some seconds.
 */
int occupied(const char *path);

/*
 * Whether a socket listens under that path that is not fd, a listening socket
 * that was bound to it. Also if the kernel's list does not tell.
 */
bool occupied_by_another(const char *path, int fd);

#endif
