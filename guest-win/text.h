/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text.h - Windows' UTF-16 and our UTF-8, and its errors as ours
 */
#ifndef BELL_TEXT_H
#define BELL_TEXT_H

#include "error.h"

#include <stddef.h>
#include <wchar.h>

/*
 * Always terminated; what does not fit is cut between characters. Returns buf.
 */
char *text_from_wide(const wchar_t *wide, char *buf, size_t size);

#define TEXT_ERROR 256

/* Text of a GetLastError() code, without newline, with its number; returns buf. */
char *text_of_error(unsigned long error, char buf[TEXT_ERROR]);

/* The BELL_E... that is nearest to a GetLastError() code; BELL_EIO if none is. */
int text_error_code(unsigned long error);

#endif
