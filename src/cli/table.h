/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.h - text in aligned columns
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include "format.h"

#include <stddef.h>
#include <stdio.h>

struct table {
	const char *align; /* one letter a column: l left, r right */
	char **cell;       /* owned, row by row */
	size_t count, room;
	bool failed;       /* out of memory: table_print() says so */
};

/* A table with as many columns as align has letters; borrows it. */
void table_init(struct table *t, const char *align);
/* The next cell, row by row. */
void table_add(struct table *t, const char *fmt, ...)
	CLI_PRINTF(2, 3);
/* Prints complete rows and empties the table. 0, or -BELL_ENOMEM. */
int table_print(struct table *t, FILE *file);
void table_done(struct table *t);

#endif
