/* SPDX-License-Identifier: BSD-2-Clause */
#include "armed-fixture.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>

#define REGION (1u << 20)
#define LARGE_REGION (64u << 20)

struct fake_hub *hub;
struct bell_peer *a, *b;
struct bell_bus *bus_a, *bus_b;
size_t ring, room;
char *bytes;
struct bell_stream *stream_a, *stream_b;
struct bell_outgoing *begun;
int told;

struct bell_bus *join(struct bell_peer *peer, const char *name)
{
	struct bell_bus_config cfg = { .name = name };
	struct bell_bus *bus = NULL;

	ck_assert_int_eq(bell_join(peer, &cfg, &bus), 0);
	return bus;
}

static void set_up(size_t size)
{
	hub = fake_hub_new(size);
	a = fake_hub_open(hub);
	b = fake_hub_open(hub);
	bus_a = join(a, "a");
	bus_b = join(b, "b");
	ring = (size_t)bus_a->layout.ring_size;
	room = size;
	bytes = calloc(1, size);
	ck_assert_ptr_nonnull(bytes);
	told = 0;
	ck_assert_int_ge(bell_dispatch(a), 0);
	ck_assert_int_ge(bell_dispatch(b), 0);
	ck_assert_int_ge(bell_dispatch(a), 0);
}

static void setup(void)
{
	set_up(REGION);
}

static void setup_large(void)
{
	set_up(LARGE_REGION);
}

static void teardown(void)
{
	bell_abandon(begun);
	bell_stream_close(stream_a);
	bell_stream_close(stream_b);
	begun = NULL;
	stream_a = stream_b = NULL;
	bell_leave(bus_b);
	bell_leave(bus_a);
	bell_close(b);
	bell_close(a);
	fake_hub_free(hub);
	free(bytes);
}

static int64_t clock_ms(clockid_t clock)
{
	struct timespec t;

	must(clock_gettime(clock, &t) == 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

int64_t cpu_ms(void)
{
	return clock_ms(CLOCK_PROCESS_CPUTIME_ID);
}

bool readable(struct bell_peer *p, int timeout_ms)
{
	struct pollfd f = { .fd = bell_handle(p), .events = POLLIN };

	return poll(&f, 1, timeout_ms) == 1;
}

int run_loop(struct bell_peer *p)
{
	int n = 0;

	for (; n < LOOPS_MAX && readable(p, 0); n++)
		ck_assert_int_ge(bell_dispatch(p), 0);
	return n;
}

void calm(struct bell_peer *p)
{
	ck_assert_int_lt(run_loop(p), LOOPS_MAX);
}

void drain_b(void)
{
	int64_t n;

	while ((n = bell_recv(bus_b, bytes, room, NULL, 0)) >= 0)
		;
	ck_assert_int_eq(n, -BELL_EAGAIN);
}

int send_b(size_t len)
{
	return bell_send(bus_a, bell_id(b), bytes, len, 0);
}

void fill_ring(size_t len)
{
	while (send_b(len) == 0)
		;
}

static void *pump(void *arg)
{
	struct pump *p = arg;

	while (!atomic_load(&p->stop))
		(void)bell_wait(p->peer, 10);
	return NULL;
}

void start_pump(struct pump *p, struct bell_peer *peer)
{
	p->peer = peer;
	atomic_init(&p->stop, false);
	must(pthread_create(&p->thread, NULL, pump, p) == 0);
}

void stop_pump(struct pump *p)
{
	atomic_store(&p->stop, true);
	must(pthread_join(p->thread, NULL) == 0);
}

struct bell_listener *open_stream(void)
{
	struct bell_listener *listener = NULL;
	struct pump p;

	ck_assert_int_eq(bell_listen(bus_b, "s", NULL, NULL, &listener), 0);
	start_pump(&p, b);
	ck_assert_int_eq(bell_stream_open(bus_a, bell_id(b), "s", LATE_MS, &stream_a), 0);
	stop_pump(&p);
	return listener;
}

void count_writable(struct bell_bus *bus, uint32_t to, void *arg)
{
	(void)bus, (void)to, (void)arg;
	told++;
}

void count_reply(struct bell_bus *bus, uint64_t id, int64_t result,
		 const void *reply, void *arg)
{
	(void)bus, (void)id, (void)result, (void)reply, (void)arg;
	told++;
}

void call_b(size_t len)
{
	ck_assert_int_eq(bell_call_start(bus_a, bell_id(b), 5, bytes, len, -1,
					 count_reply, NULL, NULL), 0);
}

void keep_a_large_frame(void)
{
	ck_assert_int_ge(bell_dispatch(b), 0);
	ck_assert_int_eq(send_b(ring * 30 / 100), 0);
	ck_assert_int_eq(send_b(ring * 30 / 100), 0);
	call_b(ring / 2);
	ck_assert_ptr_nonnull(bus_a->outs->kept);
}

static TCase *add_case(Suite *suite, const char *name, void (*before)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, before, teardown);
	tcase_set_timeout(tc, 20);
	suite_add_tcase(suite, tc);
	return tc;
}

TCase *armed_case(Suite *suite, const char *name)
{
	return add_case(suite, name, setup);
}

TCase *armed_large_case(Suite *suite, const char *name)
{
	return add_case(suite, name, setup_large);
}
