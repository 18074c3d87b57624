/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test-pci.c - finding devices in made-up sysfs trees
 */
#include "pci.h"

#include "bellring.h"
#include "pci-tree.h"
#include "testing.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- addresses ----------------------------------------------------------- */

static const struct {
	const char *text, *name; /* NULL: not an address */
} addresses[] = {
	{ "0000:00:03.0", "0000:00:03.0" },
	{ "00:03.0", "0000:00:03.0" },
	{ "0:3.0", "0000:00:03.0" },
	{ "0001:FF:1F.7", "0001:ff:1f.7" },
	{ "10000:00:02.0", "10000:00:02.0" },
	{ "ffffffff:ff:1f.7", "ffffffff:ff:1f.7" },
	{ "100000000:00:02.0", NULL },
	{ "00:20.0", NULL },
	{ "00:03.8", NULL },
	{ "100:03.0", NULL },
	{ "00:03", NULL },
	{ "00:03.", NULL },
	{ "03.0", NULL },
	{ "", NULL },
	{ " 00:03.0", NULL },
	{ "00:03.0 ", NULL },
	{ "-1:03.0", NULL },
	{ "0x0:03.0", NULL },
	{ "0:0:0:03.0", NULL },
	{ "../../etc", NULL },
};

START_TEST(address)
{
	char name[PCI_NAME_SIZE] = "untouched";
	int rc = pci_parse(addresses[_i].text, name);

	if (addresses[_i].name) {
		ck_assert_int_eq(rc, 0);
		ck_assert_str_eq(name, addresses[_i].name);
		return;
	}
	ck_assert_msg(rc == -BELL_EINVAL, "'%s': %d", addresses[_i].text, rc);
	ck_assert_str_eq(name, "untouched");
	ck_assert_ptr_nonnull(strstr(bell_detail(), "pci:0000:00:03.0"));
}
END_TEST

/* ---- finding ------------------------------------------------------------- */

static const struct {
	const char *name;
	const char *address;
	int devices; /* ivshmem devices at 00:03.0, 00:04.0 */
	int want;
	const char *says; /* in the detail, or the device found */
} finds[] = {
	{ "the only one", "", 1, 0, "0000:00:03.0" },
	{ "by its name", "0000:00:04.0", 2, 0, "0000:00:04.0" },
	{ "by a short name", "00:04.0", 2, 0, "0000:00:04.0" },
	{ "none", "", 0, -BELL_ENODEV, "-device ivshmem-doorbell" },
	{ "none, and named", "00:03.0", 0, -BELL_ENODEV, "00:03.0: no ivshmem" },
	{ "two", "", 2, -BELL_ENOTUNIQ, "0000:00:04.0 (" },
	{ "not there", "00:09.0", 2, -BELL_ENODEV, "there is: 0000:00:03.0" },
	{ "something else", "00:1f.0", 1, -BELL_ENODEV, "8086:2918" },
	{ "not an address", "00:03", 1, -BELL_EINVAL, "the forms are" },
	{ "a name that none has", "first", 1, -BELL_ENODEV, "0000:00:03.0 (no name)" },
};

static const char nothing[4096];

START_TEST(find)
{
	struct pci_device dev = { .name = "untouched" };
	int before, rc;

	tree_begin(_i);
	tree_add_device("0000:00:1f.0", "0x8086\n", "0x2918\n");
	if (finds[_i].devices > 1)
		tree_add_ivshmem("0000:00:04.0");
	if (finds[_i].devices > 0) {
		tree_add_ivshmem("0000:00:03.0");
		tree_put("0000:00:03.0", "resource2", nothing, sizeof(nothing));
	}
	before = open_fds();
	rc = pci_find(tree_sysfs, finds[_i].address, &dev);
	ck_assert_int_eq(open_fds(), before);
	ck_assert_msg(rc == finds[_i].want, "%s: %d: %s", finds[_i].name, rc,
		      bell_detail());
	ck_assert_str_eq(dev.name, rc == 0 ? finds[_i].says : "untouched");
	if (rc < 0)
		ck_assert_msg(strstr(bell_detail(), finds[_i].says) != NULL,
			      "%s: %s", finds[_i].name, bell_detail());
}
END_TEST

START_TEST(no_bus_is_said)
{
	struct pci_device dev;

	tree_none();
	ck_assert_int_eq(pci_find(tree_sysfs, "", &dev), -BELL_ENODEV);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "sysfs mounted"));
}
END_TEST

