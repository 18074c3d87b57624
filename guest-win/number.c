/* SPDX-License-Identifier: BSD-2-Clause */
#include "number.h"

#include "text.h"

#include <stdio.h>

#define NAME 96

static void name_of(wchar_t name[NAME], const char *device, uint32_t number)
{
	/* A colon is a character like others there; only the backslash is not. */
	swprintf(name, NAME, L"Global\\bellring-%hs-%u", device, number);
}

int number_take(const char *device, uint32_t last, uint32_t *out, HANDLE *holder)
{
	char text[TEXT_ERROR];
	wchar_t name[NAME];

	for (uint32_t n = 0; n <= last; n++) {
		HANDLE event;
		DWORD error;

		name_of(name, device, n);
		event = CreateEventW(NULL, TRUE, FALSE, name);
		error = GetLastError();
		if (event && error != ERROR_ALREADY_EXISTS) {
			*holder = event;
			*out = n;
			return 0;
		}
		if (event)
			CloseHandle(event);
		/* Another user's; or something else has the name: whose, we cannot tell. */
		else if (error != ERROR_ACCESS_DENIED && error != ERROR_INVALID_HANDLE)
			return error_detail(text_error_code(error), "%s: taking a number: %s",
					    device, text_of_error(error, text));
	}
	return error_detail(BELL_EBUSY, "%s: %u processes have it open, and no more can",
			    device, last + 1);
}

bool number_is_taken(const char *device, uint32_t number)
{
	wchar_t name[NAME];
	HANDLE event;

	name_of(name, device, number);
	event = OpenEventW(SYNCHRONIZE, FALSE, name);
	if (!event)
		return GetLastError() != ERROR_FILE_NOT_FOUND;
	CloseHandle(event);
	return true;
}
