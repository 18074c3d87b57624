/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * installer.h - puts devices for the stand-in driver into a Wine prefix
 *
 *	bellring-standin add INF NAME=VALUE... [-- NAME=VALUE...]...
 *	bellring-standin set DEVICE NAME=VALUE...
 *	bellring-standin remove DEVICE
 *	bellring-standin hold
 *
 * A group of NAME=VALUE is a device. Bus, Slot and Function are where it is on the
 * PCI bus; a Slot must be given. Msix=0 says that the device has no MSI-X. All
 * others go to its hardware key, where the driver finds them (standin.h, struct
 * modes; standin-modes.c: Socket, Memory, Vectors); a value of digits is a number.
 * DEVICE is a slot of bus 0. `set` takes effect before it returns, and an empty
 * value takes the name away. `hold` ends with its standard input: as long as a
 * program runs, Wine keeps the driver.
 *
 * Exit status: 0, or 1 with a line on standard error.
 */
#ifndef INSTALLER_H
#define INSTALLER_H

#include <windows.h>
#include <setupapi.h>

/* Prints "what: " and what Windows says of the last error; returns 1. */
int failed(const char *what);

/* One device of a set. */
struct entry {
	HDEVINFO set;
	SP_DEVINFO_DATA info;
};

/* What Windows says of a PCI function's place: bus, device, function, MSI-X. */
struct place {
	DWORD bus;
	DWORD slot;
	DWORD function;
	BOOL msix;
};

/* ---- installer-device.c ---- */

/* 0, or 1 once it has said why. */
int device_create(HDEVINFO set, const struct place *at, struct entry *out);
int device_find(DWORD slot, struct entry *out); /* out->set is the caller's */
int device_remove(struct entry *e);
HKEY device_key(struct entry *e); /* its hardware key, or INVALID_HANDLE_VALUE */

/* Opens the device and closes it, so that the driver reads its key. */
int device_touch(struct entry *e);

/* Forgets what the driver said of the device before. */
int device_renew(struct entry *e);

/* Waits until the driver has left word in the key; 1 unless that is "ready". */
int device_wait(struct entry *e);

#endif
