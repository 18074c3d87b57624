/* SPDX-License-Identifier: BSD-2-Clause */
/* A vfio device by its own file: bound to an iommufd, in an address space of it. */
#include "vfio-ways.h"

#include "error.h"
#include "vfio-uapi.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The folder vfio-dev of a bound device holds the name of its file. */
bool vfio_cdev_find(const char *sysfs, const char *folder, const char *device,
		    char path[VFIO_PATH_MAX])
{
	char names[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *dir;
	int n;

	snprintf(names, sizeof(names), "%s/bus/pci/devices/%s/vfio-dev", sysfs, device);
	dir = opendir(names);
	while (dir && !found && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "vfio", 4) != 0)
			continue;
		n = snprintf(path, VFIO_PATH_MAX, "%s/devices/%s", folder, entry->d_name);
		found = n > 0 && n < VFIO_PATH_MAX && access(path, F_OK) == 0;
	}
	if (dir)
		closedir(dir);
	return found;
}

static int open_iommufd(struct vfio_device *dev, const char *path)
{
	dev->iommufd = open(path, O_RDWR | O_CLOEXEC);
	if (dev->iommufd >= 0)
		return 0;
	if (errno == ENOENT || errno == ENODEV)
		return error_detail(BELL_EUNSUP, "%s: %s: %s; run: modprobe iommufd",
				    dev->name, path, strerror(errno));
	return vfio_file_failed(dev, path);
}

static int bind_device(struct vfio_device *dev)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind),
						 .iommufd = dev->iommufd };

	if (ioctl(dev->fd, VFIO_DEVICE_BIND_IOMMUFD, &bind) == 0)
		return 0;
	/* iommufd_device_bind(): no device without interrupt remapping. */
	if (errno == EPERM)
		return vfio_no_remapping(dev);
	if (errno == EBUSY)
		return vfio_file_failed(dev, "its file");
	return vfio_device_failed(dev, "VFIO_DEVICE_BIND_IOMMUFD");
}

/* An empty one: the device reads and writes no memory but to interrupt. */
static int attach(struct vfio_device *dev)
{
	struct vfio_ioas_alloc space = { .size = sizeof(space) };
	struct vfio_device_attach_iommufd_pt to = { .argsz = sizeof(to) };

	if (ioctl(dev->iommufd, VFIO_IOAS_ALLOC, &space) < 0)
		return vfio_device_failed(dev, "IOMMU_IOAS_ALLOC");
	to.pt_id = space.out_ioas_id;
	if (ioctl(dev->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &to) < 0)
		return vfio_device_failed(dev, "VFIO_DEVICE_ATTACH_IOMMUFD_PT");
	return 0;
}

int vfio_cdev_open(struct vfio_device *dev, const char *iommufd, const char *path)
{
	int rc = open_iommufd(dev, iommufd);

	if (rc < 0)
		return rc;
	dev->fd = open(path, O_RDWR | O_CLOEXEC);
	if (dev->fd < 0)
		return vfio_file_failed(dev, path);
	rc = bind_device(dev);
	return rc < 0 ? rc : attach(dev);
}
