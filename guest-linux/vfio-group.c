/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vfio device by its IOMMU group and a container.
 *
 * Without an IOMMU (CONFIG_VFIO_NOIOMMU, and the module's parameter
 * enable_unsafe_noiommu_mode) vfio makes up a group when it is bound, whose file
 * has another name and is for CAP_SYS_RAWIO only: vfio.rst, "VFIO_NOIOMMU".
 */
#include "vfio-ways.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum vfio_group_kind vfio_group_find(const char *folder, int group,
				     char path[VFIO_PATH_MAX])
{
	if (group >= 0) {
		snprintf(path, VFIO_PATH_MAX, "%s/noiommu-%d", folder, group);
		if (access(path, F_OK) == 0)
			return VFIO_GROUP_NOIOMMU;
	}
	snprintf(path, VFIO_PATH_MAX, "%s/%d", folder, group);
	return group >= 0 && access(path, F_OK) == 0 ? VFIO_GROUP_IOMMU : VFIO_GROUP_NONE;
}

static int open_container(struct vfio_device *dev, const char *folder)
{
	char path[VFIO_PATH_MAX];
	int version;

	snprintf(path, sizeof(path), "%s/vfio", folder);
	dev->container = open(path, O_RDWR | O_CLOEXEC);
	/* udev makes the node ahead of the module: ENODEV says that it is not there. */
	if (dev->container < 0 && (errno == ENOENT || errno == ENODEV))
		return error_detail(BELL_EUNSUP,
				    "%s: %s: %s; run: modprobe vfio-pci, or: bellring bind",
				    dev->name, path, strerror(errno));
	if (dev->container < 0)
		return vfio_file_failed(dev, path);
	version = ioctl(dev->container, VFIO_GET_API_VERSION);
	if (version != VFIO_API_VERSION)
		return error_detail(BELL_EUNSUP, "%s: vfio has interface %d, not %d",
				    dev->name, version, VFIO_API_VERSION);
	return 0;
}

static int check_iommu(const struct vfio_device *dev, int type)
{
	if (ioctl(dev->container, VFIO_CHECK_EXTENSION, type) == 1)
		return 0;
	return error_detail(BELL_EUNSUP, type == VFIO_NOIOMMU_IOMMU ?
			    "%s: vfio does without an IOMMU only if told so: echo 1 >/sys/module/vfio/parameters/enable_unsafe_noiommu_mode" :
			    "%s: vfio knows no IOMMU; run: modprobe vfio_iommu_type1",
			    dev->name);
}

static int open_group(struct vfio_device *dev, const char *path, int number)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	struct pci_device blocker;

	dev->group = open(path, O_RDWR | O_CLOEXEC);
	if (dev->group < 0)
		return vfio_file_failed(dev, path);
	if (ioctl(dev->group, VFIO_GROUP_GET_STATUS, &status) < 0)
		return vfio_device_failed(dev, "VFIO_GROUP_GET_STATUS");
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

static int join(struct vfio_device *dev, int type)
{
	if (ioctl(dev->group, VFIO_GROUP_SET_CONTAINER, &dev->container) < 0) {
		if (errno == EBUSY)
			return vfio_file_failed(dev, "its group");
		return vfio_device_failed(dev, "VFIO_GROUP_SET_CONTAINER");
	}
	if (ioctl(dev->container, VFIO_SET_IOMMU, type) == 0)
		return 0;
	/* vfio_iommu_type1.c: no group without interrupt remapping. */
	if (errno == EPERM && type == VFIO_TYPE1_IOMMU)
		return vfio_no_remapping(dev);
	return vfio_device_failed(dev, "VFIO_SET_IOMMU");
}

int vfio_group_open(struct vfio_device *dev, const char *folder,
		    const struct pci_device *pci)
{
	char path[VFIO_PATH_MAX];
	int type = VFIO_TYPE1_IOMMU, rc;

	if (vfio_group_find(folder, pci->iommu_group, path) == VFIO_GROUP_NOIOMMU)
		type = VFIO_NOIOMMU_IOMMU;
	rc = open_container(dev, folder);
	if (rc == 0)
		rc = check_iommu(dev, type);
	if (rc == 0)
		rc = open_group(dev, path, pci->iommu_group);
	if (rc == 0)
		rc = join(dev, type);
	if (rc < 0)
		return rc;
	/* vfio opens it close-on-exec: vfio_main.c, vfio_device_open_file(). */
	dev->fd = ioctl(dev->group, VFIO_GROUP_GET_DEVICE_FD, dev->name);
	return dev->fd < 0 ? vfio_device_failed(dev, "VFIO_GROUP_GET_DEVICE_FD") : 0;
}
