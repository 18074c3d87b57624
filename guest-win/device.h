/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.h - the ivshmem devices of this machine, as Windows lists them
 */
#ifndef BELL_DEVICE_H
#define BELL_DEVICE_H

#include "bellring.h"
#include "pci-name.h"

#include <windows.h>

/* So long another one may have a device's memory only to read its name. */
#define DEVICE_BUSY_MS 200u
#define DEVICES_MAX 64 /* more in one machine are not looked at */
#define DEVICE_PATH 512
#define DEVICE_INSTANCE 200 /* MAX_DEVICE_ID_LEN */

enum device_msix {
	DEVICE_MSIX_UNKNOWN = 0,
	DEVICE_MSIX_NO, /* ivshmem-plain */
	DEVICE_MSIX_YES /* ivshmem-doorbell */
};

struct device {
	char name[PCI_NAME_SIZE];  /* "0000:00:05.0", of its bus and slot */
	wchar_t instance[DEVICE_INSTANCE]; /* Windows' own name of it */
	wchar_t path[DEVICE_PATH]; /* of the driver's interface; "": no driver serves it */
	char driver[64];           /* its service; "" if it has none */
	char version[32];          /* of the driver; "" if unknown */
	unsigned problem;          /* CM_PROB_..., as Device Manager shows it; 0: none */
	enum device_msix msix;
};

/*
 * Lists up to max devices with PCI\VEN_1AF4&DEV_1110, sorted by name. Returns how
 * many are in list, or -BELL_EIO.
 */
int device_list(struct device *list, int max);

/*
 * Finds the device of an address, or with the name of its region, or with "" the
 * only one that there is; one that no driver serves is found, too.
 *   -BELL_EINVAL   neither an address nor a name
 *   -BELL_ENODEV   no such device
 *   -BELL_ENOTUNIQ "" or the name fits several
 *   -BELL_EBUSY    none has the name, but one's could not be read
 *   -BELL_ENOMEM, -BELL_EIO
 * The details list what there is.
 */
int device_find(const char *address, struct device *out);

/* 0 if a driver of ours serves it; else -BELL_EUNSUP with the remedy. */
int device_check(const struct device *dev);

/*
 * The name of its region, "" if there is none: maps the memory for a moment, if
 * nobody else has it. Errors as driver.h.
 */
int device_region(const struct device *dev, char name[BELL_REGION_MAX + 1]);

#endif
