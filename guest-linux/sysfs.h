/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysfs.h - the sysfs port on a sysfs tree and a root folder of a test's own
 */
#ifndef BELL_SYSFS_H
#define BELL_SYSFS_H

struct bell_port;

/* As the port's open() and usable(), with sysfs in place of /sys, root of /. */
int sysfs_open_in(const char *sysfs, const char *root, const char *rest,
		  struct bell_port **out);
int sysfs_usable_in(const char *sysfs, const char *rest);

#endif
