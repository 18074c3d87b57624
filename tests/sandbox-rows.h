/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox-rows.h - calls that a process in the server's sandbox may do, or not
 */
#ifndef BELL_SANDBOX_ROWS_H
#define BELL_SANDBOX_ROWS_H

#include <stdbool.h>

/* 0, or -1 and errno. */
typedef int call_fn(void);

struct row {
	const char *name; /* NULL: the end */
	call_fn *call;
	bool sanitizer;   /* the programs of a sanitizer may do it */
};

extern const struct row rows_allowed[];
extern const struct row rows_refused[];

/* Refused in a way of its own. */
call_fn row_clone3;

/* 0 if the condition holds, or -1 and an errno. */
int row_ok(bool condition);

#endif
