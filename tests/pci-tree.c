/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* nftw() */
#include "pci-tree.h"

#include "testing.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/test-pci-XXXXXX";
char tree_sysfs[TREE_SIZE];

void tree_make(void)
{
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void tree_remove(void)
{
	ck_assert_int_eq(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void tree_folder(const char *path)
{
	char part[PATH_MAX];

	for (const char *s = path + 1; (s = strchr(s, '/')); s++) {
		snprintf(part, sizeof(part), "%.*s", (int)(s - path), path);
		mkdir(part, 0755);
	}
	mkdir(path, 0755);
	ck_assert_int_eq(access(path, W_OK), 0);
}

void tree_begin(int number)
{
	char path[PATH_MAX];

	snprintf(tree_sysfs, sizeof(tree_sysfs), "%s/%d-%d", root,
		 (int)getpid() % 100000, number);
	snprintf(path, sizeof(path), "%s/bus/pci/devices", tree_sysfs);
	tree_folder(path);
}

void tree_put(const char *name, const char *file, const void *data, size_t n)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", tree_sysfs, name,
		 file);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(data, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

void tree_put_text(const char *name, const char *file, const char *text)
{
	tree_put(name, file, text, strlen(text));
}

void tree_put_link(const char *name, const char *file, const char *target)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", tree_sysfs, name,
		 file);
	ck_assert_int_eq(symlink(target, path), 0);
}

void tree_add_device(const char *name, const char *vendor, const char *device)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s", tree_sysfs, name);
	tree_folder(path);
	tree_put_text(name, "vendor", vendor);
	tree_put_text(name, "device", device);
}

void tree_add_ivshmem(const char *name)
{
	tree_add_device(name, "0x1af4\n", "0x1110\n");
}

void tree_none(void)
{
	snprintf(tree_sysfs, sizeof(tree_sysfs), "%s/none", root);
}
