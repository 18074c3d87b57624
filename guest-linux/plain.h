/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plain.h - the id of a guest on ivshmem-plain, whose IVPosition is 0 for all
 *
 * Nobody gives one, so it is a number made of what tells machines apart: its
 * UUID (which only root may read), /etc/machine-id, its name, and the device's
 * address. Two machines of a memory can come to the same one, by chance (one
 * pair in 49152) or because one is a copy of the other: then one has to be told
 * another id, by the address ("pci:00:03.0,id=40000").
 */
#ifndef BELL_PLAIN_H
#define BELL_PLAIN_H

#include <stdint.h>

#define PLAIN_ID_MIN 16384u /* those below are the host's: os-linux/file.c */

/*
 * PLAIN_ID_MIN..65535. root: a folder in place of "/", for tests; "" is none.
 * device: its PCI address.
 */
uint32_t plain_id(const char *root, const char *device);

#endif