START_TEST(list_is_bounded)
{
	struct pci_device list[2];

	tree_begin(0);
	tree_add_ivshmem("0000:00:03.0");
	tree_add_ivshmem("0000:00:04.0");
	tree_add_ivshmem("0000:00:05.0");
	ck_assert_int_eq(pci_list(tree_sysfs, list, 2), 2);
}
END_TEST

/* ---- what is read of a device --------------------------------------------- */

static const struct {
	const char *name;
	size_t size; /* of the config file; 0: none */
	unsigned char status, first;
	struct {
		unsigned char at, id, next;
	} cap[2];
	enum pci_msix want;
} configs[] = {
	{ "MSI-X", 256, 0x10, 0x40, { { 0x40, 0x11, 0 } }, PCI_MSIX_YES },
	{ "second", 256, 0x10, 0x40,
	  { { 0x40, 0x01, 0x50 }, { 0x50, 0x11, 0 } }, PCI_MSIX_YES },
	{ "reserved pointer bits", 256, 0x10, 0x43, { { 0x40, 0x11, 0 } },
	  PCI_MSIX_YES },
	{ "plain", 256, 0, 0, { { 0 } }, PCI_MSIX_NO },
	{ "no list, stale pointer", 256, 0, 0x40, { { 0x40, 0x11, 0 } },
	  PCI_MSIX_NO },
	{ "other capability", 256, 0x10, 0x40, { { 0x40, 0x01, 0 } },
	  PCI_MSIX_NO },
	{ "a loop", 256, 0x10, 0x40,
	  { { 0x40, 0x01, 0x50 }, { 0x50, 0x01, 0x40 } }, PCI_MSIX_NO },
	{ "points into the header", 256, 0x10, 0x10, { { 0x10, 0x11, 0 } },
	  PCI_MSIX_NO },
	{ "last word", 256, 0x10, 0xfc, { { 0xfc, 0x11, 0 } }, PCI_MSIX_YES },
	{ "not root", 64, 0x10, 0x40, { { 0 } }, PCI_MSIX_UNKNOWN },
	{ "cut in the header", 16, 0x10, 0x40, { { 0 } }, PCI_MSIX_UNKNOWN },
	{ "no file", 0, 0, 0, { { 0 } }, PCI_MSIX_UNKNOWN },
};

START_TEST(msix)
{
	unsigned char cfg[256] = { 0xf4, 0x1a, 0x10, 0x11 };
	struct pci_device dev;

	tree_begin(_i);
	tree_add_ivshmem("0000:00:03.0");
	cfg[0x06] = configs[_i].status;
	cfg[0x34] = configs[_i].first;
	for (int i = 0; i < ARRAY_LEN(configs[_i].cap); i++) {
		if (configs[_i].cap[i].at == 0)
			continue;
		cfg[configs[_i].cap[i].at] = configs[_i].cap[i].id;
		cfg[configs[_i].cap[i].at + 1] = configs[_i].cap[i].next;
	}
	if (configs[_i].size)
		tree_put("0000:00:03.0", "config", cfg, configs[_i].size);
	ck_assert_int_eq(pci_find(tree_sysfs, "", &dev), 0);
	ck_assert_msg(dev.msix == configs[_i].want, "%s: %d", configs[_i].name,
		      (int)dev.msix);
}
END_TEST

START_TEST(attributes)
{
	struct pci_device dev;

	tree_begin(0);
	tree_add_ivshmem("0000:00:03.0");
	tree_put_link("0000:00:03.0", "driver", "../../../bus/pci/drivers/vfio-pci");
	tree_put_link("0000:00:03.0", "iommu_group",
		 "../../../kernel/iommu_groups/17");
	tree_put_text("0000:00:03.0", "resource",
		 "0x00000000febfb000 0x00000000febfb0ff 0x0000000000040200\n"
		 "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		 "0x0000000800000000 0x00000009ffffffff 0x000000000014220c\n"
		 "nonsense\n");
	ck_assert_int_eq(pci_find(tree_sysfs, "", &dev), 0);
	ck_assert_str_eq(dev.driver, "vfio-pci");
	ck_assert_int_eq(dev.iommu_group, 17);
	ck_assert_uint_eq(dev.bar_size[0], 256);
	ck_assert_uint_eq(dev.bar_size[1], 0);
	ck_assert_uint_eq(dev.bar_size[2], UINT64_C(0x200000000));
	ck_assert_uint_eq(dev.bar_size[3], 0);
}
END_TEST

