/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.h - what a virtual machine has to be given so that it has a device
 *
 * bellring qemu and bellring libvirt say the same in two languages.
 */
#ifndef CLI_MACHINE_H
#define CLI_MACHINE_H

#include "cli.h"

#define MACHINE_TEXT 512

enum machine_arch { MACHINE_X86_64, MACHINE_AARCH64 };

/* The options of both commands. */
struct machine_args {
	const char *plain; /* FILE of an ivshmem-plain; NULL: a server */
	const char *id;    /* NULL: a default */
	uint64_t vectors;  /* 0: as many as the server gives */
	bool vfio;
	int arch; /* enum machine_arch */
};
extern const struct option_row machine_options[];

/* What was found out. */
struct machine {
	const char *path;  /* of the server's socket, or the file; absolute */
	uint64_t memory;   /* bytes */
	unsigned vectors;
	unsigned mode;     /* permissions of the path */
	bool plain, vfio;
	enum machine_arch arch;
	char id[BELL_REGION_MAX + 1];
	char path_room[MACHINE_TEXT];
};

/*
 * Asks the server, or looks at the file; what would not work is told, with the
 * remedy: what might not as a warning, and what could not as a failure. CLI_DONE or
 * another enum cli_exit.
 */
int machine_find(struct session *s, const struct machine_args *args,
		 struct machine *out);

#endif
