/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conformance.h - what the files of the conformance suite share
 */
#ifndef BELL_CONFORMANCE_H
#define BELL_CONFORMANCE_H

#include "testing.h"
#include "world.h"

#include <stdbool.h>

#define WAIT_MS 5000
#define WAYS (BELL_POLL_ONLY + 1) /* to wait */
#define TWO_WAYS (2 * WAYS)       /* pairs of different ones that set_two_ways() knows */

/* Set up before each case: two peers, and but for raw cases a bus on each. */
extern const struct world *world;
extern struct bell_peer *a, *b;
extern struct bell_bus *bus_a, *bus_b;

/* Joins under that name; fails the case if it can't. */
struct bell_bus *join(struct bell_peer *peer, const char *name);

/* a and b wait in different ways, another pair for each number. */
void set_two_ways(int pair);

/* Nothing wakes the peer. A handle that ticks tells nothing by being readable. */
void expect_quiet(struct bell_peer *peer);

void setup_raw(void);
void setup(void);
/* A case with this fixture and a bound on its time. */
TCase *add_case(Suite *suite, const char *name, void (*before)(void));

void add_raw(Suite *suite);       /* conformance-raw.c */
void add_messages(Suite *suite);  /* conformance-messages.c */
void add_waiting(Suite *suite);   /* conformance-waiting.c */
void add_directory(Suite *suite); /* conformance-directory.c */
void add_large(Suite *suite);     /* conformance-large.c */
void add_sending(Suite *suite);   /* conformance-sending.c */
void add_batches(Suite *suite);   /* conformance-batches.c */
void add_inplace(Suite *suite);   /* conformance-inplace.c */
void add_streams(Suite *suite);   /* conformance-streams.c */
void add_calls(Suite *suite);     /* conformance-calls.c */
void add_topics(Suite *suite);    /* conformance-topics.c */
void add_poll_only(Suite *suite); /* conformance-poll-only.c */
void add_presence(Suite *suite);  /* conformance-presence.c */

#endif
