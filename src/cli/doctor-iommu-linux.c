/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What vfio-pci needs of a guest's IOMMU: the kernel's
 * Documentation/driver-api/vfio.rst. Our own module needs none of it.
 */
#include "doctor-parts.h"
#include "doctor-tree.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define DEVICE "/sys/bus/pci/devices/%s"
#define QEMU_X86 "qemu-system-x86_64 ... -M q35,kernel-irqchip=split " \
		 "-device intel-iommu,intremap=on"
#define QEMU_ARM "qemu-system-aarch64 ... -M virt,iommu=smmuv3,gic-version=3"

/* The own module makes all of this needless. */
static bool is_needed(struct doctor *d)
{
	char driver[TREE_NAME];

	if (!d->device[0]) {
		doctor_tell(d, DOCTOR_SKIPPED, "there is no one device to look at");
		return false;
	}
	tree_link(d, driver, sizeof(driver), DEVICE "/driver", d->device);
	if (strcmp(driver, "ivshmem_doorbell") != 0)
		return true;
	doctor_tell(d, DOCTOR_OK, "not needed by %s", driver);
	return false;
}

/* ---- is there one ------------------------------------------------------------------- */

static bool without_iommu(const struct doctor *d)
{
	char on[8];

	tree_line(d, on, sizeof(on), "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
	return strcmp(on, "Y") == 0;
}

static bool is_arm(void)
{
	struct utsname machine;

	return uname(&machine) == 0 && strcmp(machine.machine, "aarch64") == 0;
}

static void check_iommu(struct doctor *d)
{
	char group[TREE_NAME];

	if (!is_needed(d))
		return;
	tree_link(d, group, sizeof(group), DEVICE "/iommu_group", d->device);
	if (*group) {
		doctor_tell(d, DOCTOR_OK, "the device is in IOMMU group %s", group);
	} else if (without_iommu(d)) {
		doctor_tell(d, DOCTOR_OK, "there is none, and vfio may do without (unsafe)");
	} else if (tree_exists(d, "/sys/firmware/acpi/tables/DMAR")) {
		doctor_try(d, "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&intel_iommu=on /' "
			   "/etc/default/grub && sudo update-grub && sudo reboot");
		doctor_tell(d, DOCTOR_WARNING, "there is an IOMMU, and the kernel does not use "
			    "it: no interrupts by vfio-pci");
	} else {
		doctor_try(d, is_arm() ? QEMU_ARM " # or the module ivshmem_doorbell" :
			   QEMU_X86 " # and intel_iommu=on for the kernel; or the module "
			   "ivshmem_doorbell");
		doctor_tell(d, DOCTOR_WARNING, "no IOMMU: no interrupts by vfio-pci");
	}
}

/* ---- does it remap interrupts ----------------------------------------------------------- */

static void check_remapping(struct doctor *d)
{
	char group[TREE_NAME], unsafe[8];

	if (!is_needed(d))
		return;
	tree_link(d, group, sizeof(group), DEVICE "/iommu_group", d->device);
	tree_line(d, unsafe, sizeof(unsafe),
		  "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
	if (!*group) {
		doctor_tell(d, DOCTOR_SKIPPED, "there is no IOMMU");
	} else if (!tree_exists(d, "/sys/firmware/acpi/tables/DMAR")) {
		doctor_tell(d, DOCTOR_OK, "not a matter of this kind of IOMMU");
	} else if (tree_has(d, "/proc/interrupts", " IR-")) {
		doctor_tell(d, DOCTOR_OK, "the IOMMU remaps interrupts");
	} else if (strcmp(unsafe, "Y") == 0) {
		doctor_tell(d, DOCTOR_OK, "none, and vfio may do without (unsafe)");
	} else {
		doctor_try(d, QEMU_X86);
		doctor_tell(d, DOCTOR_FAILURE, "the IOMMU does not remap interrupts: vfio "
			    "refuses the device");
	}
}

/* ---- who else is in its group -------------------------------------------------------------- */

struct group {
	char blocker[TREE_NAME], driver[TREE_NAME];
	unsigned count;
};

/* Drivers that vfio tolerates beside itself: vfio.rst, "viable". */
static bool is_harmless(const char *driver)
{
	return !*driver || strcmp(driver, "vfio-pci") == 0 ||
	       strcmp(driver, "pci-stub") == 0 || strcmp(driver, "pcieport") == 0;
}

static void add_member(struct doctor *d, const char *name, void *arg)
{
	struct group *g = arg;
	char driver[TREE_NAME];

	g->count++;
	tree_link(d, driver, sizeof(driver), DEVICE "/driver", name);
	if (strcmp(name, d->device) == 0 || is_harmless(driver))
		return;
	snprintf(g->blocker, sizeof(g->blocker), "%s", name);
	memcpy(g->driver, driver, sizeof(driver));
}

static void check_group(struct doctor *d)
{
	char number[TREE_NAME], path[TREE_PATH];
	struct group g = { .count = 0 };

	if (!is_needed(d))
		return;
	tree_link(d, number, sizeof(number), DEVICE "/iommu_group", d->device);
	if (!*number) {
		doctor_tell(d, DOCTOR_SKIPPED, "there is no IOMMU");
		return;
	}
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%s/devices", number);
	tree_each(d, path, add_member, &g);
	if (!*g.blocker) {
		doctor_tell(d, DOCTOR_OK, "nobody stands in the way in group %s: %u device%s",
			    number, g.count, g.count == 1 ? "" : "s");
		return;
	}
	doctor_try(d, "echo %s | sudo tee /sys/bus/pci/devices/%s/driver/unbind # or put the "
		   "device on a bus of its own in QEMU", g.blocker, g.blocker);
	doctor_tell(d, DOCTOR_FAILURE, "%s, bound to %s, is in the same group %s: vfio refuses "
		    "the whole group", g.blocker, g.driver, number);
}

const struct doctor_check doctor_iommu[] = {
	{ "iommu", DOCTOR_GUEST, false, check_iommu },
	{ "remapping", DOCTOR_GUEST, false, check_remapping },
	{ "group", DOCTOR_GUEST, false, check_group },
	{ NULL, 0, false, NULL },
};
