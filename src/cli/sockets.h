/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sockets.h - where servers of this host may listen
 *
 * Implemented once a system (sockets-posix.c), chosen in the makefile.
 */
#ifndef CLI_SOCKETS_H
#define CLI_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOCKETS_MAX 64
#define SOCKETS_PATH 108 /* unix(7) */

struct sockets {
	char path[SOCKETS_MAX][SOCKETS_PATH];
	size_t count;
};

/*
 * The sockets that are there, of which somebody may listen or not: first (a path,
 * or NULL), that of the user's own default server, then others in the folders of
 * servers. Each once, also if it has several names.
 */
void sockets_find(const char *first, struct sockets *out);

/* Where those are, for people; "" where there can be none. */
extern const char sockets_places[];

/* What the file system says of a path. */
struct sockets_file {
	bool is_socket;
	bool is_regular;
	uint64_t size;  /* bytes, of a regular file */
	unsigned mode;  /* permissions */
};

/* False, with errno set: it is not there, or nothing can be said of it. */
bool sockets_file(const char *path, struct sockets_file *out);

/* QEMU could use KVM, as this user. */
bool sockets_kvm(void);

#endif
