/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls-fixture.h - b answers in several ways, a calls it
 *
 * Both are dispatched by one thread with turn(), or b by a thread of its own
 * while a waits in bell_call().
 */
#ifndef BELL_CALLS_FIXTURE_H
#define BELL_CALLS_FIXTURE_H

#include "conformance.h"

#include <pthread.h>

/* Parts of add_calls(): conformance-call-ends.c, conformance-call-frames.c. */
void add_call_ends(Suite *suite);
void add_call_frames(Suite *suite);

/* Methods: the request comes back; it is the text of a failure; it is kept in
 * held[]; so many bytes as its u32 says come back; no handler. */
enum { ECHO = 1, FAIL = 2, HOLD = 3, BYTES = 4, NOBODY = 99 };

#define HELD_MAX 1100

extern struct bell_request *held[HELD_MAX];
extern _Atomic int held_count;
extern int handled;                /* requests that b's handlers got */
extern int cancelled, cancel_code; /* told by bell_on_cancel() */
extern int ended;                  /* callbacks of call_b() */
extern int64_t last_result;
extern char last_reply[64]; /* its first bytes */

/* Both are on the bus, b has its handlers. */
void setup_calls(void);
/* The handler of all of them; arg: NULL, or the method to behave as. */
void serve(struct bell_bus *bus, struct bell_request *request, void *arg);
/* To register: counts in cancelled, which is its argument. */
void note_cancel(struct bell_request *request, int code, void *arg);
/* How calls of call_b() end; its argument is ended. */
void note_end(struct bell_bus *bus, uint64_t id, int64_t result, const void *reply,
	      void *arg);
/* Starts a call of a to b; gives its id. */
uint64_t call_b(uint16_t method, const void *request, size_t len, int timeout_ms);

/* A thread that dispatches b, until stop_b(). */
pthread_t start_b(void);
void stop_b(pthread_t thread);
/* As one that is killed: its bus is never left. */
void die(struct bell_peer **peer, struct bell_bus **bus);

int64_t now_ms(void);
/* One round of an event loop with both peers in it. */
void turn(void);

#define UNTIL(condition)                                                       \
	for (int64_t end_ = now_ms() + WAIT_MS; !(condition); turn())          \
	ck_assert_msg(now_ms() < end_, "never: %s", #condition)
#define TURNS(n)                                                               \
	for (int turns_ = 0; turns_ < (n); turns_++)                           \
	turn()

#endif
