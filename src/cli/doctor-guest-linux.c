/* SPDX-License-Identifier: BSD-2-Clause */
/* The device in a Linux guest, before it is opened: what sysfs says of it. */
#include "config.h"
#include "doctor-parts.h"
#include "doctor-tree.h"
#include "doctor-users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define DEVICES "/sys/bus/pci/devices"
#define MODULE "ivshmem_doorbell"
#define CONFIG_ROOM 256 /* bytes of a configuration space; 64 for who is not root */
#define PLACES 256

/* PCI Local Bus Specification 3.0, 6.1, 6.7, 6.8.2. */
#define CONFIG_COMMAND 0x04
#define COMMAND_MASTER 0x04
#define CONFIG_STATUS 0x06
#define STATUS_LIST 0x10
#define CONFIG_LIST 0x34
#define CONFIG_HEADER 0x40
#define CAPABILITY_MSIX 0x11

/* ---- which one ----------------------------------------------------------------------- */

struct devices {
	const char *wanted; /* "" fits all; else "0000:00:03.0" or without the domain */
	unsigned count;
	char names[PLACES], first[DOCTOR_DEVICE];
};

static bool fits(const char *name, const char *wanted)
{
	const char *short_name = strchr(name, ':');

	return !*wanted || strcmp(name, wanted) == 0 ||
	       (short_name && strcmp(short_name + 1, wanted) == 0);
}

static void add_device(struct doctor *d, const char *name, void *arg)
{
	struct devices *all = arg;
	char vendor[16], device[16];
	size_t used = strlen(all->names);

	tree_line(d, vendor, sizeof(vendor), DEVICES "/%s/vendor", name);
	tree_line(d, device, sizeof(device), DEVICES "/%s/device", name);
	if (strcmp(vendor, "0x1af4") != 0 || strcmp(device, "0x1110") != 0 ||
	    !fits(name, all->wanted))
		return;
	snprintf(all->names + used, sizeof(all->names) - used, " %s", name);
	if (all->count++ == 0)
		snprintf(all->first, sizeof(all->first), "%s", name);
}

static void check_device(struct doctor *d)
{
	char named[DOCTOR_DEVICE];
	struct devices all = { .wanted = doctor_named_device(doctor_place(d), named) };

	tree_each(d, DEVICES, add_device, &all);
	if (all.count == 1) {
		memcpy(d->device, all.first, sizeof(d->device));
		doctor_tell(d, DOCTOR_OK, "%s is an ivshmem device", d->device);
	} else if (all.count > 1) {
		doctor_try(d, "bellring doctor pci:%s", all.first);
		doctor_tell(d, DOCTOR_FAILURE, "%u devices, name one:%s", all.count, all.names);
	} else if (tree_exists(d, DEVICES)) {
		doctor_try(d, "qemu-system-x86_64 ... -chardev socket,path=/run/bellring.sock,"
			   "id=bell -device ivshmem-doorbell,chardev=bell,vectors=16");
		doctor_tell(d, DOCTOR_FAILURE, "no ivshmem device (1af4:1110)%s%s",
			    *all.wanted ? " at " : "", all.wanted);
	} else {
		doctor_try(d, "mount -t sysfs sysfs /sys");
		doctor_tell(d, DOCTOR_FAILURE, "no PCI bus, or sysfs is not mounted");
	}
}

/* False, told, if the checks before found no device. */
static bool have_device(struct doctor *d)
{
	if (!d->device[0])
		doctor_tell(d, DOCTOR_SKIPPED, "there is no one device to look at");
	return d->device[0] != '\0';
}

/* ---- configuration space ----------------------------------------------------------------- */

/* Where the capability is; 0: there is none; CONFIG_ROOM: not ours to read. */
static unsigned find_capability(const unsigned char *config, size_t len, unsigned id)
{
	unsigned at = config[CONFIG_LIST] & ~3u, i;

	if (!(config[CONFIG_STATUS] & STATUS_LIST))
		return 0;
	/* No more links than there is room for: a loop ends. */
	for (i = 0; i < CONFIG_ROOM / 4 && at >= CONFIG_HEADER; i++) {
		if (at + 4 > len)
			return CONFIG_ROOM;
		if (config[at] == id)
			return at;
		at = config[at + 1] & ~3u;
	}
	return 0;
}

