/* SPDX-License-Identifier: BSD-2-Clause */
#include "vfio-device.h"

#include "error.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CONTAINER "/dev/vfio/vfio"

void vfio_device_clear(struct vfio_device *dev)
{
	memset(dev, 0, sizeof(*dev));
	dev->container = dev->group = dev->fd = -1;
}

static int failed(const struct vfio_device *dev, const char *what)
{
	return error_detail(from_errno(errno), "%s: %s: %s", dev->name, what,
			    strerror(errno));
}

/* ---- opening ------------------------------------------------------------- */

static int open_container(struct vfio_device *dev)
{
	int version;

	dev->container = open(CONTAINER, O_RDWR | O_CLOEXEC);
	/* udev makes the node ahead of the module: ENODEV says that it is not there. */
	if (dev->container < 0 && (errno == ENOENT || errno == ENODEV))
		return error_detail(BELL_EUNSUP,
				    "%s: " CONTAINER ": %s; run: modprobe vfio-pci, or: bellring bind",
				    dev->name, strerror(errno));
	if (dev->container < 0 && (errno == EACCES || errno == EPERM))
		return error_detail(BELL_EPERM, "%s: " CONTAINER ": %s; run as root",
				    dev->name, strerror(errno));
	if (dev->container < 0)
		return failed(dev, CONTAINER);
	version = ioctl(dev->container, VFIO_GET_API_VERSION);
	if (version != VFIO_API_VERSION)
		return error_detail(BELL_EUNSUP, "%s: vfio has interface %d, not %d",
				    dev->name, version, VFIO_API_VERSION);
	if (ioctl(dev->container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU) != 1)
		return error_detail(BELL_EUNSUP,
				    "%s: vfio knows no IOMMU; run: modprobe vfio_iommu_type1",
				    dev->name);
	return 0;
}

static int group_failed(const struct vfio_device *dev, const char *path)
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
		return failed(dev, path);
	}
}

static int open_group(struct vfio_device *dev, int number)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	struct pci_device blocker;
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%d", number);
	dev->group = open(path, O_RDWR | O_CLOEXEC);
	if (dev->group < 0)
		return group_failed(dev, path);
	if (ioctl(dev->group, VFIO_GROUP_GET_STATUS, &status) < 0)
		return failed(dev, "VFIO_GROUP_GET_STATUS");
	if (status.flags & VFIO_GROUP_FLAGS_VIABLE)
		return 0;
	if (!pci_group_blocker(PCI_SYSFS, number, &blocker))
		return error_detail(BELL_EUNSUP,
				    "%s: a device of its IOMMU group %d has another driver; unbind that one",
				    dev->name, number);
	return error_detail(BELL_EUNSUP,
			    "%s: %s (%s) is in its IOMMU group %d; unbind that one, or put the devices on other slots",
			    dev->name, blocker.name, blocker.driver, number);
}

static int join(struct vfio_device *dev)
{
	if (ioctl(dev->group, VFIO_GROUP_SET_CONTAINER, &dev->container) < 0) {
		if (errno == EBUSY)
			return group_failed(dev, "its group");
		return failed(dev, "VFIO_GROUP_SET_CONTAINER");
	}
	if (ioctl(dev->container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU) == 0)
		return 0;
	/* vfio_iommu_type1.c: no group without interrupt remapping. */
	if (errno == EPERM)
		return error_detail(BELL_EPERM,
				    "%s: the IOMMU does not remap interrupts; start QEMU with -M q35,kernel-irqchip=split -device intel-iommu,intremap=on",
				    dev->name);
	return failed(dev, "VFIO_SET_IOMMU");
}

int vfio_device_open(struct vfio_device *dev, const struct pci_device *pci)
{
	int rc;

	snprintf(dev->name, sizeof(dev->name), "%s", pci->name);
	rc = open_container(dev);
	if (rc == 0)
		rc = open_group(dev, pci->iommu_group);
	if (rc == 0)
		rc = join(dev);
	if (rc < 0)
		return rc;
	/* vfio opens it close-on-exec: vfio_main.c, vfio_device_open_file(). */
	dev->fd = ioctl(dev->group, VFIO_GROUP_GET_DEVICE_FD, dev->name);
	return dev->fd < 0 ? failed(dev, "VFIO_GROUP_GET_DEVICE_FD") : 0;
}

void vfio_device_done(struct vfio_device *dev)
{
	/* The container outlives its group, as the group does its device. */
	fd_close(&dev->fd);
	fd_close(&dev->group);
	fd_close(&dev->container);
}

/* ---- regions ------------------------------------------------------------- */

int vfio_device_region(const struct vfio_device *dev, unsigned index,
		       struct vfio_region *out)
{
	struct vfio_region_info info = { .argsz = sizeof(info),
					 .index = index };

	if (ioctl(dev->fd, VFIO_DEVICE_GET_REGION_INFO, &info) < 0)
		return failed(dev, "VFIO_DEVICE_GET_REGION_INFO");
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
		return failed(dev, "reading COMMAND");
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	if (pwrite(dev->fd, &command, sizeof(command),
		   (off_t)(config.offset + PCI_COMMAND)) != sizeof(command))
		return failed(dev, "writing COMMAND");
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
	return rc < 0 ? failed(dev, "VFIO_DEVICE_SET_IRQS") : rc;
}
