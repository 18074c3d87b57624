/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devices.h - bell_devices() of any sysfs tree, for tests
 */
#ifndef BELL_DEVICES_H
#define BELL_DEVICES_H

#include "bellring.h"

/* As bell_devices(). */
int devices_list(const char *sysfs, struct bell_device_info *list, size_t max);

#endif