static size_t read_config(struct doctor *d, unsigned char config[CONFIG_ROOM + 1])
{
	return tree_read(d, (char *)config, CONFIG_ROOM + 1, DEVICES "/%s/config", d->device);
}

static void tell_msix(struct doctor *d, unsigned count)
{
	if (count > 1) {
		doctor_tell(d, DOCTOR_OK, "ivshmem-doorbell with %u vectors", count);
		return;
	}
	doctor_try(d, "qemu-system-x86_64 ... -device ivshmem-doorbell,chardev=...,"
		   "vectors=16");
	doctor_tell(d, DOCTOR_WARNING, "ivshmem-doorbell with 1 vector: that is QEMU's "
		    "default");
}

static void check_msix(struct doctor *d)
{
	unsigned char config[CONFIG_ROOM + 1];
	size_t len;
	unsigned at;

	if (!have_device(d))
		return;
	len = read_config(d, config);
	if (len < CONFIG_HEADER) {
		doctor_tell(d, DOCTOR_SKIPPED, DEVICES "/%s/config cannot be read",
			    d->device);
		return;
	}
	at = find_capability(config, len, CAPABILITY_MSIX);
	if (at == CONFIG_ROOM) {
		doctor_tell(d, DOCTOR_SKIPPED, "only root may read the capabilities");
	} else if (at > 0) {
		/* Message Control, bits 0 to 10: one less than the table's size. */
		tell_msix(d, ((config[at + 2] | (unsigned)config[at + 3] << 8) & 0x7ffu) + 1);
	} else {
		doctor_try(d, "qemu-system-x86_64 ... -chardev socket,path=/run/bellring.sock,"
			   "id=bell -device ivshmem-doorbell,chardev=bell,vectors=16");
		doctor_tell(d, DOCTOR_WARNING, "no MSI-X: it is ivshmem-plain, without "
			    "doorbells; messages are polled for");
	}
}

static void check_master(struct doctor *d)
{
	unsigned char config[CONFIG_ROOM + 1];

	if (!have_device(d))
		return;
	if (bell_vectors(d->peer) == 0) {
		doctor_tell(d, DOCTOR_SKIPPED, "no interrupts this way");
	} else if (read_config(d, config) < CONFIG_HEADER) {
		doctor_tell(d, DOCTOR_SKIPPED, DEVICES "/%s/config cannot be read",
			    d->device);
	} else if (config[CONFIG_COMMAND] & COMMAND_MASTER) {
		doctor_tell(d, DOCTOR_OK, "bus mastering is on, so MSI-X can write");
	} else {
		doctor_try(d, "sudo setpci -s %s COMMAND=6:6", d->device);
		doctor_tell(d, DOCTOR_FAILURE, "bus mastering is off: no interrupt ever "
			    "arrives");
	}
}

/* ---- driver and module -------------------------------------------------------------------- */

static bool is_loaded(const struct doctor *d)
{
	return tree_exists(d, "/sys/module/" MODULE);
}

/* Whether modprobe would find it: modules.dep(5) names each file. */
static bool is_installed(const struct doctor *d)
{
	char path[TREE_PATH];
	struct utsname kernel;

	if (uname(&kernel) < 0)
		return false;
	snprintf(path, sizeof(path), "/lib/modules/%.64s/modules.dep", kernel.release);
	return tree_has(d, path, "/" MODULE ".ko");
}

#define INSTALL "sudo dkms install ivshmem-doorbell/" PACKAGE_VERSION

/* The module where it can be had, else vfio-pci where that can serve the device. */
static void try_driver(struct doctor *d)
{
	if (is_loaded(d))
		doctor_try(d, "echo %s | sudo tee /sys/bus/pci/drivers/" MODULE "/bind",
			   d->device);
	else if (is_installed(d))
		doctor_try(d, "sudo modprobe " MODULE);
	else if (tree_exists(d, DEVICES "/%s/iommu_group", d->device))
		doctor_try(d, "sudo bellring bind pci:%s", d->device);
	else
		doctor_try(d, "sudo make install && " INSTALL " # in Bellring's sources");
}

