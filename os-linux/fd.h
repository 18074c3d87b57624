/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fd.h - ownership of descriptors, and errno in our codes
 */
#ifndef BELL_FD_H
#define BELL_FD_H

/* Gives the descriptor away: returns it and leaves -1 behind. */
int fd_take(int *fd);
/* Closes *fd if it is one, and leaves -1 behind. Keeps errno. */
void fd_close(int *fd);
/* Our code (positive BELL_E...) for an errno value; BELL_EIO for the rest. */
int from_errno(int err);

#endif
