/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vectors.h - the eventfds of one client, kept while anybody still has to get them
 */
#ifndef BELL_VECTORS_H
#define BELL_VECTORS_H

#include <stddef.h>

struct vectors {
	size_t refs;
	unsigned count;
	int fd[]; /* non-blocking, close-on-exec */
};

/* One reference is the caller's. 0, or -BELL_ENOMEM, -BELL_EIO with a detail. */
int vectors_new(unsigned count, struct vectors **out);
struct vectors *vectors_ref(struct vectors *v);
/* Gives a reference back; the last closes the eventfds. NULL is fine. */
void vectors_unref(struct vectors *v);

#endif
