/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ownfile.h - a file that this process made, and removes if it is still its own
 */
#ifndef BELL_OWNFILE_H
#define BELL_OWNFILE_H

#include <sys/types.h>

struct ownfile {
	char *path; /* absolute; NULL: none */
	dev_t dev;
	ino_t ino;
	int fd; /* keeps the number ino from being used again; -1: something else does */
};

/*
 * Notes the file at path as ours. It must be in use until ownfile_remove(), as a
 * socket is that is bound to it. 0, or as from_errno(), with a detail.
 */
int ownfile_note(struct ownfile *f, const char *path);
/* Removes the file unless another one is in its place. All zero is fine. */
void ownfile_remove(struct ownfile *f);

/* Writes this process's id to path, with a newline, and notes the file. */
int ownfile_write_pid(struct ownfile *f, const char *path);

#endif
