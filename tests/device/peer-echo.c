/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peer-echo.c - a host program that echoes interrupts, by the public API alone
 *
 *     peer-echo ADDRESS PEER COUNT
 *
 * Rings peer id PEER back on each vector on which it is interrupted, and ends
 * after COUNT interrupts. Prints a line for all that it is told:
 *     open ID VECTORS SIZE, peer ID VECTORS (each that is there), ready,
 *     interrupt VECTOR, joined ID, left ID, lost
 */
#include "bellring.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_PEERS 64

struct echo {
	uint32_t to;
	unsigned long wanted; /* interrupts still to come */
};

static int fail(const char *what, int code)
{
	fprintf(stderr, "peer-echo: %s: %s: %s\n", what, bell_strerror(code),
		bell_detail());
	return EXIT_FAILURE;
}

static void on_interrupt(struct bell_peer *peer, unsigned vector, void *arg)
{
	struct echo *echo = arg;
	int rc = bell_ring(peer, echo->to, vector);

	if (rc < 0)
		exit(fail("ring", rc));
	printf("interrupt %u\n", vector);
	if (echo->wanted > 0)
		echo->wanted--;
}

static void on_peer(struct bell_peer *peer, uint32_t id,
		    enum bell_peer_event event, void *arg)
{
	(void)peer;
	(void)arg;
	switch (event) {
	case BELL_PEER_JOINED:
		printf("joined %" PRIu32 "\n", id);
		break;
	case BELL_PEER_LEFT:
		printf("left %" PRIu32 "\n", id);
		break;
	case BELL_SERVER_LOST:
		printf("lost\n");
		break;
	}
}

static int introduce(struct bell_peer *peer)
{
	struct bell_peer_info list[MAX_PEERS];
	size_t size;
	int n, i;

	bell_memory(peer, &size);
	printf("open %" PRIu32 " %u %zu\n", bell_id(peer), bell_vectors(peer),
	       size);
	n = bell_peers(peer, list, MAX_PEERS);
	for (i = 0; i < n && i < MAX_PEERS; i++)
		printf("peer %" PRIu32 " %" PRIu32 "\n", list[i].id,
		       list[i].vectors);
	return n;
}

static int watch(struct bell_peer *peer, struct echo *echo)
{
	unsigned v;
	int rc = bell_on_peer(peer, on_peer, NULL);

	for (v = 0; rc >= 0 && v < bell_vectors(peer); v++)
		rc = bell_on_interrupt(peer, v, on_interrupt, echo);
	return rc;
}

int main(int argc, char **argv)
{
	struct bell_peer *peer = NULL;
	struct echo echo;
	int rc;

	if (argc != 4) {
		fprintf(stderr, "usage: peer-echo ADDRESS PEER COUNT\n");
		return 2;
	}
	echo.to = (uint32_t)strtoul(argv[2], NULL, 10);
	echo.wanted = strtoul(argv[3], NULL, 10);
	setvbuf(stdout, NULL, _IOLBF, 0);
	rc = bell_open(argv[1], -1, &peer);
	if (rc < 0)
		return fail("open", rc);
	rc = introduce(peer);
	if (rc >= 0)
		rc = watch(peer, &echo);
	if (rc >= 0)
		printf("ready\n");
	while (rc >= 0 && echo.wanted > 0)
		rc = bell_wait(peer, -1);
	bell_close(peer);
	return rc < 0 ? fail("peer", rc) : EXIT_SUCCESS;
}
