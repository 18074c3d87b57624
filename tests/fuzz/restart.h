/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restart.h - ends a server as if its process did, without a process
 *
 * Both free *server, set it to NULL, and give what its successor finds.
 */
#ifndef BELL_RESTART_H
#define BELL_RESTART_H

#include <stdint.h>

struct inherit;
struct server;

/* By execve(2): all descriptors stay. */
void restart_by_exec(struct server **server, struct inherit *in);
/*
 * By SIGKILL: what a store holds is there, the eventfds of each peer backwards if
 * the store knows no order. lost: a bit each for those that are not, as they come.
 */
void restart_by_kill(struct server **server, uint64_t lost, struct inherit *in);

#endif
