/* SPDX-License-Identifier: BSD-2-Clause */
#include "doctor-parts.h"

#include <stdio.h>
#include <string.h>

#define DEVICES_MAX 64

/* A name has no colon: for an address no memory has to be looked into. */
const char *doctor_named_device(const char *name, char out[DOCTOR_DEVICE])
{
	static struct bell_device_info list[DEVICES_MAX];
	int count = *name && !strchr(name, ':') ? bell_devices(list, DEVICES_MAX) : 0, i;

	for (i = 0; i < count && i < DEVICES_MAX; i++) {
		if (strcmp(list[i].name, name) != 0)
			continue;
		snprintf(out, DOCTOR_DEVICE, "%s", strchr(list[i].address, ':') + 1);
		return out;
	}
	return name;
}

