/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MinGW's printf() gives a stream one byte after the other; where that is a console
 * or has no buffer, each byte would be a write of its own, and a character of several
 * bytes would be none to a console. So the linker (--wrap) leads all of printf()'s
 * family here, where a text is made first and written at once.
 */
#include "format.h"
#include "win.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SHORT 1024

/* The linker's name for it. */
int __wrap___mingw_vfprintf(FILE *file, const char *fmt, va_list args) CLI_PRINTF(2, 0);

int __wrap___mingw_vfprintf(FILE *file, const char *fmt, va_list args)
{
	char some[SHORT], *text = some;
	va_list again;
	int len;

	va_copy(again, args);
	len = vsnprintf(some, sizeof(some), fmt, args);
	if (len >= SHORT) {
		text = malloc((size_t)len + 1);
		if (text)
			(void)vsnprintf(text, (size_t)len + 1, fmt, again);
	}
	va_end(again);
	if (len > 0 && (!text || fwrite(text, 1, (size_t)len, file) != (size_t)len))
		len = -1;
	if (text != some)
		free(text);
	console_show(file);
	return len;
}
