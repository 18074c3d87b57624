/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * testing.h - what all C tests share
 */
#ifndef BELL_TESTING_H
#define BELL_TESTING_H

#include <check.h>

#define ARRAY_LEN(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* For helpers that also run outside of a test: says what failed, and aborts. */
#define must(condition)                                                        \
	((condition) ? (void)0 : must_failed(#condition, __FILE__, __LINE__))
void must_failed(const char *condition, const char *file, int line);

/* Runs the suite, prints TAP; returns main()'s exit status. */
int run_suite(Suite *suite);

/* Open descriptors of this process. */
int open_fds(void);

#endif
