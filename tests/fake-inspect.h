/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake-inspect.h - a server that is only what inspect.h shows of it
 */
#ifndef BELL_FAKE_INSPECT_H
#define BELL_FAKE_INSPECT_H

#include "inspect.h"

#define FAKE_PEERS 4

struct server {
	struct inspect_status status;
	struct inspect_peer peers[FAKE_PEERS];
	size_t count;
	size_t repeat; /* each peer is shown so many times more */
	unsigned looks, kicks, drains;
};

/* Two peers, of which one has joined the bus, and all counters different. */
void fake_inspect_init(struct server *s);

#endif
