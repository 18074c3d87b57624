/* SPDX-License-Identifier: BSD-2-Clause */
#include "long-path.h"
#include "win.h"

#include <errno.h>
#include <stdlib.h>

/* Relative ones may be short, and long with the folder that they are in. */
static wchar_t *full_path(const wchar_t *path)
{
	DWORD room = GetFullPathNameW(path, 0, NULL, NULL), len;
	wchar_t *full = room ? malloc(room * sizeof(*full)) : NULL;

	if (!room)
		win_set_errno(GetLastError());
	if (!full)
		return NULL;
	len = GetFullPathNameW(path, room, full, NULL);
	if (len > 0 && len < room)
		return full;
	/* Another thread changed the folder; there is none. */
	free(full);
	errno = EIO;
	return NULL;
}

wchar_t *win_path(const char *utf8)
{
	wchar_t *path = win_wide(utf8), *full = NULL, *result = NULL;

	if (path)
		full = full_path(path);
	if (full)
		result = malloc((wcslen(full) + LONG_PATH_ROOM) * sizeof(*result));
	if (result)
		long_path(full, result);
	free(full);
	free(path);
	return result;
}
