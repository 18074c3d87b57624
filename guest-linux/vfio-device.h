/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfio-device.h - a PCI device in this process's hands, through vfio-pci
 *
 * Knows vfio, not ivshmem. See the kernel's Documentation/driver-api/vfio.rst
 * and linux/vfio.h.
 */
#ifndef BELL_VFIO_DEVICE_H
#define BELL_VFIO_DEVICE_H

#include "pci.h"

#include <stdbool.h>
#include <stddef.h>

struct vfio_device {
	char name[PCI_NAME_SIZE];
	int container; /* by its group: this and */
	int group;     /* this; else -1 */
	int iommufd;   /* by its own file; else -1 */
	int fd;
};

struct vfio_region {
	uint64_t offset; /* in the device's fd, for pread() and pwrite() */
	size_t size;     /* bytes */
	bool mappable;
};

/* No descriptors: vfio_device_done() is safe from here on. */
void vfio_device_clear(struct vfio_device *dev);

/*
 * Opens it by its group, or where there is none by its own file (vfio-ways.h);
 * where the group stands in the way, the detail says which device it is.
 *   -BELL_EUNSUP no /dev/vfio, not bound, group not viable
 *   -BELL_EPERM  not root and no rights on the group; no interrupt remapping
 *   -BELL_EBUSY  another process has the group
 *   -BELL_ENOMEM, -BELL_EIO
 */
int vfio_device_open(struct vfio_device *dev, const struct pci_device *pci);

/*
 * Lets the device decode its memory and write interrupts. vfio-pci leaves bus
 * mastering off, and an MSI-X message is a write to memory.
 */
int vfio_device_enable(struct vfio_device *dev);

/* Looks up region index (a BAR's number). -BELL_EIO if there is none. */
int vfio_device_region(const struct vfio_device *dev, unsigned index,
		       struct vfio_region *out);

/* Interrupts of an index (VFIO_PCI_MSIX_IRQ_INDEX); 0 if it has none. */
unsigned vfio_device_irqs(const struct vfio_device *dev, unsigned index);

/*
 * Binds the first count interrupts of an index to eventfds, which stay the
 * caller's. Returns 0; a smaller count that the machine could give (nothing is
 * bound then); or -BELL_EIO, -BELL_ENOMEM.
 */
int vfio_device_set_irqs(const struct vfio_device *dev, unsigned index,
			 const int *eventfds, unsigned count);

void vfio_device_done(struct vfio_device *dev);

#endif
