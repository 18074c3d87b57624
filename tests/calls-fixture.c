/* SPDX-License-Identifier: BSD-2-Clause */
#include "calls-fixture.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t now_ms(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void turn(void)
{
	struct pollfd p[2];
	unsigned n = 0;

	if (a)
		p[n++] = (struct pollfd){ .fd = bell_handle(a), .events = POLLIN };
	if (b)
		p[n++] = (struct pollfd){ .fd = bell_handle(b), .events = POLLIN };
	must(poll(p, n, 5) >= 0);
	if (bus_a)
		ck_assert_int_ge(bell_dispatch(a), 0);
	if (bus_b)
		ck_assert_int_ge(bell_dispatch(b), 0);
}

/* ---- the side that answers ---- */

struct bell_request *held[HELD_MAX];
_Atomic int held_count;
int handled, cancelled, cancel_code, ended;
int64_t last_result;
char last_reply[64];

void note_cancel(struct bell_request *request, int code, void *arg)
{
	(void)request;
	ck_assert_ptr_eq(arg, &cancelled);
	cancelled++;
	cancel_code = code;
}

void serve(struct bell_bus *bus, struct bell_request *request, void *arg)
{
	size_t len;
	const void *data = bell_request_data(request, &len);
	uint32_t n = 0;

	must(data != NULL);
	handled++;
	switch (arg ? *(const int *)arg : bell_request_method(request)) {
	case ECHO:
		must(bell_reply(request, data, len) == 0);
		break;
	case FAIL:
		must(bell_fail(request, len ? data : NULL) == 0);
		break;
	case HOLD:
		bell_on_cancel(request, note_cancel, &cancelled);
		must(held_count < HELD_MAX);
		held[held_count++] = request;
		break;
	default: {
		void *bytes;

		must(len == sizeof(n));
		memcpy(&n, data, sizeof(n));
		bytes = calloc(1, n + 1);
		must(bytes != NULL);
		must(n <= bell_max_call(bus) ? bell_reply(request, bytes, n) == 0 :
					       bell_reply(request, bytes, n) ==
							       -BELL_EMSGSIZE &&
						       bell_reply(request, "!", 1) == 0);
		free(bytes);
	}
	}
}

void setup_calls(void)
{
	setup();
	held_count = 0;
	handled = cancelled = cancel_code = 0;
	ck_assert_int_eq(bell_on_call(bus_b, ECHO, serve, NULL), 0);
	ck_assert_int_eq(bell_on_call(bus_b, FAIL, serve, NULL), 0);
	ck_assert_int_eq(bell_on_call(bus_b, HOLD, serve, NULL), 0);
	ck_assert_int_eq(bell_on_call(bus_b, BYTES, serve, NULL), 0);
}

static _Atomic bool stop;

static void no_more(struct bell_peer *peer, unsigned vector, void *arg)
{
	(void)peer, (void)vector, (void)arg;
}

static void *serve_b(void *arg)
{
	/* Without interrupts nobody can tell it to stop. */
	int wait_ms = bell_vectors(b) > 0 ? WAIT_MS : 50;

	(void)arg;
	while (!stop) {
		int rc = bell_wait(b, wait_ms);

		must(rc >= 0 || rc == -BELL_EAGAIN);
	}
	return NULL;
}

pthread_t start_b(void)
{
	pthread_t thread;

	stop = false;
	must(bell_vectors(b) == 0 || bell_on_interrupt(b, 1, no_more, NULL) == 0);
	must(pthread_create(&thread, NULL, serve_b, NULL) == 0);
	return thread;
}

void stop_b(pthread_t thread)
{
	stop = true;
	must(bell_vectors(b) == 0 || bell_ring(a, bell_id(b), 1) == 0);
	must(pthread_join(thread, NULL) == 0);
}

static struct bell_bus *volatile dead_bus;

void die(struct bell_peer **peer, struct bell_bus **bus)
{
	dead_bus = *bus; /* not a leak: nobody is there to free it */
	*bus = NULL;
	bell_close(*peer);
	*peer = NULL;
}

/* ---- the side that calls ---- */

void note_end(struct bell_bus *bus, uint64_t id, int64_t result,
		     const void *reply, void *arg)
{
	(void)bus, (void)id;
	ck_assert_ptr_eq(arg, &ended);
	ck_assert((result >= 0) == (reply != NULL));
	if (result < 0)
		ck_assert_str_ne(bell_detail(), "");
	ended++;
	last_result = result;
	if (result > 0)
		memcpy(last_reply, reply, result < 64 ? (size_t)result : 64);
}

uint64_t call_b(uint16_t method, const void *request, size_t len, int timeout_ms)
{
	uint64_t id;

	ended = 0;
	ck_assert_int_eq(bell_call_start(bus_a, bell_id(b), method, request, len,
					 timeout_ms, note_end, &ended, &id), 0);
	return id;
}
