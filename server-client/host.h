/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h - an open unix: port, and what its three files need of each other
 *
 *   host.c     the port: opening, ringing, waiting, telling
 *   greeting.c when the server's greeting is complete
 *   intake.c   what the server says, taken in message by message
 */
#ifndef BELL_HOST_H
#define BELL_HOST_H

#include "eventset.h"
#include "port.h"
#include "proto.h"
#include "remotes.h"

#include <pthread.h>

#define UNTOLD_MAX 4096u

/* Taken in, but not told to wait()'s sink yet. */
struct news {
	uint32_t id;
	enum bell_peer_event event;
};

struct host {
	struct bell_port port;
	char *path;
	unsigned promised;  /* own vectors by the region's header; 0: unknown */
	unsigned others;    /* vectors that another peer has; 0: unknown */
	bool greeted;       /* open: from here on wait() and ring() take in */
	struct eventset set;
	struct remotes remotes;
	bool has_remotes;

	/* Held by whoever takes in or tells; guards all below, but not @set. */
	pthread_mutex_t intake;
	bool has_intake;
	int sock;           /* -1 once the loss of the server was told */
	bool lost;          /* nothing is read from sock any more */
	struct proto proto;
	int untold_fd;      /* eventfd: ring() has taken in news */
	unsigned untold_first, untold_count;
	struct news untold[UNTOLD_MAX];
};

/*
 * Receives up to one message. 0, or -BELL_EAGAIN if nothing is there,
 * -BELL_EGONE at the end, or what is wrong, with a detail. Not locked: only
 * while the greeting lasts.
 */
int intake_one(struct host *h);
/*
 * Takes in what is there, within bounds; never blocks. Threads: any. Returns
 * whether there is something to tell that was not there before.
 */
bool intake_all(struct host *h);
/* The oldest news that is not told yet; false if there is none. Threads: any. */
bool intake_next(struct host *h, struct news *out);

/*
 * Takes in the greeting until deadline_ns. 0, or as bell_open() with a detail
 * that does not name the address.
 */
int greeting_take(struct host *h, uint64_t deadline_ns);

#endif
