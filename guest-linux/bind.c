/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bind.c - gives the device to vfio-pci
 *
 * The steps of the kernel's Documentation/driver-api/vfio.rst, but through
 * driver_override (Documentation/ABI/testing/sysfs-bus-pci), which names one
 * device and leaves others of its kind alone.
 */
#include "error.h"
#include "fd.h"
#include "modprobe.h"
#include "pci.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DRIVER "vfio-pci"

struct teller {
	void (*say)(void *arg, const char *line);
	void *arg;
};

static void tell(const struct teller *t, const char *line)
{
	if (t->say)
		t->say(t->arg, line);
}

static int write_failed(const char *path, const char *text)
{
	if (errno == EACCES || errno == EPERM)
		return error_detail(BELL_EPERM, "%s: writing %s: %s; run as root",
				    path, text, strerror(errno));
	return error_detail(from_errno(errno), "%s: writing %s: %s", path, text,
			    strerror(errno));
}

/* sysfs takes a value in one write, or not at all. */
static int write_sysfs(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int rc = 0;

	if (fd < 0)
		return write_failed(path, text);
	do
		n = write(fd, text, strlen(text));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		rc = write_failed(path, text);
	fd_close(&fd);
	return rc;
}

static int write_device(const struct pci_device *dev, const char *file,
			const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), PCI_SYSFS "/bus/pci/devices/%s/%s",
		 dev->name, file);
	return write_sysfs(path, text);
}

static int load(const char *module, const char *evidence, const struct teller *t)
{
	char line[128];
	int rc;

	if (access(evidence, F_OK) == 0)
		return 0;
	if (geteuid() != 0)
		return error_detail(BELL_EPERM, "modprobe %s: not root; run as root",
				    module);
	rc = modprobe(module);
	if (rc < 0)
		return rc;
	if (access(evidence, F_OK) < 0)
		return error_detail(BELL_EUNSUP, "modprobe %s: loaded, but %s did not appear",
				    module, evidence);
	snprintf(line, sizeof(line), "loaded %s", module);
	tell(t, line);
	return 0;
}

/* /sys/module has what is built in, too, if it takes parameters, as type1 does. */
static int load_modules(const struct teller *t)
{
	int rc = load(DRIVER, PCI_SYSFS "/bus/pci/drivers/" DRIVER, t);

	if (rc == 0)
		rc = load("vfio_iommu_type1",
			  PCI_SYSFS "/module/vfio_iommu_type1", t);
	return rc;
}

static int release(const struct pci_device *dev)
{
	int rc;

	if (!dev->driver[0])
		return 0;
	rc = write_device(dev, "driver/unbind", dev->name);
	if (rc == -BELL_EPERM || rc == 0)
		return rc;
	return error_detail(BELL_EBUSY, "%s: %s does not let go of it; stop who uses it",
			    dev->name, dev->driver);
}

/* What the kernel made of it; drivers_probe itself reports nothing. */
static int verify(const struct pci_device *dev, struct pci_device *now)
{
	int rc = pci_find(PCI_SYSFS, dev->name, now);

	if (rc < 0)
		return rc;
	if (!strcmp(now->driver, DRIVER))
		return 0;
	return error_detail(BELL_EBUSY, "%s: the kernel did not bind it to " DRIVER " (driver now: %s); see dmesg",
			    dev->name, now->driver[0] ? now->driver : "none");
}

static int rebind(const struct pci_device *dev, struct pci_device *now)
{
	int rc = write_device(dev, "driver_override", DRIVER);

	if (rc < 0)
		return rc;
	rc = release(dev);
	if (rc == 0)
		rc = write_sysfs(PCI_SYSFS "/bus/pci/drivers_probe", dev->name);
	if (rc == 0)
		rc = verify(dev, now);
	if (rc < 0) {
		char why[512];

		/* As it was before; the first failure is the one to tell. */
		snprintf(why, sizeof(why), "%s", bell_detail());
		(void)write_device(dev, "driver_override", "\n");
		(void)write_sysfs(PCI_SYSFS "/bus/pci/drivers_probe", dev->name);
		(void)error_detail(-rc, "%s", why);
	}
	return rc;
}

static int bind_device(const struct pci_device *dev, const struct teller *t)
{
	struct pci_device now = *dev;
	int bound = !strcmp(dev->driver, DRIVER);
	char line[256];
	int rc;

	rc = pci_check(dev);
	if (rc == 0)
		rc = load_modules(t);
	if (rc == 0 && !bound)
		rc = rebind(dev, &now);
	if (rc < 0)
		return rc;
	if (bound)
		snprintf(line, sizeof(line), "%s: already bound to " DRIVER ", IOMMU group %d",
			 now.name, now.iommu_group);
	else
		snprintf(line, sizeof(line), "%s: bound to " DRIVER " (was: %s), IOMMU group %d",
			 now.name, dev->driver[0] ? dev->driver : "no driver",
			 now.iommu_group);
	tell(t, line);
	return 0;
}

int bell_bind(const char *address, void (*say)(void *arg, const char *line),
	      void *arg)
{
	const struct teller t = { .say = say, .arg = arg };
	struct pci_device dev;
	int rc;

	if (!address || strncmp(address, "pci:", 4))
		return error_detail(BELL_EINVAL,
				    "%s: only a guest's device can be bound; the forms are pci:, pci:0000:00:03.0 and pci:00:03.0",
				    address ? address : "(no address)");
	rc = pci_find(PCI_SYSFS, address + 4, &dev);
	return rc < 0 ? rc : bind_device(&dev, &t);
}
