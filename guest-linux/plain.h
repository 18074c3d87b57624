/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plain.h - the id of a guest on ivshmem-plain, whose IVPosition is 0 for all
 *
 * Made (identity.h) of its UUID, which only root may read, /etc/machine-id, its
 * name, and the device's address.
 */
#ifndef BELL_PLAIN_H
#define BELL_PLAIN_H

#include <stdint.h>

/*
 * IDENTITY_ID_MIN..65535. root: a folder in place of "/", for tests; "" is none.
 * device: its PCI address.
 */
uint32_t plain_id(const char *root, const char *device);

#endif
