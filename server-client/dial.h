/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dial.h - connecting to a UNIX socket, with every cause of failure told apart
 */
#ifndef BELL_DIAL_H
#define BELL_DIAL_H

#include <stdint.h>

/*
 * Connects until deadline_ns (os_now_ns()). Gives *sock, close-on-exec.
 * Returns 0, or -BELL_EINVAL (path empty or too long), -BELL_ENODEV (nobody
 * listens there), -BELL_EPERM, -BELL_EAGAIN (not accepted in time),
 * -BELL_ENOMEM, -BELL_EIO; the detail does not repeat the path, and
 * errno is as connect() left it if that failed.
 */
int dial(const char *path, uint64_t deadline_ns, int *sock);

#endif
