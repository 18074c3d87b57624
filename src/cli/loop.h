/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop.h - waits for the bus and for connections at once
 */
#ifndef CLI_LOOP_H
#define CLI_LOOP_H

#include "net.h"
#include "session.h"

struct loop {
	struct session *s;   /* borrowed */
	struct net_set *set; /* owned; what to wait for besides the bus */
};

/* From now on messages to us are dropped. An enum cli_exit, failures told. */
int loop_begin(struct loop *l, struct session *s);
void loop_end(struct loop *l);
/*
 * Waits for one of the set, the bus, a signal, or timeout_ms (-1: for ever), and
 * calls the bus's callbacks. An enum cli_exit, failures told.
 */
int loop_wait(struct loop *l, int timeout_ms);

#endif
