/* SPDX-License-Identifier: BSD-2-Clause */
#include "text.h"

#include <windows.h>

#define NO_SUCH_DEVICE 433u /* ERROR_NO_SUCH_DEVICE, which winerror.h lacks */

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Where the character begins that the byte at len belongs to: text may end there. */
static size_t cut(const char *text, size_t len)
{
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

char *text_from_wide(const wchar_t *wide, char *buf, size_t size)
{
	int room = size > INT_MAX ? INT_MAX : (int)size;
	char all[1024];
	int n;

	if (WideCharToMultiByte(CP_UTF8, 0, wide, -1, buf, room, NULL, NULL) > 0)
		return buf;
	buf[0] = '\0';
	n = WideCharToMultiByte(CP_UTF8, 0, wide, -1, all, (int)sizeof(all), NULL, NULL);
	if (n <= 0 || size == 0)
		return buf;
	size = cut(all, size - 1);
	memcpy(buf, all, size);
	buf[size] = '\0';
	return buf;
}

char *text_of_error(unsigned long error, char buf[TEXT_ERROR])
{
	wchar_t wide[TEXT_ERROR / 2];
	DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS;
	DWORD n = FormatMessageW(flags, NULL, error, 0, wide, TEXT_ERROR / 2, NULL);
	size_t len;

	while (n > 0 && (wide[n - 1] <= L' ' || wide[n - 1] == L'.'))
		n--;
	wide[n] = L'\0';
	text_from_wide(wide, buf, TEXT_ERROR - 32);
	len = strlen(buf);
	snprintf(buf + len, TEXT_ERROR - len, "%serror %lu", len ? ", " : "", error);
	return buf;
}

int text_error_code(unsigned long error)
{
	switch (error) {
	case ERROR_ACCESS_DENIED:
		return BELL_EPERM;
	case ERROR_NOT_ENOUGH_MEMORY:
	case ERROR_OUTOFMEMORY:
	case ERROR_COMMITMENT_LIMIT:
		return BELL_ENOMEM;
	case ERROR_FILE_NOT_FOUND:
	case ERROR_PATH_NOT_FOUND:
		return BELL_ENODEV;
	/* What Windows says of a device that was taken away while it was open. */
	case ERROR_BAD_COMMAND: /* STATUS_INVALID_DEVICE_STATE, of WDF's queues */
	case ERROR_DEVICE_REMOVED:
	case NO_SUCH_DEVICE:
	case ERROR_DEV_NOT_EXIST:
	case ERROR_DEVICE_NOT_CONNECTED:
		return BELL_EGONE;
	default:
		return BELL_EIO;
	}
}
