/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.h - the ivshmem devices of this machine, as sysfs shows them
 *
 * Everything takes the root of the sysfs tree, so that tests can bring their
 * own. See the kernel's Documentation/ABI/testing/sysfs-bus-pci.
 */
#ifndef BELL_PCI_H
#define BELL_PCI_H

#include "pci-name.h"

#include <stdbool.h>
#include <stdint.h>

#define PCI_SYSFS "/sys"
#define PCI_DRIVER_SIZE 64
#define PCI_NODE_SIZE 272 /* "/dev/" and a file's name */
#define PCI_BARS 6
#define PCI_DEVICES_MAX 64 /* more in one machine are not looked at */

enum pci_msix {
	PCI_MSIX_UNKNOWN = 0, /* capabilities are for root's eyes only */
	PCI_MSIX_NO,          /* ivshmem-plain */
	PCI_MSIX_YES          /* ivshmem-doorbell */
};

struct pci_device {
	char name[PCI_NAME_SIZE];
	char driver[PCI_DRIVER_SIZE]; /* "" if none is bound */
	int iommu_group;              /* -1 if it has none (yet: see pci_check()) */
	bool iommu;                   /* the kernel uses an IOMMU, maybe of others */
	enum pci_msix msix;
	unsigned vectors;             /* of the MSI-X table; 0: none, or unknown */
	uint64_t bar_size[PCI_BARS];  /* bytes; 0: no such BAR */
	uint64_t bar_first[PCI_BARS]; /* physical address */
};

/*
 * Lists up to max ivshmem devices (1af4:1110), sorted by name. Returns how many
 * there are in list, or -BELL_ENODEV (no PCI bus in that tree).
 */
int pci_list(const char *sysfs, struct pci_device *list, int max);

/*
 * Finds the device of an address, or with the name of its region (region.h), or
 * with "" the only one that there is.
 *   -BELL_EINVAL   neither an address nor a name
 *   -BELL_ENODEV   no such device, or another one has that address
 *   -BELL_ENOTUNIQ "" or the name fits several
 *   -BELL_EPERM, -BELL_EBUSY, -BELL_EIO as region_find()
 *   -BELL_ENOMEM
 * The details list what there is.
 */
int pci_find(const char *sysfs, const char *address, struct pci_device *out);

/*
 * Where our module (bound to the device) is opened: "/dev/ivshmem0". -BELL_EIO if
 * sysfs does not say.
 */
int pci_node(const char *sysfs, const struct pci_device *dev,
	     char node[PCI_NODE_SIZE]);

/* What QEMU needs for an IOMMU that vfio can use. */
#if defined(__aarch64__)
#define PCI_IOMMU_REMEDY "start QEMU with -M virt,gic-version=3,iommu=smmuv3"
#define PCI_IOMMU_KERNEL ""
#else
#define PCI_IOMMU_REMEDY                                                       \
	"start QEMU with -M q35,kernel-irqchip=split -device "                   \
	"intel-iommu,intremap=on"
#define PCI_IOMMU_KERNEL " and this kernel with intel_iommu=on"
#endif

/*
 * 0 if vfio can serve the device, as far as can be told before it is bound:
 * -BELL_EUNSUP with the remedy if it has no interrupts or no IOMMU. aarch64's
 * kernel gives a device its group only when a driver is bound.
 */
int pci_check(const struct pci_device *dev);

/* Somebody told vfio to serve devices without an IOMMU. */
bool pci_without_iommu(const char *sysfs);

/* -BELL_EUNSUP: the device is ivshmem-plain. */
int pci_no_msix(const struct pci_device *dev);

/*
 * Puts the first device of an IOMMU group that keeps vfio from using the group
 * into blocker (its driver in blocker->driver). Returns 1, or 0 if none does or
 * it cannot be told. See the kernel's Documentation/driver-api/vfio.rst.
 */
int pci_group_blocker(const char *sysfs, int group, struct pci_device *blocker);

#endif
