/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * region.h - a device by the name of the memory that it shows
 *
 * The name is in the memory itself (doc/layout.md), so that it takes a look into
 * its first page: through our module, or through sysfs.
 */
#ifndef BELL_REGION_H
#define BELL_REGION_H

#include "bellring.h"
#include "pci.h"

/*
 * Reads the name; "" if there is none.
 *   -BELL_EPERM not allowed to look
 *   -BELL_EBUSY a driver has the memory, and does not let others look
 *   -BELL_EIO
 * The details begin with the device's name.
 */
int region_name(const char *sysfs, const struct pci_device *dev,
		char name[BELL_REGION_MAX + 1]);

/*
 * Finds the device of the list whose region has that name.
 *   -BELL_ENODEV   none has
 *   -BELL_ENOTUNIQ several have
 *   as region_name() none has, but one could not be looked at
 * The details list what there is.
 */
int region_find(const char *sysfs, const char *name,
		const struct pci_device *list, int n, struct pci_device *out);

#endif
