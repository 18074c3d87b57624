/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor-qemu.h - what a running QEMU was told on its command line
 *
 * As people write it and as libvirt does, which has options in JSON. Pure.
 */
#ifndef CLI_DOCTOR_QEMU_H
#define CLI_DOCTOR_QEMU_H

#include <stdbool.h>
#include <stddef.h>

struct qemu_args {
	unsigned vectors; /* of its ivshmem-doorbell device; 1 if it was not said */
	unsigned cpus;    /* that it can ever have: maxcpus=, else -smp, else 1 */
	bool kvm;         /* it may run under KVM, not only by emulation */
	bool reconnect;   /* its chardev reconnects */
	bool shared;      /* its memory backend of that path has share=on */
};

/*
 * Reads the words of /proc/PID/cmdline, len bytes with a NUL behind each. False,
 * and out is unchanged, if it is no QEMU with an ivshmem device that has path, a
 * socket's or a memory's, in one of them.
 */
bool qemu_parse(const char *words, size_t len, const char *path,
		struct qemu_args *out);

#endif
