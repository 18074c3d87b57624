/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * four-peers.h - a, b, c and d, each with a bus, in one memory, and what is done to them
 */
#ifndef BELL_FOUR_PEERS_H
#define BELL_FOUR_PEERS_H

#include "bus.h"
#include "testing.h"

#include <stdbool.h>

#define PEERS 4
#define WAYS (BELL_POLL_ONLY + 1) /* to wait */

/* Of the test case that runs; teardown closes what is not NULL. */
extern struct fake_hub *hub;
extern struct bell_peer *peer[PEERS];
extern struct bell_bus *bus[PEERS];

/* A case with this fixture and a bound on its time. */
TCase *add_four(Suite *suite, const char *name);

struct bell_bus *join(struct bell_peer *p, const char *name, uint32_t flags);
/* Leaves and closes. */
void part(int i);
/* c formats the memory anew; d joins after it, into the slot that was b's. */
void format_anew(void);

/* A message of at most 64 bytes. */
int64_t receive(struct bell_bus *b, char *got, int timeout_ms);
void expect_text(struct bell_bus *b, const char *text);
void send_text(struct bell_bus *b, int to, const char *text);

/* Until nothing is left: armed, and its handle quiet. */
void settle(int i);
bool readable(int i, int timeout_ms);

/* The only inbound link of b with something in it. */
struct bus_in *inbound(struct bell_bus *b);
shm_u64 *word_at(struct bus_in *in, uint64_t off);

#endif
