/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * streams-fixture.h - two ends of a stream in one thread
 *
 * Neither end ever waits: pump() lets both buses see what came.
 */
#ifndef BELL_STREAMS_FIXTURE_H
#define BELL_STREAMS_FIXTURE_H

#include "conformance.h"

struct ends {
	struct bell_listener *listener; /* of bus_b, without a callback */
	struct bell_stream *a, *b;      /* opened by a, accepted by b */
};

/* Parts of add_streams(), in files of their own. */
void add_stream_ends(Suite *suite);    /* conformance-stream-ends.c */
void add_stream_hostile(Suite *suite); /* conformance-stream-hostile.c */
void add_stream_loops(Suite *suite);   /* conformance-stream-loops.c */

/* Dispatches both buses once. */
void pump(void);
/* Offers "test" on bus_b. */
struct bell_listener *listen_b(bell_accept_fn *fn, void *arg);
/* Opens one more stream to "test" without waiting. */
struct bell_stream *open_a(void);
/* Accepts the next one on bus_b. */
struct bell_stream *accept_b(struct bell_listener *listener);
/* All of it: a service, and an open stream to it. */
void connect_ends(struct ends *e);
/* Closes what is not NULL. */
void close_ends(struct ends *e);
/* Reads exactly this; pumps while nothing is there. */
void expect_bytes(struct bell_stream *s, const void *bytes, size_t len);
/* Reads once, after all that came was seen. */
int64_t read_result(struct bell_stream *s);
/* Writes all; pumps while nothing is taken. */
void write_all(struct bell_stream *s, const void *bytes, size_t len);
/* Writes until no more is taken though b sees all; how many bytes. */
size_t fill(struct bell_stream *s);

#endif
