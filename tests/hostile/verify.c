/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify.c - once nobody scribbles any more: everything works
 *
 * Who serves counts the bytes that come, by message, stream and topic; a call
 * tells how many, and begins anew. Who verifies sends, and compares.
 */
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 20000
#define SERVICE "count"
#define TOPIC "count"
#define METHOD 7
#define TALLIES 16

/* Bytes by sender. */
static struct {
	uint32_t peer;
	uint64_t bytes;
} tally[TALLIES];
static int tallies;

static uint64_t *count_of(uint32_t peer)
{
	int i = 0;

	while (i < tallies && tally[i].peer != peer)
		i++;
	if (i == TALLIES)
		judge_wrong("more senders than there are");
	if (i == tallies)
		tally[tallies++].peer = peer;
	return &tally[i].bytes;
}

static void on_message(struct bell_bus *bus, const struct bell_envelope *env,
		       const void *data, void *arg)
{
	const unsigned char *bytes = data;

	(void)bus, (void)arg;
	for (uint64_t i = 0; i < env->len; i++)
		if (bytes[i] != (unsigned char)(env->offset + i))
			judge_wrong("a message came with other bytes");
	*count_of(env->peer) += env->len;
}

static void on_call(struct bell_bus *bus, struct bell_request *request, void *arg)
{
	uint64_t *count = count_of(bell_request_peer(request)), was = *count;

	(void)bus, (void)arg;
	*count = 0;
	if (bell_reply(request, &was, sizeof(was)) < 0)
		judge_wrong("bell_reply() fails");
}

static void on_stream(struct bell_stream *s, unsigned events, void *arg)
{
	int64_t n = 1;

	(void)events, (void)arg;
	while (n > 0) {
		n = bell_stream_read(s, me.in, LARGEST, 0);
		if (n > 0)
			*count_of(bell_stream_peer(s)) += (uint64_t)n;
	}
	if (n == -BELL_EAGAIN)
		return;
	if (n < 0)
		judge_wrong("a stream ends with an error");
	bell_stream_close(s);
}

static void on_accept(struct bell_listener *listener, struct bell_stream *s, void *arg)
{
	(void)listener, (void)arg;
	bell_on_stream(s, on_stream, NULL);
}

void serve_joined(void)
{
	struct bell_listener *listener;

	tallies = 0;
	bell_on_message(me.bus, on_message, NULL);
	if (bell_on_call(me.bus, METHOD, on_call, NULL) < 0 ||
	    bell_listen(me.bus, SERVICE, on_accept, NULL, &listener) < 0 ||
	    bell_subscribe(me.bus, TOPIC) < 0)
		judge_wrong("can't serve");
}

static bool works(int64_t rc, const char *what)
{
	if (rc >= 0)
		return true;
	fprintf(stderr, "%s: afterwards: %s: %s: %s\n", me.name, what,
		bell_strerror((int)rc), bell_detail());
	return false;
}

/* What came there since the last call is so much. */
static bool counted(uint32_t to, uint64_t want, const char *what)
{
	uint64_t got = 0;

	if (!works(bell_call(me.bus, to, METHOD, NULL, 0, &got, sizeof(got), WAIT_MS),
		   "bell_call()"))
		return false;
	if (got != want)
		fprintf(stderr, "%s: afterwards: %s: %llu bytes came, not %llu\n", me.name,
			what, (unsigned long long)got, (unsigned long long)want);
	return got == want;
}

static bool streams_work(uint32_t to)
{
	struct bell_stream *s;
	int64_t n = 1;
	size_t at = 0;
	char byte;

	if (!works(bell_stream_open(me.bus, to, SERVICE, WAIT_MS, &s), "bell_stream_open()"))
		return false;
	for (; n > 0 && at < LARGEST; at += (size_t)n)
		n = bell_stream_write(s, me.out + at, LARGEST - at, WAIT_MS);
	if (n > 0)
		n = bell_stream_shutdown(s);
	/* Its end tells that all was read. */
	if (n >= 0)
		n = bell_stream_read(s, &byte, 1, WAIT_MS);
	bell_stream_close(s);
	return works(n, "a stream") && counted(to, LARGEST, "a stream");
}

static bool one_works(const char *name)
{
	uint32_t to = 0;

	if (!works(bell_await_peer(me.bus, name, WAIT_MS, &to), "bell_await_peer()") ||
	    !works(bell_ping(me.bus, to, WAIT_MS, NULL), "bell_ping()") ||
	    !counted(to, 0, "nothing") ||
	    !works(bell_send(me.bus, to, me.out, 100, WAIT_MS), "bell_send()") ||
	    !counted(to, 100, "a message") ||
	    !works(bell_send(me.bus, to, me.out, LARGEST, WAIT_MS), "a large message") ||
	    !counted(to, LARGEST, "a large message") || !streams_work(to) ||
	    !works(bell_publish(me.bus, TOPIC, 0, me.out, 10, WAIT_MS), "bell_publish()") ||
	    !counted(to, 10, "a topic"))
		return false;
	return true;
}

int verify(const char *const *others, int count)
{
	for (size_t i = 0; i < LARGEST; i++)
		me.out[i] = (unsigned char)i;
	for (int i = 0; i < count; i++) {
		if (!one_works(others[i])) {
			fprintf(stderr, "%s: afterwards: nothing works with %s\n", me.name,
				others[i]);
			return 1;
		}
		/* Those that follow got what was published, too. */
		for (int j = i + 1; j < count; j++) {
			uint64_t got;
			uint32_t to;

			if (!works(bell_await_peer(me.bus, others[j], WAIT_MS, &to),
				   "bell_await_peer()") ||
			    !works(bell_call(me.bus, to, METHOD, NULL, 0, &got,
					     sizeof(got), WAIT_MS), "bell_call()"))
				return 1;
		}
	}
	return 0;
}
