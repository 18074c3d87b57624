/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asleep.h - whether another thread of this process sleeps
 */
#ifndef BELL_ASLEEP_H
#define BELL_ASLEEP_H

#include <stdbool.h>

/* The calling thread, for is_asleep(); never 0. */
int this_thread(void);

/* That thread waits in the operating system. */
bool is_asleep(int thread);

#endif
