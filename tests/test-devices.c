/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test-devices.c - what is told of devices, and finding one by its memory's name
 */
#include "devices.h"

#include "layout.h"
#include "pci.h"
#include "pci-tree.h"
#include "testing.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- by the name of the memory ------------------------------------------- */

/* The first page of a bus with that name; NULL: no file; "": no bus in it. */
static void put_memory(const char *device, const char *name)
{
	static _Alignas(64) unsigned char memory[1 << 20];
	struct layout_wish wish = { .name = name };
	struct layout l = { 0 };

	if (!name)
		return;
	memset(memory, 0, sizeof(memory));
	ck_assert_int_eq(layout_plan(sizeof(memory), &wish, &l), 0);
	if (name[0])
		layout_format(memory, &l, 1);
	tree_put(device, "resource2", memory, 4096);
}

static const struct {
	const char *what;
	const char *wanted;
	const char *names[2]; /* of 00:03.0 and 00:04.0 */
	int want;
	const char *says; /* in the detail, or the device found */
} named[] = {
	{ "first", "web", { "web", "db" }, 0, "0000:00:03.0" },
	{ "second", "db", { "web", "db" }, 0, "0000:00:04.0" },
	{ "looks like a number", "03", { "web", "03" }, 0, "0000:00:04.0" },
	{ "only one has a bus", "db", { "", "db" }, 0, "0000:00:04.0" },
	{ "none", "log", { "web", "" }, -BELL_ENODEV,
	  "0000:00:03.0 (web), 0000:00:04.0 (no name)" },
	{ "a part of it", "we", { "web", "db" }, -BELL_ENODEV, "(web)" },
	{ "both", "web", { "web", "web" }, -BELL_ENOTUNIQ, "pci:web: fits several" },
	{ "one cannot be read", "log", { "web", NULL }, -BELL_EIO,
	  "0000:00:04.0 (name unknown: " },
	{ "the other cannot be read", "web", { "web", NULL }, 0, "0000:00:03.0" },
};

START_TEST(find_by_name)
{
	struct pci_device dev = { .name = "untouched" };
	int before, rc;

	tree_begin(_i);
	tree_add_ivshmem("0000:00:03.0");
	tree_add_ivshmem("0000:00:04.0");
	put_memory("0000:00:03.0", named[_i].names[0]);
	put_memory("0000:00:04.0", named[_i].names[1]);
	before = open_fds();
	rc = pci_find(tree_sysfs, named[_i].wanted, &dev);
	ck_assert_int_eq(open_fds(), before);
	ck_assert_msg(rc == named[_i].want, "%s: %d: %s", named[_i].what, rc,
		      bell_detail());
	ck_assert_str_eq(dev.name, rc == 0 ? named[_i].says : "untouched");
	if (rc < 0)
		ck_assert_msg(strstr(bell_detail(), named[_i].says) != NULL,
			      "%s: %s", named[_i].what, bell_detail());
}
END_TEST

/* Nothing is read behind a file's end: that would be a SIGBUS. */
START_TEST(short_memory_has_no_name)
{
	struct pci_device dev;

	tree_begin(0);
	tree_add_ivshmem("0000:00:03.0");
	tree_put_text("0000:00:03.0", "resource2", "short");
	ck_assert_int_eq(pci_find(tree_sysfs, "web", &dev), -BELL_EIO);
}
END_TEST

/* ---- bell_devices() -------------------------------------------------------- */

static void put_resource(const char *name)
{
	tree_put_text(name, "resource",
		 "0x00000000febfb000 0x00000000febfb0ff 0x0000000000040200\n"
		 "0x00000000febfc000 0x00000000febfcfff 0x0000000000040200\n"
		 "0x0000000800000000 0x00000008000fffff 0x000000000014220c\n");
}

/* Sixteen vectors, or with size 64 what is not root's to see. */
static void put_config(const char *name, size_t size)
{
	unsigned char cfg[256] = { 0xf4, 0x1a, 0x10, 0x11 };

	cfg[0x06] = 0x10;
	cfg[0x34] = 0x40;
	cfg[0x40] = 0x11;
	cfg[0x42] = 15;
	tree_put(name, "config", cfg, size);
}

static void put_pat(const char *lines)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/kernel/debug/x86", tree_sysfs);
	tree_folder(path);
	strcat(path, "/pat_memtype_list");
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(lines, f);
	ck_assert_int_eq(fclose(f), 0);
}

static const struct {
	const char *driver; /* NULL: none */
	const char *pat;    /* NULL: no such file */
	enum bell_mapping want;
	const char *from;
} mappings[] = {
	{ "vfio-pci", NULL, BELL_MAPPING_UNCACHED, "vfio-pci" },
	{ "ivshmem_doorbell", NULL, BELL_MAPPING_CACHED, "ivshmem_doorbell" },
	{ "uio_pci_generic", NULL, BELL_MAPPING_UNKNOWN, "" },
	{ "", NULL,
#if defined(__x86_64__) || defined(__i386__)
	  BELL_MAPPING_UNCACHED,
#else
	  BELL_MAPPING_COMBINED,
#endif
	  "the port sysfs" },
	{ "ivshmem_doorbell",
	  "PAT memtype list:\nPAT: [mem 0x00000000febfb000-0x00000000febfc000] uncached-minus\n"
	  "PAT: [mem 0x0000000800000000-0x0000000800100000] uncached-minus\n",
	  BELL_MAPPING_UNCACHED, "kernel" },
	{ "vfio-pci", "PAT: [mem 0x0000000800000000-0x0000000800001000] write-back\n",
	  BELL_MAPPING_CACHED, "kernel: write-back" },
	{ "vfio-pci", "PAT: [mem 0x0000000800000000-0x0000000800001000] write-combining\n",
	  BELL_MAPPING_COMBINED, "kernel" },
	{ "vfio-pci", "PAT: [mem 0x0000000900000000-0x0000000900001000] write-back\n",
	  BELL_MAPPING_UNCACHED, "vfio-pci" },
};

