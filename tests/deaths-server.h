/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deaths-server.h - a server that is killed, and somebody who sleeps meanwhile
 */
#ifndef BELL_DEATHS_SERVER_H
#define BELL_DEATHS_SERVER_H

#include "deaths.h"

#define SLEEP_MS 200

extern char mortal_path[64];   /* the server's socket */
extern char mortal_memory[64]; /* the name of its memory, "" if it has none */

/* Around each case: the server, with r and w; in memory that has a name. */
void mortal_setup(void);
void mortal_setup_named(void);
void mortal_teardown(void);
/* Starts one at that socket. False if it ended instead of listening. */
bool server_begin(const char *memory);
void server_kill(void);

/* A process v that is in bell_recv() with that timeout. */
extern struct sleeper {
	_Atomic int64_t begun_ms, done_ms, result;
} *sleeper;
pid_t sleeper_start(int timeout_ms);
/* It woke with that result: after SLEEP_MS, or at once. */
void sleeper_expect(int64_t result, bool at_timeout, int64_t since);

/* Case of deaths-paused.c. */
void add_paused(TCase *tc);

#endif
