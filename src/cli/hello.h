/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hello.h - what the two sides of bellring forward say before the bytes
 *
 * The near side names the target, the far side answers: each one message of a
 * byte for the version (1), one for a code, two for the length of a text (least
 * significant first), and the text. The far side's code is 0 when it is
 * connected; else the text says why it is not.
 */
#ifndef CLI_HELLO_H
#define CLI_HELLO_H

#include "bellring.h"

#define HELLO_HEAD 4
#define HELLO_TEXT 512 /* longest text, bytes */

struct hello {
	unsigned char buf[HELLO_HEAD + HELLO_TEXT + 1];
	size_t at; /* bytes sent, or come, so far */
};

/* To be sent; a longer text is cut. */
void hello_set(struct hello *h, unsigned char code, const char *text);
/* To be received. */
void hello_clear(struct hello *h);

unsigned char hello_code(const struct hello *h);
/* Printable; what came and is not, is a question mark. */
const char *hello_text(const struct hello *h);

/*
 * Both never wait. 1: done, 0: not yet, or why not: -BELL_EPROTO for what is no
 * hello, -BELL_EPIPE for an end of file, and as of the stream.
 */
int hello_send(struct hello *h, struct bell_stream *stream);
int hello_receive(struct hello *h, struct bell_stream *stream);

#endif
