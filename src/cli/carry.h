/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * carry.h - bytes between a stream and a local end, both ways, until both ended
 *
 * Never waits: carry_want() says what to wait for, carry_look() what came of it,
 * carry_step() moves what can be moved. What one side does not take is held, at
 * most CARRY_PIECE bytes a direction, and no more is read until it is gone: so a
 * slow reader slows its writer down, and nobody else.
 */
#ifndef CLI_CARRY_H
#define CLI_CARRY_H

#include "net.h"

#define CARRY_PIECE 131072u
#define CARRY_WHY 200

/* Bytes read from one side that the other has not taken yet. */
struct carry_way {
	char *held; /* owned */
	size_t at, len;
	bool ended;  /* its source has */
	bool passed; /* and its other side was told */
	uint64_t bytes; /* taken so far */
};

struct carry {
	struct bell_stream *stream; /* owned */
	net_t in, out;              /* owned; of a socket both are the same */
	bool socket;
	bool in_waits, out_waits;   /* net_take_input(), net_take_output() */
	struct carry_way up, down;  /* up: into the stream */
	bool can_read, can_write;   /* the last wait said so */
	bool hung_up;               /* it was told: no need to hear it again */
	bool broken;                /* so is the socket, says the last wait */
	bool refused;               /* so were bytes, by the stream; why says it */
	unsigned events;            /* of the stream, since the last step */
	int in_index, out_index;    /* in the set; -1: not there */
	char why[CARRY_WHY];        /* of CARRY_FAILED */
};

enum carry_result {
	CARRY_WAIT,  /* for what carry_want() says, or the stream */
	CARRY_MORE,  /* others may have their turn first */
	CARRY_DONE,  /* both directions have ended */
	CARRY_FAILED /* why says it */
};

/* Takes the stream and a connected socket, which is set to NET_NONE. */
void carry_socket(struct carry *c, struct bell_stream *stream, net_t *fd);
/* Takes the stream, standard input and standard output. 0, -BELL_EIO. */
int carry_stdio(struct carry *c, struct bell_stream *stream);
/*
 * Ends what is left: the stream by a reset and the socket by an abort, unless
 * both directions have ended. One that is all zero is fine.
 */
void carry_done(struct carry *c);

/* Adds what it waits for to the set. 0, -BELL_ENOMEM. */
int carry_want(struct carry *c, struct net_set *set);
/* Takes over what a wait found. True if a step is due. */
bool carry_look(struct carry *c, const struct net_set *set);
/* scratch: CARRY_PIECE bytes, for any carry of this thread. */
enum carry_result carry_step(struct carry *c, char *scratch);

#endif
