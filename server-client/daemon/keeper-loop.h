/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keeper-loop.h - what the keeper does all day
 */
#ifndef BELL_KEEPER_LOOP_H
#define BELL_KEEPER_LOOP_H

#include "keeper.h"

#define KEEPER_TEXT 255u

/* After the last of what a keeper gives to a new server. */
#define KEEPER_ALL "all"

struct keeper_message {
	char text[KEEPER_TEXT + 1];
	int fds[KEEPER_FDS]; /* the receiver's */
	size_t count;
};

/*
 * Waits for one message. 0, -BELL_EGONE at the end, -BELL_ENOMEM: no room for all
 * its descriptors, or -BELL_EIO with errno; an error gives no descriptors.
 */
int keeper_receive(int sock, struct keeper_message *m);

/*
 * Holds what is sent over sock and over connections to listener, one server's at
 * a time (takes both), until one says KEEPER_END. Removes path then. A SIGTERM
 * kills it, and with it all that it holds.
 */
void keeper_loop(const char *path, int listener, int sock);

#endif
