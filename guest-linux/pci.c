/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci.h"

#include "error.h"
#include "fd.h"
#include "layout.h"
#include "region.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IVSHMEM_VENDOR 0x1af4
#define IVSHMEM_DEVICE 0x1110

#define CONFIG_SIZE 256 /* what follows is for PCI Express only */

/* ---- reading sysfs ------------------------------------------------------- */

/* Reads up to size bytes of a file below a device; returns how many, 0 if none. */
static size_t read_file(const char *sysfs, const char *name, const char *file,
			void *buf, size_t size)
{
	char path[PATH_MAX];
	size_t got = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", sysfs, name,
		 file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while (got < size) {
		n = read(fd, (char *)buf + got, size - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	fd_close(&fd);
	return got;
}

static size_t read_text(const char *sysfs, const char *name, const char *file,
			char *buf, size_t size)
{
	size_t n = read_file(sysfs, name, file, buf, size - 1);

	buf[n] = '\0';
	return n;
}

/* A number such as "0x1af4"; 0 if the file is not there. */
static unsigned long read_hex(const char *sysfs, const char *name,
			      const char *file)
{
	char text[32];

	read_text(sysfs, name, file, text, sizeof(text));
	return strtoul(text, NULL, 16);
}

/* The last part of what a link below a device points to; "" if there is none. */
static void read_link(const char *sysfs, const char *name, const char *link,
		      char *buf, size_t size)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *last;
	ssize_t n;

	buf[0] = '\0';
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", sysfs, name,
		 link);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	last = strrchr(target, '/');
	last = last ? last + 1 : target;
	if (strlen(last) < size)
		memcpy(buf, last, strlen(last) + 1);
}

/* One more than what the capability at that place says; 0 if it was cut off. */
static unsigned table_size(const unsigned char *cfg, size_t n, size_t at)
{
	if (at + PCI_MSIX_FLAGS + 2 > n)
		return 0;
	return (((unsigned)cfg[at + PCI_MSIX_FLAGS + 1] << 8 |
		 cfg[at + PCI_MSIX_FLAGS]) & PCI_MSIX_FLAGS_QSIZE) + 1;
}

/*
 * Test for the capability, not for IVPosition: that one is 0 on ivshmem-plain
 * and on the first peer of a server alike. Who is not root reads 64 bytes only.
 */
