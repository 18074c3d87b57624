/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdlimit.h - how many clients the limit of open files allows
 */
#ifndef BELL_FDLIMIT_H
#define BELL_FDLIMIT_H

#include <stddef.h>

/*
 * Raises the limit of open files as far as it goes; gives it. Before descriptors
 * come from somewhere: those beyond it are lost.
 */
size_t fdlimit_raise(void);

/*
 * Raises the limit likewise and gives the number of
 * clients for which that is enough, wished at most; without a wish (0) as many
 * as keep a QEMU alive that has the usual limit of 1,024. A client needs one
 * descriptor for its socket and one a vector. 0, or -BELL_ENOMEM if there
 * is no room even for one.
 */
int fdlimit_clients(unsigned vectors, size_t wished, size_t *max);

/*
 * So many messages may lie in the socket of each of that many clients. The kernel
 * allows a user as many descriptors that were sent and not read as open ones: with
 * less than that in each socket, those who do not read take nothing from others.
 */
unsigned fdlimit_unread(size_t clients);

#endif