START_TEST(mapping)
{
	struct bell_device_info info;
	char target[64];

	tree_begin(_i);
	tree_add_ivshmem("0000:00:03.0");
	put_resource("0000:00:03.0");
	snprintf(target, sizeof(target), "../../../bus/pci/drivers/%s",
		 mappings[_i].driver);
	if (mappings[_i].driver[0])
		tree_put_link("0000:00:03.0", "driver", target);
	if (mappings[_i].pat)
		put_pat(mappings[_i].pat);
	ck_assert_int_eq(devices_list(tree_sysfs, &info, 1), 1);
	ck_assert_msg(info.mapping == mappings[_i].want, "%d: %s", _i,
		      bell_mapping_name(info.mapping));
	ck_assert_ptr_nonnull(strstr(info.mapping_from, mappings[_i].from));
}
END_TEST

/* It knows what it got, and tells everybody. */
START_TEST(module_is_asked)
{
	static const char at[] = "0000:00:03.0/misc/ivshmem7";
	struct bell_device_info info;
	char path[PATH_MAX];

	tree_begin(0);
	tree_add_ivshmem("0000:00:03.0");
	put_resource("0000:00:03.0");
	put_config("0000:00:03.0", 64);
	tree_put_link("0000:00:03.0", "driver",
		      "../../../bus/pci/drivers/ivshmem_doorbell");
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s", tree_sysfs, at);
	tree_folder(path);
	tree_put_text(at, "mapping", "uncached\n");
	tree_put_text(at, "vectors", "9\n");
	ck_assert_int_eq(devices_list(tree_sysfs, &info, 1), 1);
	ck_assert_int_eq((int)info.mapping, BELL_MAPPING_UNCACHED);
	ck_assert_str_eq(info.mapping_from, "told by ivshmem_doorbell");
	ck_assert_int_eq(info.doorbell, 1);
	ck_assert_uint_eq(info.vectors, 9);
	tree_put_text(at, "mapping", "cached\n");
	tree_put_text(at, "vectors", "0\n");
	ck_assert_int_eq(devices_list(tree_sysfs, &info, 1), 1);
	ck_assert_int_eq((int)info.mapping, BELL_MAPPING_CACHED);
	ck_assert_int_eq(info.doorbell, -1);
}
END_TEST

START_TEST(devices)
{
	struct bell_device_info list[3];

	tree_begin(0);
	tree_add_ivshmem("0000:00:04.0");
	put_resource("0000:00:04.0");
	tree_add_ivshmem("0000:00:03.0");
	put_resource("0000:00:03.0");
	put_config("0000:00:03.0", 256);
	put_memory("0000:00:03.0", "web");
	put_config("0000:00:04.0", 64);
	ck_assert_int_eq(devices_list(tree_sysfs, list, 3), 2);
	ck_assert_str_eq(list[0].address, "pci:0000:00:03.0");
	ck_assert_str_eq(list[0].name, "web");
	ck_assert_int_eq(list[0].name_error, 0);
	ck_assert_uint_eq(list[0].memory, 1 << 20);
	ck_assert_int_eq(list[0].doorbell, 1);
	ck_assert_uint_eq(list[0].vectors, 16);
	ck_assert_str_eq(list[0].driver, "");
	ck_assert_str_eq(list[1].address, "pci:0000:00:04.0");
	ck_assert_int_eq(list[1].doorbell, -1);
	ck_assert_int_eq(list[1].name_error, -BELL_EIO);
	ck_assert_uint_eq(list[1].vectors, 0);
	list[1].doorbell = 77;
	ck_assert_int_eq(devices_list(tree_sysfs, list, 1), 2);
	ck_assert_int_eq(list[1].doorbell, 77);
}
END_TEST

START_TEST(no_bus_is_no_device)
{
	struct bell_device_info info;

	tree_none();
	ck_assert_int_eq(devices_list(tree_sysfs, &info, 1), 0);
}
END_TEST

/* ---- bell_ways() ----------------------------------------------------------- */

START_TEST(ways)
{
	struct bell_way list[8];
	int n = bell_ways("pci:ffff:1f:1f.7", list, 8);

	ck_assert_int_ge(n, 1);
	for (int i = 0; i < n; i++) {
		ck_assert_msg(list[i].error == -BELL_ENODEV, "%s: %d", list[i].port,
			      list[i].error);
		ck_assert_ptr_nonnull(strstr(list[i].why, "ffff:1f:1f.7"));
	}
	list[0].error = 77;
	ck_assert_int_eq(bell_ways("pci:ffff:1f:1f.7", list, 0), n);
	ck_assert_int_eq(list[0].error, 77);
	ck_assert_int_eq(bell_ways("unix:/x", list, 8), 1);
	ck_assert_str_eq(list[0].port, "unix");
	ck_assert_int_eq(bell_ways("pc:", list, 8), -BELL_EINVAL);
	ck_assert_int_eq(bell_ways("nonsense", list, 8), -BELL_EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("devices");
	TCase *tc = tcase_create("devices");

	tcase_add_unchecked_fixture(tc, tree_make, tree_remove);
	tcase_add_loop_test(tc, find_by_name, 0, ARRAY_LEN(named));
	tcase_add_test(tc, short_memory_has_no_name);
	tcase_add_loop_test(tc, mapping, 0, ARRAY_LEN(mappings));
	tcase_add_test(tc, module_is_asked);
	tcase_add_test(tc, devices);
	tcase_add_test(tc, no_bus_is_no_device);
	tcase_add_test(tc, ways);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
