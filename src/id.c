/* SPDX-License-Identifier: BSD-2-Clause */
#include "id.h"

#include "error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

bool id_is_number(const char *text)
{
	size_t n = strspn(text, DIGITS);

	if (n == 0 || text[n] == '\0')
		return n > 0;
	text += n + 1;
	n = strspn(text, DIGITS);
	return text[-1] == '.' && n > 0 && text[n] == '\0';
}

int id_parse(const char *text, uint32_t *id)
{
	const char *dot = strchr(text, '.');
	unsigned long device = strtoul(text, NULL, 10);
	unsigned long process = dot ? strtoul(dot + 1, NULL, 10) : 0;

	if (device > (dot ? BELL_ID_DEVICE_MAX : BELL_ID_MAX) ||
	    process > BELL_ID_PROCESS_MAX)
		return error_detail(BELL_EINVAL,
				    "peer id %s: 0 to %u are possible, and 0.0 to %u.%u for "
				    "processes of one machine", text, BELL_ID_DEVICE_MAX,
				    BELL_ID_DEVICE_MAX, BELL_ID_PROCESS_MAX);
	*id = (uint32_t)device | (uint32_t)process << 16;
	return 0;
}

const char *bell_id_text(uint32_t id, char buf[BELL_ID_TEXT])
{
	unsigned process = BELL_ID_PROCESS(id) & BELL_ID_PROCESS_MAX;

	if (process == 0)
		snprintf(buf, BELL_ID_TEXT, "%u", (unsigned)BELL_ID_DEVICE(id));
	else
		snprintf(buf, BELL_ID_TEXT, "%u.%u", (unsigned)BELL_ID_DEVICE(id), process);
	return buf;
}
