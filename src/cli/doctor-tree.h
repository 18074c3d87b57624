/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor-tree.h - reading /proc, /sys, /etc and /dev below the doctor's root
 *
 * What is not there, or not ours to read, is empty text; nothing here fails.
 */
#ifndef CLI_DOCTOR_TREE_H
#define CLI_DOCTOR_TREE_H

#include "doctor.h"

#define TREE_PATH 512
#define TREE_TEXT 4096
#define TREE_NAME 64

/* Puts the root before a path. */
void tree_path(const struct doctor *d, char out[TREE_PATH], const char *fmt, ...)
	CLI_PRINTF(3, 4);

bool tree_exists(const struct doctor *d, const char *fmt, ...)
	CLI_PRINTF(2, 3);

/* The bytes of a file, up to size - 1, with a NUL behind; returns how many. */
size_t tree_read(const struct doctor *d, char *buf, size_t size, const char *fmt, ...)
	CLI_PRINTF(4, 5);

/* The first line of a file, without its newline. */
void tree_line(const struct doctor *d, char *buf, size_t size, const char *fmt, ...)
	CLI_PRINTF(4, 5);

/* Whether a text file has that word anywhere; however long the file is. */
bool tree_has(const struct doctor *d, const char *path, const char *word);

/* The last part of what a link points to; "" if it is none. */
void tree_link(const struct doctor *d, char *buf, size_t size, const char *fmt, ...)
	CLI_PRINTF(4, 5);

/* Calls fn for each name in a directory but those that begin with a dot. */
void tree_each(struct doctor *d, const char *path,
	       void (*fn)(struct doctor *d, const char *name, void *arg), void *arg);

/* Whether this user may read and write that path, which the root is not put before. */
bool tree_usable(const char *path);

#endif
