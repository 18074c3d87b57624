/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * number.h - which process of several that share a device this one is
 *
 * A number is held by an event that has its name, for all sessions of the machine:
 * it goes with its last handle, however the process ends.
 */
#ifndef BELL_NUMBER_H
#define BELL_NUMBER_H

#include <windows.h>

#include <stdbool.h>
#include <stdint.h>

/*
 * Takes the lowest free number of 0..last. device: its PCI address. The handle holds
 * it until CloseHandle().
 *   -BELL_EBUSY all are taken
 *   -BELL_EIO
 */
int number_take(const char *device, uint32_t last, uint32_t *out, HANDLE *holder);

/* Some process has that number; true, too, if it cannot be told. */
bool number_is_taken(const char *device, uint32_t number);

#endif
