/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devices.c - the ivshmem devices of this machine, for whoever wants to choose
 */
#include "devices.h"

#include "error.h"
#include "pci.h"
#include "region.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODULE "ivshmem_doorbell"

/* ---- mapping ------------------------------------------------------------- */

/* Without a driver that maps it the port sysfs does: sysfs-device.c says how. */
#if defined(__x86_64__) || defined(__i386__)
#define BY_SYSFS BELL_MAPPING_UNCACHED
#else
#define BY_SYSFS BELL_MAPPING_COMBINED
#endif

static const struct {
	const char *driver;
	enum bell_mapping mapping;
	const char *from;
} drivers[] = {
	{ "", BY_SYSFS, "asked for by the port sysfs" },
	{ MODULE, BELL_MAPPING_CACHED, "asked for by " MODULE },
	/* drivers/vfio/pci/vfio_pci_core.c, pgprot_noncached() */
	{ "vfio-pci", BELL_MAPPING_UNCACHED, "asked for by vfio-pci" },
};

static void mapping_by_driver(const struct pci_device *dev,
			      struct bell_device_info *info)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (strcmp(dev->driver, drivers[i].driver) != 0)
			continue;
		info->mapping = drivers[i].mapping;
		snprintf(info->mapping_from, sizeof(info->mapping_from), "%s",
			 drivers[i].from);
	}
}

/* The words of arch/x86/mm/pat/memtype.c, cattr_name(). */
static enum bell_mapping by_cattr(const char *word)
{
	if (strcmp(word, "write-back") == 0)
		return BELL_MAPPING_CACHED;
	if (strcmp(word, "write-combining") == 0)
		return BELL_MAPPING_COMBINED;
	if (strncmp(word, "uncached", 8) == 0)
		return BELL_MAPPING_UNCACHED;
	return BELL_MAPPING_UNKNOWN;
}

/*
 * Root can ask an x86 kernel with debugfs what it made of what was asked for:
 * "PAT: [mem 0x0000000800000000-0x0000000804000000] write-back".
 */
static void mapping_by_kernel(const char *sysfs, const struct pci_device *dev,
			      struct bell_device_info *info)
{
	char path[PATH_MAX], line[256], word[32];
	uint64_t first, end;
	FILE *f;

	snprintf(path, sizeof(path), "%s/kernel/debug/x86/pat_memtype_list", sysfs);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "PAT: [mem %" SCNx64 "-%" SCNx64 "] %31s",
			   &first, &end, word) != 3 ||
		    first < dev->bar_first[2] ||
		    first - dev->bar_first[2] >= dev->bar_size[2])
			continue;
		info->mapping = by_cattr(word);
		snprintf(info->mapping_from, sizeof(info->mapping_from),
			 "told by the kernel: %s", word);
		break;
	}
	fclose(f);
}

/* ---- what our module knows ------------------------------------------------- */

/* One of the attributes that it has for everybody: kmod/main.c. */
static bool ask_module(const char *sysfs, const struct pci_device *dev,
		       const char *file, char *buf, int size)
{
	char node[PCI_NODE_SIZE], path[PATH_MAX];
	bool got;
	FILE *f;

	if (strcmp(dev->driver, MODULE) != 0 || pci_node(sysfs, dev, node) < 0)
		return false;
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/misc/%s/%s", sysfs,
		 dev->name, strrchr(node, '/') + 1, file);
	f = fopen(path, "re");
	if (!f)
		return false;
	got = fgets(buf, size, f) != NULL;
	fclose(f);
	if (got)
		buf[strcspn(buf, "\n")] = '\0';
	return got;
}

static void by_module(const char *sysfs, const struct pci_device *dev,
		      struct bell_device_info *info)
{
	char text[32];

	if (ask_module(sysfs, dev, "mapping", text, sizeof(text))) {
		info->mapping = strcmp(text, "cached") == 0 ? BELL_MAPPING_CACHED :
							      BELL_MAPPING_UNCACHED;
		snprintf(info->mapping_from, sizeof(info->mapping_from),
			 "told by " MODULE);
	}
	/* Who is not root does not see the device's capabilities, but this. */
	if (ask_module(sysfs, dev, "vectors", text, sizeof(text)) &&
	    strtoul(text, NULL, 10) > 0) {
		info->vectors = (unsigned)strtoul(text, NULL, 10);
		info->doorbell = 1;
	}
}

/* ---- all of a device ------------------------------------------------------- */

static int is_doorbell(enum pci_msix msix)
{
	return msix == PCI_MSIX_UNKNOWN ? -1 : msix == PCI_MSIX_YES;
}

static void describe(const char *sysfs, const struct pci_device *dev,
		     struct bell_device_info *info)
{
	memset(info, 0, sizeof(*info));
	snprintf(info->address, sizeof(info->address), "pci:%s", dev->name);
	snprintf(info->driver, sizeof(info->driver), "%s", dev->driver);
	info->memory = dev->bar_size[2];
	info->doorbell = is_doorbell(dev->msix);
	info->vectors = dev->vectors;
	info->name_error = region_name(sysfs, dev, info->name);
	mapping_by_driver(dev, info);
	mapping_by_kernel(sysfs, dev, info);
	by_module(sysfs, dev, info);
}

int devices_list(const char *sysfs, struct bell_device_info *list, size_t max)
{
	struct pci_device *found = calloc(PCI_DEVICES_MAX, sizeof(*found));
	int n;

	if (!found)
		return error_detail(BELL_ENOMEM, "listing devices");
	n = pci_list(sysfs, found, PCI_DEVICES_MAX);
	for (int i = 0; i < n && (size_t)i < max; i++)
		describe(sysfs, &found[i], &list[i]);
	free(found);
	/* Without a PCI bus there is no device: that is no failure. */
	return n < 0 ? 0 : n;
}

int bell_devices(struct bell_device_info *list, size_t max)
{
	return devices_list(PCI_SYSFS, list, max);
}