START_TEST(attributes_that_are_not_there)
{
	struct pci_device dev;

	tree_begin(0);
	tree_add_ivshmem("0000:00:03.0");
	ck_assert_int_eq(pci_find(tree_sysfs, "", &dev), 0);
	ck_assert_str_eq(dev.driver, "");
	ck_assert_int_eq(dev.iommu_group, -1);
	ck_assert_uint_eq(dev.bar_size[2], 0);
}
END_TEST

/* ---- what vfio needs ----------------------------------------------------- */

static const struct {
	enum pci_msix msix;
	int group, want;
	const char *remedy;
} checks[] = {
	{ PCI_MSIX_YES, 0, 0, NULL },
	{ PCI_MSIX_UNKNOWN, 5, 0, NULL },
	{ PCI_MSIX_NO, 5, -BELL_EUNSUP, "-device ivshmem-doorbell" },
	{ PCI_MSIX_NO, -1, -BELL_EUNSUP, "-device ivshmem-doorbell" },
	{ PCI_MSIX_YES, -1, -BELL_EUNSUP, "-device intel-iommu,intremap=on" },
	{ PCI_MSIX_YES, -1, -BELL_EUNSUP, "intel_iommu=on" },
};

START_TEST(usable)
{
	struct pci_device dev = { .name = "0000:00:03.0",
				  .msix = checks[_i].msix,
				  .iommu_group = checks[_i].group,
				  .iommu = checks[_i].group >= 0 };

	ck_assert_int_eq(pci_check(&dev), checks[_i].want);
	if (checks[_i].remedy)
		ck_assert_ptr_nonnull(strstr(bell_detail(), checks[_i].remedy));
}
END_TEST

static const struct {
	const char *driver; /* of the other device in the group; NULL: none */
	int want;
} blockers[] = {
	{ NULL, 0 },	   { "vfio-pci", 0 }, { "pci-stub", 0 },
	{ "pcieport", 0 }, { "e1000e", 1 },   { "vfio-pci-not", 1 },
};

START_TEST(blocker)
{
	struct pci_device other = { .name = "untouched" };
	char path[PATH_MAX], target[PATH_MAX + 16];

	tree_begin(_i);
	snprintf(path, sizeof(path), "%s/kernel/iommu_groups/3/devices", tree_sysfs);
	tree_folder(path);
	strcat(path, "/0000:00:1f.0");
	ck_assert_int_eq(symlink("../../../../bus/pci", path), 0);
	tree_add_device("0000:00:1f.0", "0x8086\n", "0x2918\n");
	if (blockers[_i].driver) {
		snprintf(target, sizeof(target), "../../../drivers/%s",
			 blockers[_i].driver);
		tree_put_link("0000:00:1f.0", "driver", target);
	}
	ck_assert_int_eq(pci_group_blocker(tree_sysfs, 3, &other), blockers[_i].want);
	ck_assert_str_eq(other.name,
			 blockers[_i].want ? "0000:00:1f.0" : "untouched");
	ck_assert_int_eq(pci_group_blocker(tree_sysfs, 4, &other), 0);
}
END_TEST

/* ---- bell_bind() --------------------------------------------------------- */

START_TEST(bind_takes_guest_addresses_only)
{
	ck_assert_int_eq(bell_bind("unix:/run/x", NULL, NULL, NULL), -BELL_EINVAL);
	ck_assert_ptr_nonnull(strstr(bell_detail(), "pci:"));
	ck_assert_int_eq(bell_bind(NULL, NULL, NULL, NULL), -BELL_EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pci");
	TCase *tc = tcase_create("pci");

	tcase_add_unchecked_fixture(tc, tree_make, tree_remove);
	tcase_add_loop_test(tc, address, 0, ARRAY_LEN(addresses));
	tcase_add_loop_test(tc, find, 0, ARRAY_LEN(finds));
	tcase_add_test(tc, no_bus_is_said);
	tcase_add_test(tc, list_is_bounded);
	tcase_add_loop_test(tc, msix, 0, ARRAY_LEN(configs));
	tcase_add_test(tc, attributes);
	tcase_add_test(tc, attributes_that_are_not_there);
	tcase_add_loop_test(tc, usable, 0, ARRAY_LEN(checks));
	tcase_add_loop_test(tc, blocker, 0, ARRAY_LEN(blockers));
	tcase_add_test(tc, bind_takes_guest_addresses_only);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
