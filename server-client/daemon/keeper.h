/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keeper.h - a process that does nothing but hold descriptors for a server
 *
 * Where no service manager holds them. It listens on a socket of its own, beside
 * the server's, for the next server: one at a time is connected. A server that
 * stops as it should ends its keeper; one that dies leaves it waiting.
 */
#ifndef BELL_KEEPER_H
#define BELL_KEEPER_H

#include "inherit.h"

#include <stddef.h>
#include <sys/types.h>

#define KEEPER_FDS 250u /* beside one message; SCM_MAX_FD is 253 in Linux */
#define KEEPER_END "KEEPEREND=1"

/*
 * A keeper's socket for a server's: that path and ".keep". 0, or -BELL_EINVAL
 * with a detail if that is too long.
 */
int keeper_path(const char *server_socket, char *out, size_t room);

/*
 * Looks for a keeper that waits there, and takes what it holds. 1: *sock is
 * connected to it, and all of it was added to *in. 0: there is none. Or
 *   -BELL_EBUSY another server is connected to it
 *   -BELL_EPERM it is not ours
 *   -BELL_ENOMEM also: more descriptors than this process may have
 *   -BELL_EIO
 * with a detail.
 */
int keeper_find(const char *path, int *sock, struct inherit *in);

/*
 * Starts a keeper, in a session and in a sandbox of its own, that listens there;
 * *sock gets a connection to it. It stays this user, to remove its socket. 0, or -BELL_EIO, -BELL_EPERM, -BELL_ENOMEM with a detail.
 */
int keeper_start(const char *path, bool no_sandbox, int *sock);

/* One message with up to KEEPER_FDS descriptors (borrowed). 0, or -1 with errno. */
int keeper_send(int sock, const char *text, const int *fds, size_t count);

#endif
