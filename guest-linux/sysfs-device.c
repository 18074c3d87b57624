/* SPDX-License-Identifier: BSD-2-Clause */
#include "sysfs-device.h"

#include "error.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BAR_REGISTERS 0
#define BAR_MEMORY 2
#define REGISTERS_SIZE 0x10 /* those that ivshmem uses */

/*
 * On x86 the plain file asks for an uncached mapping and _wc for a write-combined
 * one. Reads are the same by both; combined writes are faster, but they leave the
 * processor in any order, and the ring relies on x86 storing in order (what makes
 * its release stores plain ones): uncached it is. Where the host gives the guest
 * cached memory whatever it asks for (Intel's EPT), both are the same.
 * Elsewhere barriers order writes to either, but the plain file's mapping is
 * device memory, where an unaligned access, as memcpy() makes, is a fault.
 */
#if defined(__x86_64__) || defined(__i386__)
static const char *const memory_files[] = { "resource2" };
#else
static const char *const memory_files[] = { "resource2_wc", "resource2" };
#endif

#define MEMORY_FILES ((int)(sizeof(memory_files) / sizeof(*memory_files)))

void sysfs_device_clear(struct sysfs_device *dev)
{
	memset(dev, 0, sizeof(*dev));
	dev->memory_fd = -1;
}

static int failed(const struct pci_device *pci, const char *file, const char *what)
{
	switch (errno) {
	case EACCES:
	case EPERM:
		return error_detail(BELL_EPERM,
				    "%s: %s %s: %s; run as root (a kernel locked down by secure boot refuses root, too: then the module or vfio is the way)",
				    pci->name, what, file, strerror(errno));
	case EINVAL: /* pci_mmap_resource(): iomem_is_exclusive() */
	case EBUSY:
		return error_detail(BELL_EBUSY,
				    "%s: %s %s: %s; the driver %s holds it: unbind that one, or use it",
				    pci->name, what, file, strerror(errno),
				    pci->driver[0] ? pci->driver : "of another device");
	default:
		return error_detail(from_errno(errno), "%s: %s %s: %s", pci->name, what,
				    file, strerror(errno));
	}
}

static int open_file(const char *sysfs, const struct pci_device *pci,
		     const char *file, int flags)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", sysfs, pci->name,
		 file);
	return open(path, flags | O_CLOEXEC);
}

/* ---- memory decoding ------------------------------------------------------ */

/* Of COMMAND: 1, 0, or -1 with errno. */
static int decodes(int config)
{
	uint16_t command;

	if (pread(config, &command, sizeof(command), PCI_COMMAND) !=
	    (ssize_t)sizeof(command))
		return -1;
	return (command & PCI_COMMAND_MEMORY) != 0;
}

static int set_decoding(int config)
{
	uint16_t command;

	if (pread(config, &command, sizeof(command), PCI_COMMAND) !=
	    (ssize_t)sizeof(command))
		return -1;
	command |= PCI_COMMAND_MEMORY;
	return pwrite(config, &command, sizeof(command), PCI_COMMAND) ==
		       (ssize_t)sizeof(command) ? 0 : -1;
}

/* The kernel's own way: it knows of it then. Refused while a driver is bound. */
static void ask_kernel(const char *sysfs, const struct pci_device *pci)
{
	int fd = open_file(sysfs, pci, "enable", O_WRONLY);

	if (fd >= 0)
		(void)!write(fd, "1", 1);
	fd_close(&fd);
}

/* Who cannot read COMMAND finds out by what the registers read. */
static int enable(const char *sysfs, const struct pci_device *pci)
{
	int config = open_file(sysfs, pci, "config", O_RDONLY);
	int on = config < 0 ? -1 : decodes(config);
	int rc = 0;

	if (on == 0) {
		ask_kernel(sysfs, pci);
		on = decodes(config);
	}
	fd_close(&config);
	if (on != 0)
		return 0;
	config = open_file(sysfs, pci, "config", O_RDWR);
	if (config < 0 || set_decoding(config) < 0)
		rc = failed(pci, "config", "enabling the memory by");
	fd_close(&config);
	return rc;
}

