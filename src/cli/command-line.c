/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * By the rules of CommandLineToArgvW(): quotes keep blanks together; a backslash is
 * one, except before a quote, where two are one and the quote after an odd number is
 * itself. In UTF-8, as all that matters is ASCII.
 */
#include "command-line.h"

#include <stdlib.h>
#include <string.h>

static size_t backslashes(const char *text)
{
	return strspn(text, "\\");
}

static char *fill(char *to, char c, size_t count)
{
	memset(to, c, count);
	return to + count;
}

static char *put_quoted(char *to, const char *arg)
{
	size_t n;

	*to++ = '"';
	while (*arg) {
		n = backslashes(arg);
		arg += n;
		/* Before the quote at the end, or one inside, each is doubled. */
		to = fill(to, '\\', *arg == '\0' || *arg == '"' ? 2 * n : n);
		if (*arg == '"')
			*to++ = '\\';
		if (*arg)
			*to++ = *arg++;
	}
	*to++ = '"';
	return to;
}

static char *put(char *to, const char *arg)
{
	size_t len = strlen(arg);

	if (len == 0 || strpbrk(arg, " \t\n\v\""))
		return put_quoted(to, arg);
	memcpy(to, arg, len);
	return to + len;
}

char *command_line(char *const argv[])
{
	size_t room = 1, i;
	char *line, *to;

	/* At worst each character becomes two, between quotes and before a blank. */
	for (i = 0; argv[i]; i++)
		room += 2 * strlen(argv[i]) + 3;
	line = malloc(room);
	if (!line)
		return NULL;
	to = line;
	for (i = 0; argv[i]; i++) {
		if (i > 0)
			*to++ = ' ';
		to = put(to, argv[i]);
	}
	*to = '\0';
	return line;
}