static void check_driver(struct doctor *d)
{
	char driver[TREE_NAME];

	if (!have_device(d))
		return;
	tree_link(d, driver, sizeof(driver), DEVICES "/%s/driver", d->device);
	if (strcmp(driver, MODULE) == 0 || strcmp(driver, "vfio-pci") == 0) {
		doctor_tell(d, DOCTOR_OK, "bound to %s", driver);
		return;
	}
	try_driver(d);
	if (strncmp(driver, "uio", 3) == 0)
		doctor_tell(d, DOCTOR_WARNING, "bound to %s, which knows no MSI-X: no "
			    "interrupts", driver);
	else if (*driver)
		doctor_tell(d, DOCTOR_FAILURE, "bound to %s, which is none of ours", driver);
	else
		doctor_tell(d, DOCTOR_WARNING, "bound to no driver: only root can use it, "
			    "without interrupts");
}

static void find_source(struct doctor *d, const char *name, void *arg)
{
	if (strncmp(name, "ivshmem-doorbell-", 17) == 0 &&
	    tree_exists(d, "/usr/src/%s/dkms.conf", name))
		*(bool *)arg = true;
}

static void check_module(struct doctor *d)
{
	bool source = false;

	if (is_loaded(d)) {
		doctor_tell(d, DOCTOR_OK, MODULE " is loaded");
		return;
	}
	if (is_installed(d)) {
		doctor_try(d, "sudo modprobe " MODULE);
		doctor_tell(d, DOCTOR_WARNING, MODULE " is installed and not loaded");
		return;
	}
	tree_each(d, "/usr/src", find_source, &source);
	if (source) {
		doctor_try(d, "sudo apt-get install linux-headers-$(uname -r) && "
			   "sudo dkms autoinstall && sudo modprobe " MODULE);
		doctor_tell(d, DOCTOR_WARNING, MODULE " is not built for this kernel");
		return;
	}
	doctor_tell(d, DOCTOR_OK, MODULE " is not installed: vfio-pci serves, for one "
		    "process at a time");
}

/* ---- what the kernel forbids ------------------------------------------------------------------ */

static void check_lockdown(struct doctor *d)
{
	char mode[64], enforce[8], driver[TREE_NAME];
	bool locked, signed_only;

	tree_line(d, mode, sizeof(mode), "/sys/kernel/security/lockdown");
	tree_line(d, enforce, sizeof(enforce), "/sys/module/module/parameters/sig_enforce");
	tree_link(d, driver, sizeof(driver), DEVICES "/%s/driver", d->device);
	locked = strstr(mode, "[integrity]") || strstr(mode, "[confidentiality]");
	signed_only = locked || strcmp(enforce, "Y") == 0;
	if (!signed_only) {
		doctor_tell(d, DOCTOR_OK, "the kernel is not locked down");
	} else if (is_loaded(d) || strcmp(driver, "vfio-pci") == 0) {
		doctor_tell(d, DOCTOR_OK, "the kernel is locked down, which is no matter to %s",
			    is_loaded(d) ? MODULE : driver);
	} else {
		doctor_try(d, "sudo mokutil --import /var/lib/dkms/mok.pub && sudo reboot");
		doctor_tell(d, DOCTOR_WARNING, "the kernel %s: " MODULE " has to be signed%s",
			    locked ? "is locked down (secure boot)" :
				     "takes signed modules only",
			    locked ? ", and the memory cannot be mapped without a driver" : "");
	}
}

/* ---- permissions ------------------------------------------------------------------------------ */

static void find_node(struct doctor *d, const char *name, void *arg)
{
	(void)d;
	snprintf(arg, TREE_NAME, "/dev/%.32s", name);
}

