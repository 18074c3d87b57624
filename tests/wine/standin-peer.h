/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * standin-peer.h - what QEMU's ivshmem device does: memory, doorbells, interrupts
 *
 * A peer of an ivshmem server (QEMU docs/specs/ivshmem-spec.rst), or the memory of
 * an ivshmem-plain device, a file. One thread follows the server's news and hands
 * interrupts to the driver. A server that goes away is not missed, as in QEMU:
 * peers that are known go on ringing each other.
 */
#ifndef STANDIN_PEER_H
#define STANDIN_PEER_H

#include <ntifs.h>
#include <stdint.h>

#define PEER_VECTORS 64u /* the real driver ignores interrupts beyond these */

struct doorbells {
	LIST_ENTRY entry;
	uint16_t id;
	unsigned count;
	int fds[PEER_VECTORS];
};

struct peer {
	int memory; /* descriptor; -1 before peer_join() */
	int64_t size;
	uint16_t id;
	unsigned vectors; /* the device's own, vectors= of QEMU's device */

	int sock; /* -1: no server, or no longer */
	int stop; /* eventfd */
	FAST_MUTEX lock;
	LIST_ENTRY others; /* struct doorbells, our own among them */
	struct doorbells *own;
	HANDLE thread;
	/* Tells of interrupts, a bit for each vector; on the peer's own thread. */
	void (*interrupt)(void *arg, uint64_t pending);
	void *arg;
};

void peer_init(struct peer *p);

/* Opens the file of an ivshmem-plain device. Returns 0 or a text that says why not. */
const char *peer_plain(struct peer *p, const char *path);

/*
 * Joins the server at that socket as a device with so many vectors, and waits for
 * all of them, but not for ever: a server may have fewer. 0 or a text.
 */
const char *peer_join(struct peer *p, const char *path, unsigned vectors);

/* The device's register DOORBELL: nothing happens where nobody is. */
void peer_ring(struct peer *p, uint16_t id, uint16_t vector);

/* Ends the thread and gives everything back; an initialized peer is fine. */
void peer_leave(struct peer *p);

#endif
