/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plain.h - the id of a guest on ivshmem-plain, whose IVPosition is 0 for all
 *
 * Made (identity.h) of the MachineGuid that Windows was installed with, the machine's
 * name, and the device's address.
 */
#ifndef BELL_PLAIN_H
#define BELL_PLAIN_H

#include <stdint.h>

/* device: its PCI address. */
uint32_t plain_id(const char *device);

#endif
