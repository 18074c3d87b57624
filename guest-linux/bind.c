/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bind.c - gives the device to our kernel module, or to vfio-pci
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

struct teller {
	void (*say)(void *arg, const char *line);
	void *arg;
};

/* What a port needs. */
struct driver {
	const char *port;
	const char *name;
	/* 0 if it can serve the device, before it is loaded; NULL: any. */
	int (*check)(const struct pci_device *dev);
	int (*load)(const struct teller *t);
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

static int load_module(const struct teller *t)
{
	return load("ivshmem_doorbell", PCI_SYSFS "/bus/pci/drivers/ivshmem_doorbell", t);
}

/* /sys/module has what is built in, too, if it takes parameters, as type1 does. */
static int load_vfio(const struct teller *t)
{
	int rc = load("vfio-pci", PCI_SYSFS "/bus/pci/drivers/vfio-pci", t);

	if (rc == 0)
		rc = load("vfio_iommu_type1",
			  PCI_SYSFS "/module/vfio_iommu_type1", t);
	return rc;
}

/* The best first. */
static const struct driver drivers[] = {
	{ "module", "ivshmem_doorbell", NULL, load_module },
	{ "vfio", "vfio-pci", pci_check, load_vfio },
};
#define DRIVERS (sizeof(drivers) / sizeof(drivers[0]))

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
static int verify(const struct pci_device *dev, const struct driver *driver,
		  struct pci_device *now)
{
	int rc = pci_find(PCI_SYSFS, dev->name, now);

	if (rc < 0)
		return rc;
	if (!strcmp(now->driver, driver->name))
		return 0;
	return error_detail(BELL_EBUSY, "%s: the kernel did not bind it to %s (driver now: %s); see dmesg",
			    dev->name, driver->name, now->driver[0] ? now->driver : "none");
}

static int rebind(const struct pci_device *dev, const struct driver *driver,
		  struct pci_device *now)
{
	int rc = write_device(dev, "driver_override", driver->name);

	if (rc < 0)
		return rc;
	rc = release(dev);
	if (rc == 0)
		rc = write_sysfs(PCI_SYSFS "/bus/pci/drivers_probe", dev->name);
	if (rc == 0)
		rc = verify(dev, driver, now);
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

static void tell_bound(const struct teller *t, const struct pci_device *now,
		       const char *was)
{
	char line[256], group[32] = "";

	if (!strcmp(now->driver, "vfio-pci"))
		snprintf(group, sizeof(group), ", IOMMU group %d", now->iommu_group);
	if (!strcmp(was, now->driver))
		snprintf(line, sizeof(line), "%s: already bound to %s%s", now->name, was,
			 group);
	else
		snprintf(line, sizeof(line), "%s: bound to %s (was: %s)%s", now->name,
			 now->driver, was[0] ? was : "no driver", group);
	tell(t, line);
}

static int bind_driver(const struct pci_device *dev, const struct driver *driver,
		       const struct teller *t)
{
	struct pci_device now = *dev;
	int rc = driver->check ? driver->check(dev) : 0;

	if (rc == 0)
		rc = driver->load(t);
	/* A driver that was just loaded may have taken it by itself. */
	if (rc == 0)
		rc = pci_find(PCI_SYSFS, dev->name, &now);
	if (rc == 0 && strcmp(now.driver, driver->name))
		rc = rebind(&now, driver, &now);
	if (rc == 0)
		tell_bound(t, &now, dev->driver);
	return rc;
}

/* The one that has it stays, if it is one of these; else the first that there is. */
static int bind_best(const struct pci_device *dev, const struct teller *t)
{
	char why[512];
	int rc;

	for (size_t i = 0; i < DRIVERS; i++)
		if (!strcmp(dev->driver, drivers[i].name))
			return bind_driver(dev, &drivers[i], t);
	rc = bind_driver(dev, &drivers[0], t);
	if (rc != -BELL_EUNSUP)
		return rc;
	snprintf(why, sizeof(why), "%s", bell_detail());
	rc = bind_driver(dev, &drivers[1], t);
	if (rc != -BELL_EUNSUP)
		return rc;
	snprintf(why + strlen(why), sizeof(why) - strlen(why), "; vfio: %s", bell_detail());
	return error_detail(BELL_EUNSUP, "module: %s", why);
}

static int bind_named(const struct pci_device *dev, const char *port,
		      const struct teller *t)
{
	for (size_t i = 0; i < DRIVERS; i++)
		if (!strcmp(port, drivers[i].port))
			return bind_driver(dev, &drivers[i], t);
	return error_detail(BELL_EINVAL, "%s: not a port that needs a driver; there are module and vfio",
			    port);
}

int bell_bind(const char *address, const char *port,
	      void (*say)(void *arg, const char *line), void *arg)
{
	const struct teller t = { .say = say, .arg = arg };
	struct pci_device dev;
	int rc;

	if (!address || strncmp(address, "pci:", 4))
		return error_detail(BELL_EINVAL,
				    "%s: only a guest's device can be bound; the forms are pci:, pci:0000:00:03.0 and pci:00:03.0",
				    address ? address : "(no address)");
	rc = pci_find(PCI_SYSFS, address + 4, &dev);
	if (rc < 0)
		return rc;
	return port ? bind_named(&dev, port, &t) : bind_best(&dev, &t);
}
