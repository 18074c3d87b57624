/* SPDX-License-Identifier: BSD-2-Clause */
/* By which ports of the library the address could be opened, and why not by others. */
#include "doctor-parts.h"

#define WAYS 8

static void check_ports(struct doctor *d)
{
	static struct bell_way list[WAYS];
	int count = bell_ways(d->address, list, WAYS), i;
	bool taken = false;

	if (count < 0) {
		doctor_tell(d, DOCTOR_FAILURE, "%s", bell_detail());
		return;
	}
	for (i = 0; i < count && i < WAYS; i++) {
		if (list[i].error)
			doctor_tell(d, DOCTOR_OK, "not by %s: %s", list[i].port, list[i].why);
		else
			doctor_tell(d, DOCTOR_OK, taken ? "%s would do, too" :
				    "%s is the one to use", list[i].port);
		taken = taken || list[i].error == 0;
	}
}

const struct doctor_check doctor_ways[] = {
	{ "ports", DOCTOR_GUEST, false, check_ports },
	{ NULL, 0, false, NULL },
};
