/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysfs-device.h - a PCI device's registers and memory, by its resource files
 *
 * See the kernel's Documentation/PCI/sysfs-pci.rst. Needs no driver; a driver
 * that holds the memory keeps others from mapping it where the kernel is built
 * with CONFIG_IO_STRICT_DEVMEM, as Debian's is.
 */
#ifndef BELL_SYSFS_DEVICE_H
#define BELL_SYSFS_DEVICE_H

#include "pci.h"

#include <stddef.h>

struct sysfs_device {
	char name[PCI_NAME_SIZE];
	int memory_fd;            /* open for writing; the device's */
	void *memory;             /* BAR 2 */
	size_t memory_size;       /* bytes */
	unsigned char *registers; /* BAR 0 */
	void *page;               /* the one in which BAR 0 lies */
};

/* Nothing open: sysfs_device_done() is safe from here on. */
void sysfs_device_clear(struct sysfs_device *dev);

/*
 * Opens and maps both, and lets the device decode its memory if it does not.
 *   -BELL_EPERM  not root and no rights on the files, or the kernel is locked down
 *   -BELL_EBUSY  a driver holds the memory
 *   -BELL_ENODEV it went meanwhile
 *   -BELL_EIO    a BAR has no address
 *   -BELL_ENOMEM
 */
int sysfs_device_open(struct sysfs_device *dev, const char *sysfs,
		      const struct pci_device *pci);

/* As far as that can be told without mapping anything; errors as above. */
int sysfs_device_check(const char *sysfs, const struct pci_device *pci);

void sysfs_device_done(struct sysfs_device *dev);

#endif
