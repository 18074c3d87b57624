/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest-way.h - the device in a guest by each of the kernel's interfaces
 *
 *   module        our module: registers and memory mapped
 *   module-ioctl  the same, doorbells by a system call
 *   vfio          vfio-pci: registers mapped
 *   vfio-pwrite   the same, doorbells by a system call
 *   sysfs         resource0 and resource2, no driver
 *   sysfs-wc      the same with resource2_wc
 *   ram           no device: ordinary memory
 *
 * No port of the library lies between. What fails ends the program.
 */
#ifndef GUEST_WAY_H
#define GUEST_WAY_H

#include <stddef.h>
#include <stdint.h>

struct way {
	const char *name;
	char device[24];               /* "0000:00:03.0"; "" for ram */
	uint32_t id;                   /* own */
	volatile uint32_t *registers;  /* NULL: none, or by a system call */
	void (*ring)(const struct way *w, uint32_t peer, unsigned vector); /* or NULL */
	int fd;                        /* of the system call */
	uint64_t doorbell;             /* offset in fd for pwrite() */
	int event;                     /* eventfd of vector 0, blocking; -1: none */
	char *memory;
	size_t size;                   /* of memory, bytes */
	uint64_t at;                   /* physical address of memory; 0 for ram */
};

/* Opens it; it stays open until the program ends. */
void way_open(struct way *w, const char *name);

/* The kernel's word for how memory is mapped, while it is: "write-back". */
void way_type(const struct way *w, char *text, size_t size);

#endif
