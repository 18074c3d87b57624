/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * told-client.h - a client of a server, and whether it may be told what it is
 *
 * QEMU dies of a server's mistakes; this client fails always() instead.
 */
#ifndef BELL_TOLD_CLIENT_H
#define BELL_TOLD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOLD_VECTORS 2
#define TOLD_IDS 512 /* an input has not so many joins */

struct told_client {
	int sock; /* -1: not connected */
	unsigned messages; /* so many were whole */
	uint32_t id;
	bool refused;
	bool ended;  /* the server closed */
	unsigned char part[8];
	size_t have; /* of it, bytes */
	int fd;      /* that came with it, or -1 */
	uint8_t vectors[TOLD_IDS]; /* of each peer, as far as it was told; own too */
	bool left[TOLD_IDS];
};

/* Connects to the server that listens at door. False: too many wait there. */
bool told_connect(struct told_client *c, int door);
/* Closed already is fine. */
void told_close(struct told_client *c);
/* Reads bytes, at most so many. True if there were any. */
bool told_read(struct told_client *c, size_t bytes);
/* It was told all of its greeting. */
bool told_is_greeted(const struct told_client *c);

#endif