/* The node that who is not root needs; "" if the driver has none. */
static void find_own_node(struct doctor *d, char node[TREE_NAME])
{
	char driver[TREE_NAME], group[TREE_NAME], path[TREE_PATH];

	node[0] = '\0';
	snprintf(path, sizeof(path), DEVICES "/%s/misc", d->device);
	tree_link(d, driver, sizeof(driver), DEVICES "/%s/driver", d->device);
	tree_link(d, group, sizeof(group), DEVICES "/%s/iommu_group", d->device);
	if (strcmp(driver, MODULE) == 0)
		tree_each(d, path, find_node, node);
	else if (strcmp(driver, "vfio-pci") == 0 && *group)
		snprintf(node, TREE_NAME, "/dev/vfio/%.32s", group);
}

/* As the udev rule makes it, a group may use it; without the rule only root. */
static void tell_closed(struct doctor *d, const char *node, const struct stat *st)
{
	char user[USERS_NAME], group[USERS_NAME];

	users_user(geteuid(), user);
	if (st->st_gid != 0 && (st->st_mode & 0060) == 0060)
		doctor_try(d, "sudo usermod -aG %s %s # then log in again",
			   users_group(st->st_gid, group), user);
	else
		doctor_try(d, "sudo chown %s %s", user, node);
	doctor_tell(d, DOCTOR_FAILURE, "%s is closed to user %s", node, user);
}

static void check_rights(struct doctor *d)
{
	char node[TREE_NAME], path[TREE_PATH];
	struct stat st;

	if (!have_device(d))
		return;
	find_own_node(d, node);
	tree_path(d, path, "%s", node);
	if (!node[0] || stat(path, &st) < 0)
		doctor_tell(d, DOCTOR_SKIPPED, "no driver of ours has a node for it in /dev");
	else if (tree_usable(path))
		doctor_tell(d, DOCTOR_OK, "%s may be used by this user", node);
	else
		tell_closed(d, node, &st);
}

/* ---- processors -------------------------------------------------------------------------------- */

enum emulation { NOT_EMULATED, EMULATED, UNKNOWN };

/* By the model that QEMU gives a CPU and the clock that only KVM has; x86 only. */
static enum emulation is_emulated(const struct doctor *d)
{
	char text[TREE_TEXT];

	(void)tree_read(d, text, sizeof(text), "/proc/cpuinfo");
	if (!strstr(text, "model name"))
		return UNKNOWN;
	if (!strstr(text, "QEMU Virtual CPU") && !strstr(text, "QEMU TCG CPU"))
		return NOT_EMULATED;
	return tree_has(d, "/sys/devices/system/clocksource/clocksource0/"
			"available_clocksource", "kvm-clock") ? NOT_EMULATED : EMULATED;
}

static void check_cpus(struct doctor *d)
{
	enum emulation emulated = is_emulated(d);
	char possible[32];

	tree_line(d, possible, sizeof(possible), "/sys/devices/system/cpu/possible");
	if (strcmp(possible, "0") != 0) {
		doctor_tell(d, DOCTOR_OK, "%s: there may be more than one", possible);
		return;
	}
	if (emulated == NOT_EMULATED) {
		doctor_tell(d, DOCTOR_OK, "one, which QEMU does not emulate");
		return;
	}
	doctor_try(d, "qemu-system-... -smp 1,maxcpus=2");
	if (emulated == EMULATED)
		doctor_tell(d, DOCTOR_FAILURE, "QEMU emulates one CPU at most, and so leaves "
			    "out memory barriers: peers lose wake-ups");
	else
		doctor_tell(d, DOCTOR_WARNING, "one CPU at most: if QEMU emulates it, it leaves "
			    "out memory barriers, and peers lose wake-ups");
}

const struct doctor_check doctor_guest[] = {
	{ "device", DOCTOR_GUEST, false, check_device },
	{ "msi-x", DOCTOR_GUEST, false, check_msix },
	{ "module", DOCTOR_GUEST, false, check_module },
	{ "driver", DOCTOR_GUEST, false, check_driver },
	{ "lockdown", DOCTOR_GUEST, false, check_lockdown },
	{ "rights", DOCTOR_GUEST, false, check_rights },
	{ "cpus", DOCTOR_GUEST, false, check_cpus },
	{ NULL, 0, false, NULL },
};

const struct doctor_check doctor_guest_opened[] = {
	{ "busmaster", DOCTOR_GUEST, true, check_master },
	{ NULL, 0, false, NULL },
};
