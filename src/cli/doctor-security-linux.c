/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Security modules of a host that confine QEMU, and what they say of the address.
 *
 * libvirt's virt-aa-helper writes AppArmor's rule for a <shmem> of the machine's
 * XML by itself, but knows nothing of <qemu:commandline>.
 */
#include "doctor-parts.h"
#include "doctor-tree.h"

#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#define ABSTRACTION "/etc/apparmor.d/abstractions/libvirt-qemu"
#define LOCAL_RULES "/etc/apparmor.d/local/abstractions/libvirt-qemu"
#define MACHINES "/etc/apparmor.d/libvirt"

/* ---- AppArmor ----------------------------------------------------------------------- */

struct rules {
	const char *path;
	bool found;
};

static void look_in_machine(struct doctor *d, const char *name, void *arg)
{
	char path[TREE_PATH];
	struct rules *r = arg;

	snprintf(path, sizeof(path), MACHINES "/%s", name);
	r->found = r->found || tree_has(d, path, r->path);
}

static bool has_rule(struct doctor *d)
{
	struct rules r = { .path = doctor_place(d) };

	r.found = tree_has(d, ABSTRACTION, r.path) || tree_has(d, LOCAL_RULES, r.path);
	if (!r.found)
		tree_each(d, MACHINES, look_in_machine, &r);
	return r.found;
}

static void check_apparmor(struct doctor *d)
{
	const char *path = doctor_place(d);
	char on[8];

	tree_line(d, on, sizeof(on), "/sys/module/apparmor/parameters/enabled");
	if (strcmp(on, "Y") != 0) {
		doctor_tell(d, DOCTOR_OK, "AppArmor is off");
	} else if (!tree_exists(d, ABSTRACTION)) {
		doctor_tell(d, DOCTOR_OK, "AppArmor is on, without libvirt's profiles");
	} else if (has_rule(d)) {
		doctor_tell(d, DOCTOR_OK, "AppArmor is on, and libvirt's profiles name %s",
			    path);
	} else {
		doctor_try(d, "echo '\"%s\" rw,' | sudo tee -a " LOCAL_RULES, path);
		doctor_tell(d, DOCTOR_WARNING, "AppArmor is on, and no profile of libvirt "
			    "names %s: only machines with a <shmem> may use it, not those "
			    "with <qemu:commandline>", path);
	}
}

/* ---- SELinux ------------------------------------------------------------------------ */

static void read_label(struct doctor *d, char *label, size_t size)
{
	char path[TREE_PATH];
	ssize_t n;

	tree_path(d, path, "%s", doctor_place(d));
	n = getxattr(path, "security.selinux", label, size - 1);
	label[n > 0 ? n : 0] = '\0';
}

static void check_selinux(struct doctor *d)
{
	char enforce[8], label[128];

	tree_line(d, enforce, sizeof(enforce), "/sys/fs/selinux/enforce");
	if (strcmp(enforce, "1") != 0) {
		doctor_tell(d, DOCTOR_OK, "SELinux is %s",
			    *enforce ? "permissive" : "off");
		return;
	}
	read_label(d, label, sizeof(label));
	if (strstr(label, ":svirt_image_t:") && d->side == DOCTOR_FILE) {
		doctor_tell(d, DOCTOR_OK, "SELinux enforces; machines may use %s", label);
		return;
	}
	if (d->side == DOCTOR_FILE)
		doctor_try(d, "sudo chcon -t svirt_image_t %s", doctor_place(d));
	else
		doctor_try(d, "sudo ausearch -m avc -c qemu-kvm --raw | audit2allow -M "
			   "bellring && sudo semodule -i bellring.pp");
	doctor_tell(d, DOCTOR_WARNING, "SELinux enforces: libvirt's machines (svirt_t) need a "
		    "rule for %s, label %s", doctor_place(d), *label ? label : "unknown");
}

const struct doctor_check doctor_security[] = {
	{ "apparmor", DOCTOR_HOST | DOCTOR_FILE, false, check_apparmor },
	{ "selinux", DOCTOR_HOST | DOCTOR_FILE, false, check_selinux },
	{ NULL, 0, false, NULL },
};
