/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * modprobe.h - loading a kernel module as an administrator would
 */
#ifndef BELL_MODPROBE_H
#define BELL_MODPROBE_H

/*
 * Runs modprobe and waits for it; what it prints goes into the detail.
 *   -BELL_EUNSUP no such program, or it fails: no such module
 *   -BELL_EIO, -BELL_ENOMEM
 */
int modprobe(const char *module);

#endif
