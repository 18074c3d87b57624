/* SPDX-License-Identifier: BSD-2-Clause */
#include "long-path.h"

/* Of MAX_PATH a folder may have less, by room for a short name: CreateDirectory(). */
#define SHORT_MAX (260 - 12 - 1)

void long_path(const wchar_t *full, wchar_t *out)
{
	const wchar_t *prefix = L"";

	if (wcslen(full) > SHORT_MAX && wcsncmp(full, L"\\\\?\\", 4) != 0 &&
	    wcsncmp(full, L"\\\\.\\", 4) != 0) {
		prefix = L"\\\\?\\";
		if (wcsncmp(full, L"\\\\", 2) == 0) {
			prefix = L"\\\\?\\UNC\\";
			full += 2;
		}
	}
	wcscpy(out, prefix);
	wcscat(out, full);
}
