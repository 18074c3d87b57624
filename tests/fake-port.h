/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake-port.h - ends of one memory in one process, without a server
 */
#ifndef BELL_FAKE_PORT_H
#define BELL_FAKE_PORT_H

#include "peer.h"

#define FAKE_ENDS 80
#define FAKE_VECTORS 16

struct fake_hub;

/* Shared memory of size bytes, all zero. Dies with the test on failure. */
struct fake_hub *fake_hub_new(size_t size);
void fake_hub_free(struct fake_hub *hub);
void *fake_hub_memory(struct fake_hub *hub);
/* Joins the next end, with ids counted from 0; the others are told. */
struct bell_peer *fake_hub_open(struct fake_hub *hub);
/*
 * A process of that device, which shares its doorbell with the others, as behind
 * the kernel module: it is told of vectors that it listens on, and has a will.
 */
struct bell_peer *fake_hub_open_process(struct fake_hub *hub, uint32_t device,
					uint32_t process);
/* What the kernel does when such a process dies: nothing leaves, the will is done. */
void fake_process_die(struct bell_peer *peer);
/* Doorbells rung so far. */
unsigned fake_hub_rings(const struct fake_hub *hub);

#endif
