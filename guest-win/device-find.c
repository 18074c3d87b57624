/* SPDX-License-Identifier: BSD-2-Clause */
/* A device by address, or by the name in its memory. */
#include "device.h"

#include "driver.h"
#include "error.h"
#include "layout.h"
#include "os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 5u

int device_region(const struct device *dev, char name[BELL_REGION_MAX + 1])
{
	struct driver_mmap map;
	HANDLE handle;
	int rc = device_check(dev);

	if (rc == 0)
		rc = driver_open(dev->path, dev->name, &handle);
	if (rc < 0)
		return rc;
	rc = driver_map(handle, dev->name, &map);
	if (rc == 0 && map.size >= LAYOUT_ALIGN)
		layout_read_name(map.memory, name);
	else if (rc == 0)
		name[0] = '\0';
	CloseHandle(handle); /* the mapping goes, too */
	return rc;
}

/* "0000:00:05.0 (web), 0000:00:06.0 (no name), 0000:00:07.0 (name unknown: in use)" */
struct names {
	char text[1024];
	size_t used;
	int unknown; /* the last reason why one could not be read */
};

static void add(struct names *names, const char *device, const char *what)
{
	int n = snprintf(names->text + names->used, sizeof(names->text) - names->used,
			 "%s%s (%s)", names->used ? ", " : "", device, what);

	names->used += n > 0 ? (size_t)n : 0;
	if (names->used >= sizeof(names->text))
		names->used = sizeof(names->text) - 1;
}

static bool has_name(const struct device *dev, const char *wanted, struct names *names)
{
	char its[BELL_REGION_MAX + 1] = "", what[96];
	int rc = device_region(dev, its);

	if (rc < 0) {
		snprintf(what, sizeof(what), "name unknown: %s", bell_strerror(rc));
		if (names->unknown != -BELL_EBUSY)
			names->unknown = rc;
	} else {
		snprintf(what, sizeof(what), "%s", its[0] ? its : "no name");
	}
	add(names, dev->name, what);
	return rc == 0 && strcmp(its, wanted) == 0;
}

/* How many have it; at gets the last of them. */
static int count_name(const char *name, const struct device *list, int n, struct names *names,
		      int *at)
{
	int found = 0;

	*names = (struct names){ .used = 0 };
	for (int i = 0; i < n; i++) {
		if (!has_name(&list[i], name, names))
			continue;
		found++;
		*at = i;
	}
	return found;
}

static int find_name(const char *name, const struct device *list, int n, struct device *out)
{
	struct names names;
	int at = 0, found = count_name(name, list, n, &names, &at);

	/* Who lists devices, or looks for a name, has each of them for a moment. */
	for (unsigned ms = 0; found == 0 && names.unknown == -BELL_EBUSY && ms < DEVICE_BUSY_MS;
	     ms += LOOK_MS) {
		os_sleep_ms(LOOK_MS);
		found = count_name(name, list, n, &names, &at);
	}
	if (found > 1)
		return error_detail(BELL_ENOTUNIQ,
				    "pci:%s: fits several devices, give the address of one: %s",
				    name, names.text);
	if (found == 0)
		return error_detail(names.unknown ? BELL_EBUSY : BELL_ENODEV,
				    "%s: no device whose memory has that name; there is: %s; a device's address is like pci:0000:00:05.0",
				    name, names.text);
	*out = list[at];
	return 0;
}

static void describe(const struct device *list, int n, struct names *names)
{
	for (int i = 0; i < n; i++)
		add(names, list[i].name, list[i].path[0] ? list[i].driver : "no driver");
}

static int find_in(const char *address, const struct device *list, int n, struct device *out)
{
	struct names there = { .used = 0 };
	char name[PCI_NAME_SIZE];

	/* A name has no colon, so that an address is never taken for one. */
	if (address[0] && pci_parse(address, name) < 0)
		return layout_check_name(address) == 0 && n > 0 ?
			       find_name(address, list, n, out) : pci_parse(address, name);
	describe(list, n, &there);
	if (n == 0)
		return error_detail(BELL_ENODEV,
				    "%s: no ivshmem device (1af4:1110) in this machine; start QEMU with -chardev socket,path=SOCKET,id=iv -device ivshmem-doorbell,chardev=iv,vectors=16",
				    address[0] ? address : "pci");
	if (!address[0] && n > 1)
		return error_detail(BELL_ENOTUNIQ, "pci: fits several devices, name one: %s",
				    there.text);
	for (int i = 0; i < n; i++)
		if (!address[0] || strcmp(list[i].name, name) == 0) {
			*out = list[i];
			return 0;
		}
	return error_detail(BELL_ENODEV, "%s: no such device; there is: %s", name, there.text);
}

int device_find(const char *address, struct device *out)
{
	struct device *list = calloc(DEVICES_MAX, sizeof(*list));
	int rc;

	if (!list)
		return error_detail(BELL_ENOMEM, "listing devices");
	rc = device_list(list, DEVICES_MAX);
	if (rc >= 0)
		rc = find_in(address, list, rc, out);
	free(list);
	return rc;
}
