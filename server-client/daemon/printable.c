/* SPDX-License-Identifier: BSD-2-Clause */
#include "printable.h"

#include <stdio.h>
#include <string.h>

/* Of the form that a first byte promises: 1 to 4 bytes; 0: none begins so. */
static size_t promised(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* The second byte's range excludes long forms, surrogates and what is too high. */
static int is_second(unsigned char first, unsigned char second)
{
	unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 :
		       first == 0xc2 ? 0xa0 : 0x80; /* C1 controls are c2 80..9f */
	unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

	return second >= low && second <= high;
}

/* Bytes of the character at text that can be shown as it is; 0: it cannot. */
static size_t shown(const unsigned char *text)
{
	size_t len = promised(text[0]);

	if (text[0] < ' ' || text[0] == 0x7f)
		return 0;
	if (len > 1 && !is_second(text[0], text[1]))
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

void printable(const char *text, char *out, size_t room)
{
	while (*text) {
		size_t len = shown((const unsigned char *)text);
		size_t needed = len > 0 ? len : 4;

		if (needed >= room)
			break;
		if (len > 0)
			memcpy(out, text, len);
		else
			snprintf(out, room, "\\x%02x", (unsigned char)*text);
		text += len > 0 ? len : 1;
		out += needed;
		room -= needed;
	}
	*out = '\0';
}
