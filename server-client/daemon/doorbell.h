/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doorbell.h - ringing an eventfd that others hold too, without ever waiting
 *
 * O_NONBLOCK belongs to all holders of an eventfd: a peer can clear it and fill the
 * counter, and then a write(2) waits until somebody reads.
 */
#ifndef BELL_DOORBELL_H
#define BELL_DOORBELL_H

#include <stdbool.h>

/*
 * Rings; a counter that is full is a pending interrupt, and fine. Waits for some
 * milliseconds at most where a peer makes it wait. Uses SIGALRM and the interval
 * timer of the process. False with errno if that took effect, or it is no eventfd.
 */
bool doorbell_ring(int fd);

#endif
