/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shm-guard.h - surviving that the memory is taken away
 *
 * Touching a page of a file that was cut short, or that its file system has no
 * room for, raises SIGBUS. A peer that dies of it is one peer less; the server
 * must go on. It then finds zeroes where the memory was: a bus that is wiped,
 * with which it can cope.
 */
#ifndef BELL_SHM_GUARD_H
#define BELL_SHM_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * From now on a SIGBUS within this mapping replaces all of it by private zeroes.
 * One mapping a process; any other SIGBUS ends the process as ever. 0, or
 * -BELL_EIO with a detail.
 */
int shm_guard(void *memory, size_t size);
void shm_unguard(void);

/* Whether that has happened. */
bool shm_guard_hit(void);

#endif
