/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devices.c - the ivshmem devices of this machine, for whoever wants to choose
 */
#include "device.h"

#include "driver.h"
#include "error.h"

#include <stdio.h>
#include <stdlib.h>

/* Asked of the driver, which tells it anybody. */
static uint64_t size_of(const struct device *dev)
{
	uint64_t size = 0;
	HANDLE handle;

	if (!dev->path[0] || driver_open(dev->path, dev->name, &handle) < 0)
		return 0;
	(void)driver_size(handle, dev->name, &size);
	CloseHandle(handle);
	return size;
}

static void tell(const struct device *dev, struct bell_device_info *info)
{
	*info = (struct bell_device_info){ .memory = size_of(dev), .doorbell = -1 };
	snprintf(info->address, sizeof(info->address), "pci:%s", dev->name);
	snprintf(info->driver, sizeof(info->driver), "%s", dev->driver);
	if (dev->msix != DEVICE_MSIX_UNKNOWN)
		info->doorbell = dev->msix == DEVICE_MSIX_YES;
	info->name_error = device_region(dev, info->name);
	if (!dev->path[0])
		return;
	info->mapping = BELL_MAPPING_CACHED;
	snprintf(info->mapping_from, sizeof(info->mapping_from), "asked of the driver");
}

int bell_devices(struct bell_device_info *list, size_t max)
{
	struct device *found = calloc(DEVICES_MAX, sizeof(*found));
	int n;

	if (!found)
		return error_detail(BELL_ENOMEM, "listing devices");
	n = device_list(found, DEVICES_MAX);
	for (int i = 0; i < n && (size_t)i < max; i++)
		tell(&found[i], &list[i]);
	free(found);
	return n;
}

int bell_bind(const char *address, const char *port, void (*say)(void *arg, const char *line),
	      void *arg)
{
	(void)address, (void)port, (void)say, (void)arg;
	return error_detail(BELL_EUNSUP,
			    "Windows binds devices to drivers by itself: install virtio-win's ivshmem driver: pnputil /add-driver ivshmem.inf /install");
}
