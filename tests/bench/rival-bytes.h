/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rival-bytes.h - one process's end of a stream of bytes, and how the pairs are made
 */
#ifndef BENCH_RIVAL_BYTES_H
#define BENCH_RIVAL_BYTES_H

#include "rival.h"

struct bytes_end {
	struct rival_end end;
	int in, out;         /* owned; of a socket, the same */
	int others[2];       /* the other end's, ours until open(); or -1 */
	unsigned char *room; /* owned; what read() brought */
	size_t from, to;     /* of room: what is not yet taken */
};

/* Each is a rival's prepare(): two connected ends. 0, or -1. */
int bytes_pair_pipes(struct rival_end *client, struct rival_end *server);
int bytes_pair_unix(struct rival_end *client, struct rival_end *server);
int bytes_pair_tcp(struct rival_end *client, struct rival_end *server);

#endif
