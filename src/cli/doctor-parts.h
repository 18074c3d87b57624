/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor-parts.h - what the files of checks share
 */
#ifndef CLI_DOCTOR_PARTS_H
#define CLI_DOCTOR_PARTS_H

#include "doctor.h"

#include <stdint.h>

/* ---- portable ---- */

extern const struct doctor_check doctor_ways[], doctor_opening[], doctor_opened[];

/* The power of two that is not less; at least 4096. */
size_t doctor_power_of_two(size_t size);

/*
 * The address of the device whose region has that name, in out; else the name itself,
 * which may be an address, or "".
 */
const char *doctor_named_device(const char *name, char out[DOCTOR_DEVICE]);

/* Measures the peer's memory against own memory. */
void doctor_check_speed(struct doctor *d);
/* What those rates, in GB/s, mean. */
void doctor_tell_speed(struct doctor *d, double shared, double own);

/*
 * Commands for what goes wrong in a guest, by doctor_try(); implemented once a
 * system.
 */
enum doctor_trouble {
	DOCTOR_CLOSED,    /* it cannot be opened: -BELL_EPERM */
	DOCTOR_MISSING,   /* -BELL_ENODEV */
	DOCTOR_UNUSABLE,  /* -BELL_EUNSUP */
	DOCTOR_TAKEN,     /* -BELL_EBUSY: by another process */
	DOCTOR_SILENT,    /* no vector is heard */
	DOCTOR_NO_VECTOR, /* there is none */
	DOCTOR_UNCACHED,  /* the memory is slow */
	DOCTOR_FOREIGN    /* the memory holds something else */
};
void doctor_try_guest(struct doctor *d, enum doctor_trouble trouble);

/* ---- asking a bellring-server on its control socket ---- */

extern const struct doctor_check doctor_control[];

/* ---- POSIX and Linux ---- */

/* Whether a file system has room for all of a file. */
void doctor_tell_room(struct doctor *d, const char *path);

extern const struct doctor_check doctor_socket[], doctor_file[], doctor_host[],
	doctor_qemu[], doctor_libvirt[], doctor_security[], doctor_guest[],
	doctor_guest_opened[], doctor_iommu[];

#endif
