/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfio-ways.h - the two ways to a vfio device, for vfio-device.c
 *
 * By its IOMMU group and a container (/dev/vfio/N, or /dev/vfio/noiommu-N where
 * the kernel was told to do without an IOMMU), and by its own file
 * (/dev/vfio/devices/vfioN with /dev/iommu, Linux 6.6 and CONFIG_VFIO_DEVICE_CDEV).
 * See the kernel's Documentation/driver-api/vfio.rst.
 */
#ifndef BELL_VFIO_WAYS_H
#define BELL_VFIO_WAYS_H

#include "vfio-device.h"

#define VFIO_FOLDER "/dev/vfio"
#define VFIO_IOMMUFD "/dev/iommu"
#define VFIO_PATH_MAX 64

enum vfio_group_kind {
	VFIO_GROUP_NONE = 0,
	VFIO_GROUP_IOMMU,
	VFIO_GROUP_NOIOMMU
};

/* Looks for the group's file below a folder; path gets it, also if there is none. */
enum vfio_group_kind vfio_group_find(const char *folder, int group,
				     char path[VFIO_PATH_MAX]);
/* Whether the device has a file of its own, and which, below a folder. */
bool vfio_cdev_find(const char *sysfs, const char *folder, const char *device,
		    char path[VFIO_PATH_MAX]);

/* Open dev->fd and what it stands on; errors as vfio_device_open(). */
int vfio_group_open(struct vfio_device *dev, const char *folder,
		    const struct pci_device *pci);
int vfio_cdev_open(struct vfio_device *dev, const char *iommufd, const char *path);

/* A call on the device failed: errno, with a detail that says which. */
int vfio_device_failed(const struct vfio_device *dev, const char *what);
/* The same for a file of the device; says what a user can do. */
int vfio_file_failed(const struct vfio_device *dev, const char *path);
/* -BELL_EPERM: vfio gives no device whose interrupts the IOMMU does not remap. */
int vfio_no_remapping(const struct vfio_device *dev);

#endif
