/* SPDX-License-Identifier: BSD-2-Clause */
/* All checks of a Windows guest, in their order. */
#include "doctor-parts.h"

const struct doctor_check *const doctor_tables[] = {
	doctor_guest, doctor_ways, doctor_opening, doctor_opened, NULL,
};
