/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker.h - what the files of the worker share
 *
 *   worker.c        commands, joining and leaving, whose turn it is
 *   work-messages.c messages of all kinds
 *   work-streams.c  streams and listeners
 *   work-calls.c    calls, topics, presence
 *   verify.c        once the memory is whole again: everything works
 *   judge.c         what each call may do
 *
 * In a memory that somebody scribbles on nothing can be expected of what comes:
 * the worker only uses everything, and touches all bytes that it is given.
 */
#ifndef BELL_WORKER_H
#define BELL_WORKER_H

#include "judge.h"

#include <stdbool.h>
#include <stddef.h>

#define LARGEST (300u << 10) /* bytes of a message or reply */

struct worker {
	struct bell_peer *peer;
	struct bell_bus *bus; /* NULL: not on the bus */
	const char *name;
	uint64_t random;
	bool reset; /* the bus is to be left */
	unsigned nested; /* calls from callbacks in this dispatch */
	unsigned char out[LARGEST], in[LARGEST];
};

extern struct worker me;

uint64_t dice(void);
/* 0, mostly, or a few ms. */
int some_timeout(void);
/* A peer's id, of one that is there if there is one, or any. */
uint32_t some_peer(void);
size_t some_size(size_t max);
/* Reads all of it: a wild pointer does not survive that. */
void touch(const void *data, size_t len);
/* Notes what has to be noted of a result of a call on the bus; returns it. */
int64_t noted(int64_t rc);

/* CALL() on the bus. */
#define DO(name, timeout_ms, allowed, expression)                              \
	noted(CALL(name, timeout_ms, allowed, expression))

/* Each does something with the bus, which is there. */
void work_messages(void);
void work_streams(void);
void work_calls(void);
/* Something that a callback may do. */
void work_nested(void);

/* After joining; before leaving: gives everything back. */
void messages_joined(void);
void messages_end(void);
/* What was peeked is not to be looked at any more. */
void messages_forget_peeked(void);
void streams_joined(void);
void streams_end(void);
void calls_joined(void);
void calls_end(void);

/* 0, or 1 having said what does not work. */
int verify(const char *const *others, int count);
/* Answers who verifies; until the command "quit". */
void serve_joined(void);

#endif
