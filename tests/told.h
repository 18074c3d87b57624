/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * told.h - what a unix: port has told its sink, counted
 */
#ifndef BELL_TOLD_H
#define BELL_TOLD_H

#include "port.h"

struct told {
	unsigned interrupts[256];
	unsigned joined[65536];
	unsigned left[65536];
	unsigned lost;
};

extern struct told told;
extern const struct port_sink told_sink; /* counts in told */

/* Lets the port wait until a counter of told has that value; fails beyond it. */
void told_wait(struct bell_port *port, const unsigned *counter, unsigned value);

/* What an eventfd was signalled since; 0: not at all. */
uint64_t drain(int fd);

#endif
