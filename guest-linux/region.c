/* SPDX-License-Identifier: BSD-2-Clause */
#include "region.h"

#include "error.h"
#include "fd.h"
#include "layout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODULE "ivshmem_doorbell"
#define FIRST_PAGE LAYOUT_ALIGN /* has the header */

/* ---- looking ------------------------------------------------------------- */

static int look_failed(const struct pci_device *dev, const char *path)
{
	switch (errno) {
	case EACCES:
	case EPERM:
		return error_detail(BELL_EPERM, "%s: %s: %s; run as root", dev->name,
				    path, strerror(errno));
	case EINVAL: /* kernel/resource.c, iomem_is_exclusive() */
		return error_detail(BELL_EBUSY,
				    "%s: %s: a driver (%s) is using the memory",
				    dev->name, path,
				    dev->driver[0] ? dev->driver : "none");
	default:
		return error_detail(BELL_EIO, "%s: %s: %s", dev->name, path,
				    strerror(errno));
	}
}

static int look(const struct pci_device *dev, const char *path, int fd,
		char name[BELL_REGION_MAX + 1])
{
	void *page = mmap(NULL, FIRST_PAGE, PROT_READ, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		return look_failed(dev, path);
	layout_read_name(page, name);
	munmap(page, FIRST_PAGE);
	return 0;
}

/* Nothing is read beyond a file's end: that would be a SIGBUS. */
static int look_in_sysfs(const char *sysfs, const struct pci_device *dev,
			 char name[BELL_REGION_MAX + 1])
{
	char path[PATH_MAX];
	struct stat st;
	int fd, rc;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/resource2", sysfs,
		 dev->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return look_failed(dev, path);
	if (fstat(fd, &st) < 0 || st.st_size < (off_t)FIRST_PAGE)
		rc = error_detail(BELL_EIO, "%s: %s: has no page of memory",
				  dev->name, path);
	else
		rc = look(dev, path, fd, name);
	fd_close(&fd);
	return rc;
}

static int look_through_module(const char *sysfs, const struct pci_device *dev,
			       char name[BELL_REGION_MAX + 1])
{
	char node[PCI_NODE_SIZE];
	int rc = pci_node(sysfs, dev, node);
	int fd;

	if (rc < 0)
		return rc;
	fd = open(node, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return look_failed(dev, node);
	rc = look(dev, node, fd, name);
	fd_close(&fd);
	return rc;
}

int region_name(const char *sysfs, const struct pci_device *dev,
		char name[BELL_REGION_MAX + 1])
{
	if (strcmp(dev->driver, MODULE) == 0)
		return look_through_module(sysfs, dev, name);
	return look_in_sysfs(sysfs, dev, name);
}

/* ---- finding ------------------------------------------------------------- */

/* "0000:00:03.0 (web), 0000:00:04.0 (no name), 0000:00:05.0 (unknown: ...)" */
struct names {
	char text[1024];
	size_t used;
	int unknown; /* the last reason why one could not be read */
	int found;
};

static void add(struct names *names, const char *device, const char *what)
{
	int n = snprintf(names->text + names->used,
			 sizeof(names->text) - names->used, "%s%s (%s)",
			 names->used ? ", " : "", device, what);

	names->used += n > 0 ? (size_t)n : 0;
	if (names->used >= sizeof(names->text))
		names->used = sizeof(names->text) - 1;
}

static bool has_name(const char *sysfs, const struct pci_device *dev,
		     const char *name, struct names *names)
{
	char its[BELL_REGION_MAX + 1] = "", what[128];
	int rc = region_name(sysfs, dev, its);

	if (rc < 0) {
		snprintf(what, sizeof(what), "name unknown: %s", bell_strerror(rc));
		names->unknown = rc;
	} else {
		snprintf(what, sizeof(what), "%s", its[0] ? its : "no name");
	}
	add(names, dev->name, what);
	return rc == 0 && strcmp(its, name) == 0;
}

int region_find(const char *sysfs, const char *name,
		const struct pci_device *list, int n, struct pci_device *out)
{
	struct names names = { .used = 0 };
	int at = 0;

	for (int i = 0; i < n; i++) {
		if (!has_name(sysfs, &list[i], name, &names))
			continue;
		names.found++;
		at = i;
	}
	if (names.found == 1) {
		*out = list[at];
		return 0;
	}
	if (names.found > 1)
		return error_detail(BELL_ENOTUNIQ,
				    "pci:%s: fits several devices, give the address of one: %s",
				    name, names.text);
	return error_detail(names.unknown ? -names.unknown : BELL_ENODEV,
			    "%s: no device whose memory has that name; there is: %s%s",
			    name, names.text,
			    names.unknown ? "; give a device's address, as pci:0000:00:03.0, or run as root" :
					    "; a device's address is like pci:0000:00:03.0");
}
