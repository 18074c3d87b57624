/* SPDX-License-Identifier: BSD-2-Clause */
#include "address.h"

#include "bellring.h"
#include "error.h"

#include <stdlib.h>
#include <string.h>

#define ID_OPTION ",id="

/* The last one: a path may hold commas. NULL if there is none. */
static const char *find_option(const char *rest)
{
	const char *comma = strrchr(rest, ',');

	return comma && strncmp(comma, ID_OPTION, strlen(ID_OPTION)) == 0 ? comma : NULL;
}

static int parse_id(const char *text, int32_t *out)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long id = strtoul(text, NULL, 10);

	if (digits == 0 || digits > 5 || text[digits] || id > BELL_ID_DEVICE_MAX)
		return error_detail(BELL_EINVAL, "id=%s: not a peer id; 0 to %u are possible",
				    text, BELL_ID_DEVICE_MAX);
	*out = (int32_t)id;
	return 0;
}

int address_parse(const char *rest, struct address *out)
{
	const char *option = find_option(rest);
	size_t len = option ? (size_t)(option - rest) : strlen(rest);
	int32_t id = ADDRESS_NO_ID;
	int rc = 0;

	if (len >= sizeof(out->where))
		return error_detail(BELL_EINVAL, "an address of %zu bytes: too long; %zu are possible",
				    len, sizeof(out->where) - 1);
	if (option)
		rc = parse_id(option + strlen(ID_OPTION), &id);
	if (rc < 0)
		return rc;
	memcpy(out->where, rest, len);
	out->where[len] = '\0';
	out->id = id;
	return 0;
}

int address_without_id(const struct address *a)
{
	if (a->id == ADDRESS_NO_ID)
		return 0;
	return error_detail(BELL_EINVAL, "%s,id=%d: this device has an id of its own; leave id= out",
			    a->where, (int)a->id);
}
