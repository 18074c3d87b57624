/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams in event loops: both ends sleep in bell_wait() and do only what their
 * callbacks are told, so that an event that is not told is a stall.
 */
#include "streams-fixture.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STREAMS 100
#define EACH 300000 /* bytes, a few windows' worth in all */

/* ---- sends back what comes: the end in b ---- */

struct echo {
	unsigned char buf[7001];
	size_t len, at; /* of buf: not written yet */
	bool fin;
};

static int begun, echoes; /* so far, and open now */

static void echo_some(struct bell_stream *s, unsigned events, void *arg)
{
	struct echo *e = arg;
	int64_t n;

	(void)events;
	for (;;) {
		while (e->at < e->len) {
			n = bell_stream_write(s, e->buf + e->at, e->len - e->at, 0);
			if (n == -BELL_EAGAIN)
				return; /* told when it is worth trying again */
			must(n > 0);
			e->at += (size_t)n;
		}
		n = e->fin ? 0 : bell_stream_read(s, e->buf, sizeof(e->buf), 0);
		if (n == -BELL_EAGAIN)
			return;
		must(n >= 0);
		if (n == 0)
			break;
		e->at = 0;
		e->len = (size_t)n;
	}
	bell_stream_close(s);
	free(e);
	echoes--;
}

static void echo_begin(struct bell_listener *l, struct bell_stream *s, void *arg)
{
	struct echo *e = calloc(1, sizeof(*e));

	(void)l, (void)arg;
	must(e != NULL);
	begun++;
	echoes++;
	bell_on_stream(s, echo_some, e);
}

static void *serve(void *arg)
{
	(void)arg;
	while (begun < STREAMS || echoes > 0)
		must(bell_wait(b, 3 * WAIT_MS) >= 0);
	return NULL;
}

/* ---- sends and compares: the end in a ---- */

struct client {
	size_t sent, got;
	unsigned seed;
	bool done;
};

static int left;

static unsigned char byte_of(const struct client *c, size_t k)
{
	return (unsigned char)(k * 31 + (k >> 9) + c->seed);
}

static void send_some(struct bell_stream *s, struct client *c)
{
	unsigned char buf[3000];

	while (c->sent < EACH) {
		size_t n = EACH - c->sent;
		int64_t rc;

		if (n > sizeof(buf) - c->seed)
			n = sizeof(buf) - c->seed;
		for (size_t i = 0; i < n; i++)
			buf[i] = byte_of(c, c->sent + i);
		rc = bell_stream_write(s, buf, n, 0);
		if (rc == -BELL_EAGAIN)
			return;
		must(rc > 0);
		c->sent += (size_t)rc;
		if (c->sent == EACH)
			must(bell_stream_shutdown(s) == 0);
	}
}

static void compare_some(struct bell_stream *s, struct client *c)
{
	unsigned char buf[5003];
	int64_t n;

	while ((n = bell_stream_read(s, buf, sizeof(buf), 0)) > 0) {
		for (int64_t i = 0; i < n; i++)
			must(buf[i] == byte_of(c, c->got + (size_t)i));
		c->got += (size_t)n;
	}
	must(n == 0 || n == -BELL_EAGAIN);
	if (n == 0 && !c->done) {
		must(c->got == EACH);
		c->done = true;
		left--;
	}
}

static void run_client(struct bell_stream *s, unsigned events, void *arg)
{
	struct client *c = arg;

	must(!(events & BELL_STREAM_ENDED));
	if (events & BELL_STREAM_WRITABLE)
		send_some(s, c);
	if (events & BELL_STREAM_READABLE)
		compare_some(s, c);
}

START_TEST(loops_carry_many_streams)
{
	struct bell_listener *l = listen_b(echo_begin, NULL);
	struct bell_stream *streams[STREAMS];
	struct client clients[STREAMS];
	pthread_t thread;

	bell_set_wait(bus_a, (enum bell_wait_mode)(_i == 2 ? BELL_ADAPTIVE : BELL_INTERRUPT));
	bell_set_wait(bus_b, (enum bell_wait_mode)(_i == 1 ? BELL_ADAPTIVE : BELL_INTERRUPT));
	memset(clients, 0, sizeof(clients));
	left = STREAMS;
	begun = echoes = 0;
	ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
	for (unsigned i = 0; i < STREAMS; i++) {
		clients[i].seed = i;
		streams[i] = open_a();
		bell_on_stream(streams[i], run_client, &clients[i]);
	}
	while (left > 0) {
		int rc = bell_wait(a, WAIT_MS);

		ck_assert_msg(rc >= 0, "%d streams are left: %s", left, bell_strerror(rc));
	}
	for (int i = 0; i < STREAMS; i++)
		bell_stream_close(streams[i]);
	pthread_join(thread, NULL);
	bell_unlisten(l);
}
END_TEST

void add_stream_loops(Suite *suite)
{
	TCase *tc = add_case(suite, "stream-loops", setup);

	tcase_add_loop_test(tc, loops_carry_many_streams, 0, 3);
}
