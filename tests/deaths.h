/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deaths.h - a place where somebody dies, and what has to hold afterwards
 *
 * A real server, and two peers that live in the test's own process: r, to whom
 * victims send, and w, a witness. The region is as small as it can be, so that
 * it can be compared after every instruction of a victim, and so that a slot or
 * link that leaks is missed at once.
 */
#ifndef BELL_DEATHS_H
#define BELL_DEATHS_H

#include "layout.h"
#include "testing.h"
#include "bellring.h"

#include <stdbool.h>
#include <sys/types.h>

#define WAIT_MS 5000 /* for what has to come */
#define SERVICE "deaths"
#define TOPIC "deaths"
#define METHOD 7

/* What a victim says of itself; survives it. */
struct testament {
	_Atomic uint32_t committed; /* messages to r that it knows to be sent */
	_Atomic uint32_t attempted; /* and with those that it may have sent */
	_Atomic uint32_t written;   /* bytes of its stream to r, likewise */
	_Atomic uint32_t writing;
	_Atomic uint32_t finished;  /* it shut that stream down, or may have */
	_Atomic uint32_t id;        /* its own */
	_Atomic uint32_t ready;
	_Atomic int32_t result[3]; /* of what it was asked to do */
	_Atomic uint32_t came;      /* seen.messages, for it to know */
};

/* What r saw of the present victim. */
struct seen {
	uint32_t messages;  /* whole ones */
	uint32_t broken;    /* that ended with BELL_BROKEN */
	uint32_t piece;     /* bytes so far of a large one */
	uint32_t bytes;     /* of its stream */
	int64_t end;        /* how that ended; 1: not yet, or there is none */
	uint32_t came, gone; /* told by presence */
	uint32_t calls, replies; /* of r to it */
	int64_t reply;
	uint32_t writable;
};

extern const char *place; /* the server's address */
extern struct bell_peer *r_peer, *w_peer, *x_peer;
extern struct bell_bus *r, *w, *x;
extern struct testament *will;
extern struct seen seen;
extern struct bell_stream *r_stream; /* the last one accepted by r, or NULL */

/* Around all cases: the server. */
void place_begin(void);
void place_begin_at(const char *address); /* of a server of the test's own */
void place_end(void);
/* Around each case: r and w. */
void place_setup(void);
void place_teardown(void);

struct bell_peer *place_open(void);
struct bell_bus *place_join(struct bell_peer *peer, const char *name);
/* x comes, and goes in the proper way; NULL between. */
void x_join(void);
void x_leave(void);

/* One round of an event loop with r, w and x in it; waits a millisecond at most. */
void pump(void);
/* Until nothing comes any more. */
void pump_quiet(void);
int64_t now_ms(void);

#define UNTIL(condition)                                                       \
	for (int64_t end_ = now_ms() + WAIT_MS; !(condition); pump())          \
	ck_assert_msg(now_ms() < end_, "%s: never: %s", place_what, #condition)

extern const char *place_what; /* what is being tried, for messages */

/* r and w still talk. */
void place_greet(void);
/* Forgets the victim before; its testament too. */
void place_forget(void);
/* The victim's message of number n has the first bytes of message[n % MESSAGES]. */
#define MESSAGES 64
#define MESSAGE_MAX 4096
extern unsigned char message[MESSAGES][MESSAGE_MAX];
unsigned char stream_byte(uint32_t at);

/* Slots that are live or joining; links that no sender could claim. */
uint32_t slots_used(void);
uint32_t links_used(void);

/*
 * What has to hold when whoever died is known to be dead: no slot or link is
 * left of it; all it had committed came, and nothing that it had not; r and w
 * still talk; all that waited for it has ended.
 */
void place_check(void);

#endif
