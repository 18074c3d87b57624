/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest-echo.h - what the files of tests/bench/guest-echo share
 *
 *   guest-echo.c     the command line
 *   guest-trips.c    the clock, samples
 *   guest-talk.c     two programs that talk on a channel, measured
 *   guest-bare.c     two that only interrupt each other
 *   guest-cost.c     doorbells and memory, from inside the guest
 *   guest-channel.c  bus, virtio-serial, TCP
 *   guest-way.c      the device by each of the kernel's interfaces
 *
 * Each command prints one JSON object, ends with status 0, or tells on stderr
 * what failed and ends with status 1.
 */
#ifndef GUEST_ECHO_H
#define GUEST_ECHO_H

#include <stdbool.h>
#include <stdint.h>

/* The monotonic clock. */
uint64_t now_ns(void);

/* Samples of one measurement. */
struct trips {
	uint64_t *ns; /* owned */
	unsigned room, count, skipped;
	unsigned pause_ms; /* before each, so that the other side sleeps again */
};

/*
 * count back to back, or with pauses a fifth of them. As many as a tenth more go
 * before them, and are not kept.
 */
void trips_init(struct trips *t, unsigned count, unsigned pause_ms);
/* Pauses, and returns when the trip begins; false: that was the last one. */
bool trips_begin(const struct trips *t, uint64_t *begin);
void trips_end(struct trips *t, uint64_t begin);
/*
 * Prints median and 99th percentile as members of an object: "NAME": 1.0,
 * "NAME_99": 2.0. Ends t.
 */
void trips_print(struct trips *t, const char *name);
#define PAUSE_MS 2u

/* CHANNEL: does what the other side requests, until it says good-bye. */
void talk_serve(char **args);
/* CHANNEL TRIPS BLOCKS */
void talk_drive(char **args);
/* WAY: answers each interrupt with one, until told to end. Prints "ready ID". */
void bare_serve(char **args);
/* ADDRESS PEER TRIPS: the other side, on the host. */
void bare_drive(char **args);
/* WAY PEER COUNT */
void cost_rings(char **args);
/* WAY */
void cost_memory(char **args);

#endif
