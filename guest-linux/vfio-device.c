/* SPDX-License-Identifier: BSD-2-Clause */
#include "vfio-device.h"

#include "error.h"
#include "fd.h"
#include "vfio-ways.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void vfio_device_clear(struct vfio_device *dev)
{
	memset(dev, 0, sizeof(*dev));
	dev->container = dev->group = dev->iommufd = dev->fd = -1;
}

int vfio_device_failed(const struct vfio_device *dev, const char *what)
{
	return error_detail(from_errno(errno), "%s: %s: %s", dev->name, what,
			    strerror(errno));
}

int vfio_file_failed(const struct vfio_device *dev, const char *path)
{
	switch (errno) {
	case ENOENT:
		return error_detail(BELL_EUNSUP,
				    "%s: %s is missing; run: bellring bind",
				    dev->name, path);
	case EACCES:
	case EPERM:
		return error_detail(BELL_EPERM,
				    "%s: %s: %s; run as root, or give your user rights on that file",
				    dev->name, path, strerror(errno));
	case EBUSY:
		return error_detail(BELL_EBUSY,
				    "%s: %s: another process has the device open",
				    dev->name, path);
	default:
		return vfio_device_failed(dev, path);
	}
}

int vfio_no_remapping(const struct vfio_device *dev)
{
	return error_detail(BELL_EPERM,
			    "%s: the IOMMU does not remap interrupts; " PCI_IOMMU_REMEDY,
			    dev->name);
}

/* ---- opening ------------------------------------------------------------- */

/*
 * A kernel may have both ways. The group is tried first: every kernel with vfio
 * had that for long. One built without groups has the device's own file only.
 */
int vfio_device_open(struct vfio_device *dev, const struct pci_device *pci)
{
	char path[VFIO_PATH_MAX];

	snprintf(dev->name, sizeof(dev->name), "%s", pci->name);
	if (vfio_group_find(VFIO_FOLDER, pci->iommu_group, path) == VFIO_GROUP_NONE &&
	    vfio_cdev_find(PCI_SYSFS, VFIO_FOLDER, pci->name, path))
		return vfio_cdev_open(dev, VFIO_IOMMUFD, path);
	return vfio_group_open(dev, VFIO_FOLDER, pci);
}

void vfio_device_done(struct vfio_device *dev)
{
	/* The container outlives its group, as the group does its device. */
	fd_close(&dev->fd);
	fd_close(&dev->group);
	fd_close(&dev->container);
	fd_close(&dev->iommufd);
}

/* ---- regions ------------------------------------------------------------- */

int vfio_device_region(const struct vfio_device *dev, unsigned index,
		       struct vfio_region *out)
{
	struct vfio_region_info info = { .argsz = sizeof(info),
					 .index = index };

	if (ioctl(dev->fd, VFIO_DEVICE_GET_REGION_INFO, &info) < 0)
		return vfio_device_failed(dev, "VFIO_DEVICE_GET_REGION_INFO");
	if (info.size == 0)
		return error_detail(BELL_EIO, "%s: has no region %u; did the firmware find room for it?",
				    dev->name, index);
	out->offset = info.offset;
	out->size = (size_t)info.size;
	out->mappable = (info.flags & VFIO_REGION_INFO_FLAG_MMAP) != 0;
	return 0;
}

int vfio_device_enable(struct vfio_device *dev)
{
	struct vfio_region config;
	uint16_t command;
	int rc;

	rc = vfio_device_region(dev, VFIO_PCI_CONFIG_REGION_INDEX, &config);
	if (rc < 0)
		return rc;
	if (pread(dev->fd, &command, sizeof(command),
		  (off_t)(config.offset + PCI_COMMAND)) != sizeof(command))
		return vfio_device_failed(dev, "reading COMMAND");
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	if (pwrite(dev->fd, &command, sizeof(command),
		   (off_t)(config.offset + PCI_COMMAND)) != sizeof(command))
		return vfio_device_failed(dev, "writing COMMAND");
	return 0;
}

/* ---- interrupts ---------------------------------------------------------- */

unsigned vfio_device_irqs(const struct vfio_device *dev, unsigned index)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };

	if (ioctl(dev->fd, VFIO_DEVICE_GET_IRQ_INFO, &info) < 0 ||
	    !(info.flags & VFIO_IRQ_INFO_EVENTFD))
		return 0;
	return info.count;
}

int vfio_device_set_irqs(const struct vfio_device *dev, unsigned index,
			 const int *eventfds, unsigned count)
{
	size_t bytes = sizeof(struct vfio_irq_set) + count * sizeof(int32_t);
	struct vfio_irq_set *set = calloc(1, bytes);
	int rc;

	if (!set)
		return error_detail(BELL_ENOMEM, "%s: %u interrupts", dev->name,
				    count);
	set->argsz = (uint32_t)bytes;
	set->flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	set->index = index;
	set->count = count;
	for (unsigned i = 0; i < count; i++) {
		int32_t fd = eventfds[i];

		memcpy(&set->data[i * sizeof(fd)], &fd, sizeof(fd));
	}
	/* A positive result is how many there could be: vfio_msi_enable(). */
	rc = ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, set);
	free(set);
	return rc < 0 ? vfio_device_failed(dev, "VFIO_DEVICE_SET_IRQS") : rc;
}
