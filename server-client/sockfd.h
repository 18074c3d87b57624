/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sockfd.h - a few bytes with at most one descriptor over a UNIX socket
 */
#ifndef BELL_SOCKFD_H
#define BELL_SOCKFD_H

#include <stddef.h>

/*
 * Sends len bytes with fd (borrowed; -1: none) beside the first. Never blocks,
 * raises no signal. Returns the number of bytes sent (> 0), or
 *   -BELL_EAGAIN the socket's buffer is full
 *   -BELL_EGONE  the other side is gone
 *   -BELL_ENOMEM the system has no room for now; try again later
 *   -BELL_EIO
 * with errno as sendmsg() left it.
 */
int sockfd_send(int sock, const void *data, size_t len, int fd);

/*
 * Receives up to len bytes. *fd gets the descriptor that came with them, or -1,
 * or PROTO_FD_LOST if this process could not take it; surplus ones are closed.
 * Never blocks. Returns the number of bytes, 0 at the end of the stream, or
 *   -BELL_EAGAIN nothing is there
 *   -BELL_EGONE  the connection was reset
 *   -BELL_EPROTO more than one descriptor came
 *   -BELL_ENOMEM, -BELL_EIO
 * with a detail, and *fd is -1 then.
 */
int sockfd_recv(int sock, void *data, size_t len, int *fd);

#endif
