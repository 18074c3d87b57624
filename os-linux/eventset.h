/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eventset.h - many eventfds behind one pollable handle
 *
 * An epoll set. Eventfds are in it edge-triggered and are never read: each
 * signal makes the set readable again, one system call a wake-up is saved, and
 * it does not matter if another holder of the eventfd drains it (every host
 * client holds them all). See epoll(7), "Level-triggered and edge-triggered".
 */
#ifndef BELL_EVENTSET_H
#define BELL_EVENTSET_H

#include <stdint.h>

#define EVENTSET_VECTORS 256
/* Tags at and above this one are other descriptors, level-triggered. */
#define EVENTSET_OTHER 0x10000u

struct eventset {
	int epoll_fd;
	int vector_fd[EVENTSET_VECTORS]; /* owned; -1 where there is none */
};

/* All fds -1: eventset_done() is safe from here on. */
void eventset_clear(struct eventset *set);
/* Creates the epoll descriptor. 0, -BELL_ENOMEM or -BELL_EIO with a detail. */
int eventset_init(struct eventset *set);
/* Takes *fd (sets it to -1, also on failure) as this vector's eventfd. */
int eventset_add_vector(struct eventset *set, unsigned vector, int *fd);
/* Borrows fd under a tag >= EVENTSET_OTHER; readable or hung up is told. */
int eventset_add_other(struct eventset *set, uint32_t tag, int fd);
void eventset_remove_other(struct eventset *set, int fd);
/*
 * Waits (-1 for ever, 0 only looks) and puts up to max tags or vectors into
 * tags. Returns how many (0: timeout), -BELL_EINTR (a signal), or -BELL_EIO.
 */
int eventset_wait(struct eventset *set, int timeout_ms, uint32_t *tags, int max);
void eventset_done(struct eventset *set);

#endif
