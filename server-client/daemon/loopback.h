/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loopback.h - listening on a TCP port that only this machine can reach
 */
#ifndef BELL_LOOPBACK_H
#define BELL_LOOPBACK_H

#include <stdbool.h>

#define LOOPBACK_TEXT 64

/*
 * Whether "127.0.0.1:PORT" or "[::1]:PORT" could be listened on; port 0 is any
 * that is free. 0, or -BELL_EINVAL with a detail that tells what is wrong.
 */
int loopback_check(const char *address);

/*
 * Listens there; text gets the address with its port. Gives *sock, non-blocking.
 * 0, or as loopback_check(), -BELL_EBUSY (the port is in use), -BELL_EPERM,
 * -BELL_ENOMEM, -BELL_EIO.
 */
int loopback_listen(const char *address, int *sock, char text[LOOPBACK_TEXT]);

/* Whether sock listens where that address says; port 0 there is any. */
bool loopback_is(const char *address, int sock);

#endif
