/* SPDX-License-Identifier: BSD-2-Clause */
#include "win.h"

#include <errno.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>

wchar_t *win_wide(const char *utf8)
{
	int len = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, utf8, -1, NULL, 0);
	wchar_t *wide;

	if (len <= 0) {
		errno = EILSEQ;
		return NULL;
	}
	wide = malloc((size_t)len * sizeof(*wide));
	if (wide)
		MultiByteToWideChar(CP_UTF8, 0, utf8, -1, wide, len);
	return wide;
}

char *win_utf8(const wchar_t *wide)
{
	int len = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
	char *utf8;

	if (len <= 0) {
		errno = EILSEQ;
		return NULL;
	}
	utf8 = malloc((size_t)len);
	if (utf8)
		WideCharToMultiByte(CP_UTF8, 0, wide, -1, utf8, len, NULL, NULL);
	return utf8;
}

const char *win_text(DWORD error)
{
	static char text[512];
	wchar_t wide[256];
	DWORD len;
	int n;

	len = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS,
			     NULL, error, 0, wide, ARRAYSIZE(wide), NULL);
	while (len > 0 && (wide[len - 1] <= L' ' || wide[len - 1] == L'.'))
		len--;
	n = WideCharToMultiByte(CP_UTF8, 0, wide, (int)len, text, sizeof(text) - 1, NULL,
				NULL);
	text[n] = '\0';
	if (n == 0)
		snprintf(text, sizeof(text), "Windows error %lu", (unsigned long)error);
	return text;
}

void win_set_errno(DWORD error)
{
	static const struct {
		DWORD error;
		int number;
	} table[] = {
		{ ERROR_FILE_NOT_FOUND, ENOENT }, { ERROR_PATH_NOT_FOUND, ENOENT },
		{ ERROR_ACCESS_DENIED, EACCES },  { ERROR_SHARING_VIOLATION, EACCES },
		{ ERROR_NOT_ENOUGH_MEMORY, ENOMEM }, { ERROR_DISK_FULL, ENOSPC },
		{ ERROR_HANDLE_DISK_FULL, ENOSPC },  { ERROR_BROKEN_PIPE, EPIPE },
		{ ERROR_NO_DATA, EPIPE },            { ERROR_INVALID_NAME, ENOENT },
	};
	size_t i;

	errno = EIO;
	for (i = 0; i < ARRAYSIZE(table); i++)
		if (table[i].error == error)
			errno = table[i].number;
}

HANDLE win_handle(FILE *file)
{
	return (HANDLE)_get_osfhandle(_fileno(file));
}

bool win_is_ready(FILE *file)
{
	static enum { UNKNOWN, READY, WAITS } input;

	if (file != stdin)
		return true;
	if (input == UNKNOWN)
		input = GetFileType(win_handle(file)) == FILE_TYPE_DISK ? READY : WAITS;
	return input == READY;
}

bool win_is_console(HANDLE handle)
{
	DWORD mode;

	return GetConsoleMode(handle, &mode) != 0;
}
