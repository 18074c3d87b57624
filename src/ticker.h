/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ticker.h - a handle for ports without interrupts: readable when to look again
 *
 * Nobody tells such a port that there is something in the memory, so whoever
 * waits looks at it now and then: soon after something happened, more and more
 * rarely while nothing does. A tick is an eighth of how long it has been quiet,
 * TICKER_MIN_NS to TICKER_MAX_NS: what comes after a silence waits for no more
 * than an eighth of that, and an idle program looks 250 times a second.
 *
 * A timer that fires once and is set anew when that was noticed: a program that
 * neither waits nor watches the handle is not woken. Implemented once a system
 * (os-linux/ticker.c, guest-win/ticker.c), but for the pace.
 */
#ifndef BELL_TICKER_H
#define BELL_TICKER_H

#include "bellring.h"

#define TICKER_MIN_NS UINT64_C(100000)
#define TICKER_MAX_NS UINT64_C(4000000)

struct ticker {
	bell_handle_t handle; /* for event loops; the ticker's */
	uint64_t active;  /* when something happened last, ns */
	uint64_t tick_ns; /* the one under way */
};

/* No handle: ticker_done() is safe from here on. */
void ticker_clear(struct ticker *t);
/* 0, or -BELL_ENOMEM, -BELL_EIO with a detail. */
int ticker_init(struct ticker *t);
/*
 * Waits for the end of the tick, no longer than timeout_ms (-1: as long as it
 * takes, 0: only looks), and begins the next one if it was over. Returns 0,
 * -BELL_EINTR (a signal) or -BELL_EIO.
 */
int ticker_wait(struct ticker *t, int timeout_ms);
/* Something was sent or received: ticks are short again. */
void ticker_active(struct ticker *t);
/* Makes the handle readable at once. Any thread. */
void ticker_ring(const struct ticker *t);
void ticker_done(struct ticker *t);

/* How long the tick that begins now is to be: ticker-pace.c. */
uint64_t ticker_pace_ns(const struct ticker *t);

#endif
