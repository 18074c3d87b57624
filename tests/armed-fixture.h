/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * armed-fixture.h - two buses that are armed, and what is done to them
 */
#ifndef BELL_ARMED_FIXTURE_H
#define BELL_ARMED_FIXTURE_H

#include "bus.h"
#include "fake-port.h"
#include "testing.h"

#include <pthread.h>
#include <stdatomic.h>

#define WAIT_MS 1000
#define LATE_MS 5000
#define BUSY_MS 200   /* of processor time in WAIT_MS: it did not sleep */
#define LOOPS_MAX 100 /* of an event loop with nothing to do */

/* Of the test case that runs; teardown closes what is not NULL. */
extern struct fake_hub *hub;
extern struct bell_peer *a, *b;
extern struct bell_bus *bus_a, *bus_b;
extern size_t ring, room; /* bytes of a ring, and of the region */
extern char *bytes;       /* room of them */
extern struct bell_stream *stream_a, *stream_b;
extern struct bell_outgoing *begun;
extern int told; /* calls of count_writable() and count_reply() */

/* armed-waiting.c */
void add_waiting(TCase *tc);
/* A case with the fixture below, over a region of 1 or 64 MiB. */
TCase *armed_case(Suite *suite, const char *name);
TCase *armed_large_case(Suite *suite, const char *name);

struct bell_bus *join(struct bell_peer *peer, const char *name);
int64_t now_ms(void);
/* Of the processor, for all threads. */
int64_t cpu_ms(void);
bool readable(struct bell_peer *p, int timeout_ms);
/* As an event loop does: until the handle is quiet. How many dispatches. */
int run_loop(struct bell_peer *p);
/* The same, and it has to become quiet. */
void calm(struct bell_peer *p);
/* Takes all messages that b has. */
void drain_b(void);
int send_b(size_t len);
/* Sends so many bytes to b until there is no space. */
void fill_ring(size_t len);
void call_b(size_t len);
/* A large call is kept, while small messages would find space. */
void keep_a_large_frame(void);
/* b offers a service, a has a stream to it. */
struct bell_listener *open_stream(void);
void count_writable(struct bell_bus *bus, uint32_t to, void *arg);
void count_reply(struct bell_bus *bus, uint64_t id, int64_t result,
		 const void *reply, void *arg);

/* A peer's own thread, that lets it see what comes. */
struct pump {
	pthread_t thread;
	struct bell_peer *peer;
	atomic_bool stop;
};

void start_pump(struct pump *p, struct bell_peer *peer);
void stop_pump(struct pump *p);

#endif
