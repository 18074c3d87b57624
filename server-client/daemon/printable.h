/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * printable.h - text that others chose, made fit to be shown on one line
 */
#ifndef BELL_PRINTABLE_H
#define BELL_PRINTABLE_H

#include <stddef.h>

/*
 * Copies text to out, which has room bytes (1 at least) and is always ended by
 * a NUL. Control characters, and bytes that are not UTF-8, become "\x1b". What
 * does not fit is left out, never half a character.
 */
void printable(const char *text, char *out, size_t room);

#endif
