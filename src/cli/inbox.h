/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inbox.h - whole messages out of the pieces of several senders
 *
 * A large message comes in pieces (BELL_MORE on all but the last), and the
 * pieces of several senders come mixed. The oldest message is passed on at once;
 * what others send meanwhile is held in temporary files, as many as come at once,
 * and passed on when its turn comes: never mixed, never bounded by memory.
 */
#ifndef CLI_INBOX_H
#define CLI_INBOX_H

#include "bellring.h"

#include <stdbool.h>

struct inbox_message {
	uint32_t peer;
	uint32_t incarnation; /* of the sender, when the message began */
	uint16_t tag;         /* of the first piece */
	uint64_t total;       /* bytes, or BELL_UNKNOWN */
	uint64_t length;      /* bytes so far */
	uint64_t check;       /* at its end: the sender's checksum, 0: none */
};

/* Where messages go, one at a time: begin, data as often as needed, end. */
struct inbox_sink {
	int (*begin)(void *arg, const struct inbox_message *m);
	int (*data)(void *arg, const void *data, size_t len);
	/* broken: the sender died or gave up, the rest will not come. */
	int (*end)(void *arg, const struct inbox_message *m, bool broken);
	void *arg;
};

struct inbox;

/*
 * Passes on want messages, UINT64_MAX: no end. NULL: out of memory. Borrows
 * nothing but sink->arg.
 */
struct inbox *inbox_new(const struct inbox_sink *sink, uint64_t want);
void inbox_free(struct inbox *in);

/*
 * Takes a piece as of bell_recv_piece(); one of the sender's next incarnation
 * breaks off what the last one left unfinished. Returns an enum cli_exit,
 * failures told: the sink's, or that of a temporary file.
 */
int inbox_take(struct inbox *in, const struct bell_envelope *env,
	       const void *data);
/* Ends this sender's unfinished message, if there is one, as broken. */
int inbox_break(struct inbox *in, uint32_t peer);
/* All messages that were wanted have ended, also by breaking off. */
bool inbox_is_done(const struct inbox *in);

#endif
