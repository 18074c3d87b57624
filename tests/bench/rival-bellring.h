/* SPDX-License-Identifier: BSD-2-Clause */
/* rival-bellring.h - an end of Bellring, through its public API and with a real server */
#ifndef BENCH_RIVAL_BELLRING_H
#define BENCH_RIVAL_BELLRING_H

#include "speed.h"

#include <bellring.h>

#define BELLRING_BATCH 64 /* messages a call */

struct bellring_end {
	struct rival_end end;
	struct bell_peer *peer;
	struct bell_bus *bus;
	const _Atomic uint32_t *other; /* id of the other side, once all are open */
	struct bell_part part[BELLRING_BATCH];
};

/** For open, and for close and tally. */
int bellring_open(struct rival_end *end, enum bell_wait_mode mode);
void bellring_close(struct rival_end *end);
void bellring_tally(struct rival_end *end);

/** rival_fail() with what the library says of the last call. */
int bellring_fail(int64_t code, const char *call);

static inline int bellring_put(struct bellring_end *e, const void *msg, size_t len)
{
	int rc = bell_send(e->bus, *e->other, msg, len, -1);

	return rc < 0 ? bellring_fail(rc, "bell_send") : 0;
}

static inline int bellring_get(struct bellring_end *e, void *buf, size_t len)
{
	int64_t n = bell_recv(e->bus, buf, len, NULL, -1);

	return n < 0 ? bellring_fail(n, "bell_recv") : 0;
}

/* Works that only Bellring can do. */
extern const struct speed_work bellring_inplace, bellring_copying; /* -inplace.c */
extern const struct speed_work bellring_idle, bellring_paced;      /* -paced.c */
extern const struct speed_work bellring_crowd;                     /* -crowd.c */
extern const struct speed_work bellring_steps;                     /* -steps.c */

/* The stretches of bellring_steps, by name. */
extern const char *const bellring_step_name[SPEED_STEPS];

#endif
