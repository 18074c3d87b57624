/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peer.h - an opened port with its callbacks, shared with the bus on it
 */
#ifndef BELL_PEER_H
#define BELL_PEER_H

#include "port.h"

struct bell_peer {
	struct bell_port *port;
	struct bell_bus *bus; /* NULL without one */
	struct {
		bell_interrupt_fn *fn;
		void *arg;
	} on_interrupt[BELL_VECTOR_MAX + 1];
	bell_peer_fn *on_peer;
	void *on_peer_arg;
	uint64_t events; /* told by the port so far */
};

/*
 * Makes a peer of an opened port; takes the port, also on failure. What
 * bell_open() does after the address; tests bring ports of their own.
 */
int peer_from_port(struct bell_port *port, struct bell_peer **out);

/* Waits on the port and calls the callbacks; as bell_port_ops.wait(). */
int peer_wait(struct bell_peer *peer, int timeout_ms);

#endif
