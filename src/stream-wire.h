/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream-wire.h - the frames of streams, byte by byte
 *
 * A RECORD_STREAM says in its flags what it is, and begins with a stream_head.
 * doc/layout.md specifies it; the numbers are part of the layout.
 */
#ifndef BELL_STREAM_WIRE_H
#define BELL_STREAM_WIRE_H

#include "ring.h"

enum stream_op {
	STREAM_OPEN = 1,   /* value: limit; the service's name follows */
	STREAM_ACCEPT = 2, /* value: limit */
	STREAM_DATA = 3,   /* no value; bytes follow */
	STREAM_CREDIT = 4, /* value: limit */
	STREAM_FIN = 5,    /* no value; the sender writes no more */
	STREAM_RESET = 6   /* value: enum stream_reset */
};

enum stream_reset {
	STREAM_REFUSED = 1, /* answer to OPEN: no such service, or too many */
	STREAM_CLOSED = 2,  /* a FIN, and what comes is read no more */
	STREAM_ABORTED = 3  /* broken off, unfinished */
};

/* bits: the sender of this frame opened the stream, and chose its number. */
#define STREAM_BY_OPENER 1u

#define STREAM_HEAD 8u        /* bytes: number, bits */
#define STREAM_VALUE_HEAD 16u /* with value */

struct stream_head {
	uint32_t number;
	uint32_t bits;
	/* How many bytes the receiver of this may have sent in all, or a code. */
	uint64_t value;
};

_Static_assert(offsetof(struct stream_head, value) == STREAM_HEAD, "shared ABI");
_Static_assert(sizeof(struct stream_head) == STREAM_VALUE_HEAD, "shared ABI");

#endif
