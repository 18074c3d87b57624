/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * source.h - a file or standard input that a command on the bus reads
 */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include "session.h"

#include <stdio.h>

struct source {
	struct session *s; /* borrowed */
	const char *label; /* borrowed; of what it is for, in messages */
	const char *name;  /* borrowed; of the file, in messages */
	FILE *file;        /* owned, but not stdin; NULL: none */
};

/*
 * Opens the file path, "-": standard input. An enum cli_exit, failures told: so
 * an unreadable file is told before anything else is opened or waited for.
 */
int source_open(struct source *src, struct session *s, const char *label,
		const char *path);
/* All zero is fine. */
void source_close(struct source *src);

/*
 * What there is, 0 bytes at the end; waits if there is nothing yet. Meanwhile it
 * hears the bus's news, or a server would drop a peer that does not read them,
 * and messages to us are dropped. Only after session_join(), and not between
 * session_news_begin() and _end(). An enum cli_exit, failures told.
 */
int source_read(struct source *src, void *buf, size_t size, size_t *len);

#endif
