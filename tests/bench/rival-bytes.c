/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages over a stream of bytes: a pipe, a UNIX socket, TCP over loopback
 *
 * All messages of a measurement have one size, which frames them without a header:
 * nothing on a stream is cheaper. They are sent straight from the caller's memory, and
 * received as programs with a protocol on a stream do it: into a buffer that takes what
 * there is, so that one read() brings many small messages, and large ones not through it.
 *
 * No vmsplice() into the pipe: it lends pages instead of copying them, and nothing tells
 * a sender when it may use them again.
 */
#include "rival-bytes.h"
#include "rivals.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM ((size_t)64 << 10)

static inline int bytes_put(struct bytes_end *e, const void *message, size_t len)
{
	const unsigned char *p = message;
	ssize_t n;

	while (len > 0) {
		n = write(e->out, p, len);
		if (n < 0 && errno != EINTR)
			return rival_fail("write: %s", strerror(errno));
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* Some bytes, or -1. */
static ssize_t read_some(const struct bytes_end *e, void *p, size_t room)
{
	ssize_t n;

	do
		n = read(e->in, p, room);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return rival_fail("read: %s", strerror(errno));
	if (n == 0)
		return rival_fail("read: the other side has closed");
	return n;
}

static size_t take(struct bytes_end *e, unsigned char *p, size_t len)
{
	size_t n = e->to - e->from < len ? e->to - e->from : len;

	memcpy(p, e->room + e->from, n);
	e->from += n;
	return n;
}

static inline int bytes_get(struct bytes_end *e, void *buf, size_t len)
{
	unsigned char *p = buf;
	size_t have = take(e, p, len);
	ssize_t n;

	for (; len - have >= ROOM; have += (size_t)n) {
		n = read_some(e, p + have, len - have);
		if (n < 0)
			return -1;
	}
	while (have < len) {
		n = read_some(e, e->room, ROOM);
		if (n < 0)
			return -1;
		e->from = 0;
		e->to = (size_t)n;
		have += take(e, p + have, len - have);
	}
	return 0;
}

static inline int bytes_put_batch(struct bytes_end *e, unsigned char *messages, size_t len,
				  unsigned count)
{
	return bytes_put(e, messages, len * count);
}

#define RIVAL bytes
#include "rival-loops.h"
#include "rival-batch.h"

static void drop(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

static int open_end(struct rival_end *end)
{
	struct bytes_end *e = (struct bytes_end *)end;

	/* A stream ends only when nobody holds its other end. */
	drop(e->others[0]);
	drop(e->others[1]);
	/* Then a vanished peer is an error that is told. */
	(void)signal(SIGPIPE, SIG_IGN);
	e->room = malloc(ROOM);
	return e->room ? 0 : rival_fail("a buffer: out of memory");
}

static void close_end(struct rival_end *end)
{
	struct bytes_end *e = (struct bytes_end *)end;

	drop(e->in);
	if (e->out != e->in)
		drop(e->out);
	free(e->room);
}

#define BYTES_RIVAL(name_, pair) { \
	.name = name_, \
	.end_size = sizeof(struct bytes_end), \
	.prepare = pair, \
	.open = open_end, \
	.trip = bytes_trip, \
	.echo = bytes_echo, \
	.send = bytes_send, \
	.receive = bytes_receive, \
	.send_batch = bytes_send_batch, \
	.close = close_end, \
}

const struct rival rival_pipe = BYTES_RIVAL("pipe", bytes_pair_pipes);
const struct rival rival_unix_stream = BYTES_RIVAL("unix stream", bytes_pair_unix);
const struct rival rival_tcp = BYTES_RIVAL("tcp loopback", bytes_pair_tcp);
