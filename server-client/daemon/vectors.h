/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vectors.h - the eventfds of one client
 */
#ifndef BELL_VECTORS_H
#define BELL_VECTORS_H

#include <stddef.h>
#include <stdint.h>

struct vectors {
	unsigned count;
	int fd[]; /* non-blocking, close-on-exec */
};

/* 0, or -BELL_ENOMEM, -BELL_EIO with a detail. */
int vectors_new(unsigned count, struct vectors **out);
/* Room for so many, all -1, for eventfds that exist. NULL: out of memory. */
struct vectors *vectors_empty(unsigned count);
void vectors_free(struct vectors *v); /* NULL is fine */

/*
 * A number that tells an eventfd from all others for as long as it exists, and is
 * the same in another process that holds it; 0 if the kernel does not say.
 * "eventfd-id" in /proc/PID/fdinfo/N: proc(5), since Linux 5.2.
 */
uint64_t vectors_ident(int fd);

#endif
