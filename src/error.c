/* SPDX-License-Identifier: BSD-2-Clause */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char detail[1024];

const char *bell_strerror(int code)
{
	switch (code < 0 ? -code : code) {
	case 0:
		return "success";
#define X(name, number, text)                                                  \
	case number:                                                           \
		return text;
		BELL_ERRORS(X)
#undef X
	default:
		return "unknown error";
	}
}

const char *bell_detail(void)
{
	return detail;
}

int error_detail(int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	return -code;
}

int error_plain(int code)
{
	detail[0] = '\0';
	return -code;
}
