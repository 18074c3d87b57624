/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci-tree.h - made-up sysfs trees with PCI devices
 */
#ifndef TEST_PCI_TREE_H
#define TEST_PCI_TREE_H

#include <stddef.h>

#define TREE_SIZE 64

/* What is given for /sys. */
extern char tree_sysfs[TREE_SIZE];

/* The folder that has all trees: made before the first, removed after the last. */
void tree_make(void);
void tree_remove(void);

/* Each case its own tree, with an empty bus. */
void tree_begin(int number);
/* One that is not there. */
void tree_none(void);

/* A folder with those above it. */
void tree_folder(const char *path);

/* Devices, and files and links below them; ids are like "0x1af4\n". */
void tree_add_device(const char *name, const char *vendor, const char *device);
void tree_add_ivshmem(const char *name);
void tree_put(const char *name, const char *file, const void *data, size_t n);
void tree_put_text(const char *name, const char *file, const char *text);
void tree_put_link(const char *name, const char *file, const char *target);

#endif