/* ---- mapping --------------------------------------------------------------- */

static int check_bars(const struct pci_device *pci)
{
	if (pci->bar_size[BAR_MEMORY] == 0 || pci->bar_size[BAR_REGISTERS] == 0)
		return error_detail(BELL_EIO,
				    "%s: has no memory or no registers; did the firmware find room for it?",
				    pci->name);
	if (pci->bar_size[BAR_REGISTERS] < REGISTERS_SIZE)
		return error_detail(BELL_EIO, "%s: BAR0 has %llu bytes, too few for ivshmem",
				    pci->name,
				    (unsigned long long)pci->bar_size[BAR_REGISTERS]);
	if (pci->bar_size[BAR_MEMORY] > SIZE_MAX)
		return error_detail(BELL_ENOMEM, "%s: %llu bytes are more than a process here can map",
				    pci->name,
				    (unsigned long long)pci->bar_size[BAR_MEMORY]);
	return 0;
}

static int open_memory(const char *sysfs, const struct pci_device *pci, int *fd,
		       const char **file)
{
	for (int i = 0; i < MEMORY_FILES; i++) {
		*file = memory_files[i];
		*fd = open_file(sysfs, pci, *file, O_RDWR);
		if (*fd >= 0 || errno != ENOENT)
			break;
	}
	return *fd < 0 ? failed(pci, *file, "opening") : 0;
}

static int map_memory(struct sysfs_device *dev, const char *sysfs,
		      const struct pci_device *pci)
{
	size_t size = (size_t)pci->bar_size[BAR_MEMORY];
	const char *file;
	void *at;
	int rc;

	rc = open_memory(sysfs, pci, &dev->memory_fd, &file);
	if (rc < 0)
		return rc;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dev->memory_fd, 0);
	if (at == MAP_FAILED)
		return failed(pci, file, "mapping");
	dev->memory = at;
	dev->memory_size = size;
	return 0;
}

/* The mapping begins with the page in which the BAR lies: pci_mmap_resource_range(). */
static int map_registers(struct sysfs_device *dev, const char *sysfs,
			 const struct pci_device *pci)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = open_file(sysfs, pci, "resource0", O_RDWR);
	void *at;

	if (fd < 0)
		return failed(pci, "resource0", "opening");
	at = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	fd_close(&fd);
	if (at == MAP_FAILED)
		return failed(pci, "resource0", "mapping");
	dev->page = at;
	dev->registers = (unsigned char *)at + (pci->bar_first[BAR_REGISTERS] & (page - 1));
	return 0;
}

int sysfs_device_open(struct sysfs_device *dev, const char *sysfs,
		      const struct pci_device *pci)
{
	int rc = check_bars(pci);

	snprintf(dev->name, sizeof(dev->name), "%s", pci->name);
	if (rc == 0)
		rc = map_memory(dev, sysfs, pci);
	if (rc == 0)
		rc = map_registers(dev, sysfs, pci);
	if (rc == 0)
		rc = enable(sysfs, pci);
	return rc;
}

int sysfs_device_check(const char *sysfs, const struct pci_device *pci)
{
	const char *file;
	int fd = -1;
	int rc = check_bars(pci);

	if (rc == 0)
		rc = open_memory(sysfs, pci, &fd, &file);
	fd_close(&fd);
	return rc;
}

void sysfs_device_done(struct sysfs_device *dev)
{
	if (dev->memory)
		munmap(dev->memory, dev->memory_size);
	if (dev->page)
		munmap(dev->page, (size_t)sysconf(_SC_PAGESIZE));
	fd_close(&dev->memory_fd);
	sysfs_device_clear(dev);
}