static enum pci_msix read_msix(const char *sysfs, const char *name,
			       unsigned *vectors)
{
	unsigned char cfg[CONFIG_SIZE];
	size_t n = read_file(sysfs, name, "config", cfg, sizeof(cfg));
	size_t at;

	if (n < PCI_STD_HEADER_SIZEOF)
		return PCI_MSIX_UNKNOWN;
	if (!(cfg[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		return PCI_MSIX_NO;
	at = cfg[PCI_CAPABILITY_LIST] & ~3u;
	/* A list has no more links than there is room for: loops end. */
	for (int i = 0; i < CONFIG_SIZE / 4 && at >= PCI_STD_HEADER_SIZEOF; i++) {
		if (at + 2 > n)
			return PCI_MSIX_UNKNOWN;
		if (cfg[at + PCI_CAP_LIST_ID] == PCI_CAP_ID_MSIX) {
			*vectors = table_size(cfg, n, at);
			return PCI_MSIX_YES;
		}
		at = cfg[at + PCI_CAP_LIST_NEXT] & ~3u;
	}
	return PCI_MSIX_NO;
}

/* One line a BAR: first address, last address, flags. */
static void read_bars(const char *sysfs, const char *name,
		      struct pci_device *dev)
{
	char text[2048], *line, *save = NULL;
	int i = 0;

	read_text(sysfs, name, "resource", text, sizeof(text));
	for (line = strtok_r(text, "\n", &save); line && i < PCI_BARS;
	     line = strtok_r(NULL, "\n", &save), i++) {
		uint64_t first = 0, last = 0;

		if (sscanf(line, "%" SCNx64 " %" SCNx64, &first, &last) != 2 ||
		    last <= first)
			continue;
		dev->bar_first[i] = first;
		dev->bar_size[i] = last - first + 1;
	}
}

static bool any_iommu(const char *sysfs)
{
	char path[PATH_MAX];
	struct dirent *entry = NULL;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/class/iommu", sysfs);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) && entry->d_name[0] == '.')
		;
	if (dir)
		closedir(dir);
	return entry != NULL;
}

static void read_device(const char *sysfs, const char *name,
			struct pci_device *dev)
{
	char group[16];

	memset(dev, 0, sizeof(*dev));
	snprintf(dev->name, sizeof(dev->name), "%s", name);
	read_link(sysfs, name, "driver", dev->driver, sizeof(dev->driver));
	read_link(sysfs, name, "iommu_group", group, sizeof(group));
	dev->iommu_group = group[0] ? atoi(group) : -1;
	dev->iommu = dev->iommu_group >= 0 || any_iommu(sysfs);
	dev->msix = read_msix(sysfs, name, &dev->vectors);
	read_bars(sysfs, name, dev);
}

static bool is_ivshmem(const char *sysfs, const char *name)
{
	return read_hex(sysfs, name, "vendor") == IVSHMEM_VENDOR &&
	       read_hex(sysfs, name, "device") == IVSHMEM_DEVICE;
}

/* ---- finding ------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct pci_device *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int pci_list(const char *sysfs, struct pci_device *list, int max)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/bus/pci/devices", sysfs);
	dir = opendir(path);
	if (!dir)
		return error_detail(BELL_ENODEV,
				    "%s: %s; is there a PCI bus, is sysfs mounted?",
				    path, strerror(errno));
	while (n < max && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && is_ivshmem(sysfs, entry->d_name))
			read_device(sysfs, entry->d_name, &list[n++]);
	closedir(dir);
	qsort(list, (size_t)n, sizeof(*list), by_name);
	return n;
}

/* "0000:00:03.0 (256 MiB, vfio-pci), ..." */
static void describe(const struct pci_device *list, int n, char *buf,
		     size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (int i = 0; i < n && used < size; i++) {
		const struct pci_device *d = &list[i];
		int add = snprintf(buf + used, size - used,
				   "%s%s (%" PRIu64 " KiB, %s%s)",
				   i ? ", " : "", d->name, d->bar_size[2] / 1024,
				   d->driver[0] ? d->driver : "no driver",
				   d->msix == PCI_MSIX_NO ? ", no interrupts" : "");

		used += add > 0 ? (size_t)add : size;
	}
}

static int not_found(const char *sysfs, const char *name,
		     const struct pci_device *list, int n)
{
	unsigned long vendor = read_hex(sysfs, name, "vendor");
	char have[512];

	if (vendor)
		return error_detail(BELL_ENODEV,
				    "%s: is %04lx:%04lx, not an ivshmem device (1af4:1110)",
				    name, vendor,
				    read_hex(sysfs, name, "device"));
	describe(list, n, have, sizeof(have));
	return error_detail(BELL_ENODEV, "%s: no such device; there is: %s",
			    name, have);
}

static int find_in(const char *sysfs, const char *address,
		   const struct pci_device *list, int n, struct pci_device *out)
{
	char name[PCI_NAME_SIZE], have[512];
	bool named = false;

	if (address[0] && pci_parse(address, name) < 0) {
		/* A name has no colon, so that an address is never taken for one. */
		named = layout_check_name(address) == 0;
		if (!named)
			return pci_parse(address, name);
	}
	if (n == 0)
		return error_detail(BELL_ENODEV,
				    "%s: no ivshmem device (1af4:1110) in this machine; start QEMU with -chardev socket,path=SOCKET,id=iv -device ivshmem-doorbell,chardev=iv,vectors=16",
				    address[0] ? address : "pci");
	if (!address[0] && n > 1) {
		describe(list, n, have, sizeof(have));
		return error_detail(BELL_ENOTUNIQ,
				    "pci: fits several devices, name one: %s", have);
	}
	if (named)
		return region_find(sysfs, address, list, n, out);
	for (int i = 0; i < n; i++) {
		if (!address[0] || !strcmp(list[i].name, name)) {
			*out = list[i];
			return 0;
		}
	}
	return not_found(sysfs, name, list, n);
}

int pci_find(const char *sysfs, const char *address, struct pci_device *out)
{
	struct pci_device *list = calloc(PCI_DEVICES_MAX, sizeof(*list));
	int rc;

	if (!list)
		return error_detail(BELL_ENOMEM, "listing PCI devices");
	rc = pci_list(sysfs, list, PCI_DEVICES_MAX);
	if (rc >= 0)
		rc = find_in(sysfs, address, list, rc, out);
	free(list);
	return rc;
}

/* The module puts it below the device, as drivers/char/misc.c names it. */
int pci_node(const char *sysfs, const struct pci_device *dev,
	     char node[PCI_NODE_SIZE])
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/misc", sysfs, dev->name);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir)))
		found = entry->d_name[0] != '.';
	if (found)
		snprintf(node, PCI_NODE_SIZE, "/dev/%s", entry->d_name);
	if (dir)
		closedir(dir);
	return found ? 0 : error_detail(BELL_EIO, "%s: %s names no device of %s",
					dev->name, path, dev->driver);
}

/* ---- what vfio needs ----------------------------------------------------- */

int pci_no_msix(const struct pci_device *dev)
{
	return error_detail(BELL_EUNSUP,
			    "%s: has no MSI-X, so it is an ivshmem-plain device without interrupts; start QEMU with -device ivshmem-doorbell and an ivshmem server",
			    dev->name);
}

bool pci_without_iommu(const char *sysfs)
{
	char path[PATH_MAX], value = 'N';
	int fd;

	snprintf(path, sizeof(path),
		 "%s/module/vfio/parameters/enable_unsafe_noiommu_mode", sysfs);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, &value, 1) != 1)
		value = 'N';
	fd_close(&fd);
	return value == 'Y';
}

int pci_check(const struct pci_device *dev)
{
	if (dev->msix == PCI_MSIX_NO)
		return pci_no_msix(dev);
	if (!dev->iommu && !pci_without_iommu(PCI_SYSFS))
		return error_detail(BELL_EUNSUP,
				    "%s: in no IOMMU group, which vfio-pci needs; "
				    PCI_IOMMU_REMEDY PCI_IOMMU_KERNEL, dev->name);
	return 0;
}

/* Drivers that vfio tolerates beside itself in a group: vfio.rst, "viable". */
static bool harmless(const char *driver)
{
	return !driver[0] || !strcmp(driver, "vfio-pci") ||
	       !strcmp(driver, "pci-stub") || !strcmp(driver, "pcieport");
}

int pci_group_blocker(const char *sysfs, int group, struct pci_device *blocker)
{
	char path[PATH_MAX];
	struct pci_device dev;
	struct dirent *entry;
	int found = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/kernel/iommu_groups/%d/devices", sysfs,
		 group);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (!found && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		read_device(sysfs, entry->d_name, &dev);
		found = !harmless(dev.driver);
	}
	closedir(dir);
	if (found)
		*blocker = dev;
	return found;
}
