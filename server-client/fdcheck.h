/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdcheck.h - whether a descriptor from a server is what it has to be
 */
#ifndef BELL_FDCHECK_H
#define BELL_FDCHECK_H

#include <stddef.h>

/*
 * A file of at least a page; *size gets its size in bytes. 0, -BELL_EPROTO,
 * or what fstat() ran into, with a detail.
 */
int fdcheck_memory(int fd, size_t *size);

/* An eventfd; makes it non-blocking. Returns like fdcheck_memory(). */
int fdcheck_eventfd(int fd);

#endif
