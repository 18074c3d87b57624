/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * error.h - setting what bell_detail() tells
 */
#ifndef BELL_ERROR_H
#define BELL_ERROR_H

#include "bellring.h"

/* printf alone means Microsoft's to MinGW, which has no %zu. */
#if defined(__MINGW32__)
#define BELL_PRINTF(fmt, args) __attribute__((format(gnu_printf, fmt, args)))
#elif defined(__GNUC__)
#define BELL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define BELL_PRINTF(fmt, args)
#endif

/*
 * Sets this thread's detail and returns -code, so that a failure is one line:
 *     return error_detail(BELL_EPROTO, "%s: no memory fd", path);
 * The text says object, action, cause, remedy; no newline.
 */
int error_detail(int code, const char *fmt, ...) BELL_PRINTF(2, 3);

/* Empties the detail and returns -code. */
int error_plain(int code);

#endif
