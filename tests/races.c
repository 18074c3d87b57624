/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * races.c - threads against each other over one memory, for ThreadSanitizer
 *
 * Each thread is a peer with a bus of its own, as processes would be: several
 * send to one receiver, others come, ping and go, and bell_ring() is called on
 * peers that other threads wait on. Every message is checked, so that it is a
 * test without a sanitizer too. A sanitizer sees the shared memory only within
 * one process, hence threads. RACES_MESSAGES sets the length.
 */
#include "fake-port.h"
#include "layout.h"
#include "testing.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAYS (BELL_POLL_ONLY + 1) /* to wait */
#define REGION (1u << 20)
#define SENDERS 3
#define VISITORS 2
#define VISITS 8
#define RINGERS 2
#define LONG_MS 60000
#define MESSAGE 900

#define TAG_COUNTED 1
#define TAG_LAST 2

static struct fake_hub *hub;
static struct bell_peer *receiver;
static uint32_t receiver_id, per_sender;
static _Atomic bool over;

struct message {
	uint32_t number;
	uint32_t sum; /* of the bytes that follow */
};

static uint32_t sum_of(const unsigned char *bytes, size_t len)
{
	uint32_t sum = 17;

	for (size_t i = 0; i < len; i++)
		sum = sum * 31 + bytes[i];
	return sum;
}

static struct bell_bus *join(struct bell_peer *peer, const char *name,
			     enum bell_wait_mode mode)
{
	struct bell_bus_config cfg = { .name = name, .wait = mode };
	struct bell_bus *bus = NULL;

	must(bell_join(peer, &cfg, &bus) == 0);
	return bus;
}

/* Done, or the receiver has seen the last message and left. */
static void must_work(const char *what, int rc)
{
	if (rc != 0 && rc != -BELL_ENOPEER)
		printf("# %s: %s: %s\n", what, bell_strerror(rc), bell_detail());
	must(rc == 0 || rc == -BELL_ENOPEER);
}

static int post(struct bell_bus *bus, uint16_t tag, uint32_t number)
{
	struct bell_envelope env = { .peer = receiver_id, .tag = tag };
	unsigned char bytes[MESSAGE];
	size_t len = sizeof(struct message) + number * 7 % (MESSAGE - 8);
	struct message m = { .number = number };

	for (size_t i = sizeof(m); i < len; i++)
		bytes[i] = (unsigned char)(number + i);
	m.sum = sum_of(bytes + sizeof(m), len - sizeof(m));
	memcpy(bytes, &m, sizeof(m));
	return bell_post(bus, &env, bytes, len, LONG_MS);
}

/* Sends numbered messages, in one of the ways to wait. */
static void *sender(void *arg)
{
	unsigned which = *(unsigned *)arg;
	struct bell_peer *peer = fake_hub_open(hub);
	char name[16];
	struct bell_bus *bus;

	snprintf(name, sizeof(name), "sender-%u", which);
	bus = join(peer, name, (enum bell_wait_mode)((which + 1) % WAYS));
	for (uint32_t i = 0; i < per_sender; i++)
		must(post(bus, TAG_COUNTED, i) == 0);
	must(post(bus, TAG_LAST, per_sender) == 0);
	bell_leave(bus);
	bell_close(peer);
	return NULL;
}

/* Comes, says something, pings, looks who is there, and goes. */
static void *visitor(void *arg)
{
	unsigned which = *(unsigned *)arg;

	for (int i = 0; i < VISITS && !over; i++) {
		struct bell_peer *peer = fake_hub_open(hub);
		struct bell_peer_info info[4];
		struct bell_bus *bus;
		uint64_t rtt = 0;
		char name[16];
		uint32_t id;

		snprintf(name, sizeof(name), "visitor-%u", which);
		bus = join(peer, name, (enum bell_wait_mode)((which + 2) % WAYS));
		must_work("post", post(bus, 0, (uint32_t)i));
		must_work("ping", bell_ping(bus, receiver_id, LONG_MS, &rtt));
		must(bell_peers(peer, info, 4) >= 1);
		must(bell_find(peer, name, &id) == 0 && id == bell_id(peer));
		(void)bell_dispatch(peer);
		bell_leave(bus);
		bell_close(peer);
	}
	return NULL;
}

/* Rings by a peer that another thread waits on. */
static void *ringer(void *arg)
{
	unsigned vector = *(unsigned *)arg;

	while (!over) {
		must(bell_ring(receiver, receiver_id, vector) == 0);
		must(bell_ring(receiver, 70, 0) == -BELL_ENOPEER);
	}
	return NULL;
}

static unsigned interrupts;

static void on_interrupt(struct bell_peer *peer, unsigned vector, void *arg)
{
	(void)peer;
	(void)vector;
	(void)arg;
	interrupts++;
}

static void check_message(const struct bell_envelope *env,
			  const unsigned char *bytes, uint32_t *next)
{
	struct message m;

	must(env->len >= sizeof(m));
	memcpy(&m, bytes, sizeof(m));
	must(m.sum == sum_of(bytes + sizeof(m), (size_t)env->len - sizeof(m)));
	if (env->tag == 0)
		return;
	must(env->peer < FAKE_ENDS);
	must(m.number == next[env->peer]);
	next[env->peer]++;
}

static uint64_t receive_all(struct bell_bus *bus)
{
	uint32_t next[FAKE_ENDS] = { 0 };
	unsigned char bytes[MESSAGE];
	unsigned finished = 0;
	uint64_t n;

	for (n = 0; finished < SENDERS; n++) {
		struct bell_envelope env;
		int64_t len = bell_recv(bus, bytes, sizeof(bytes), &env, LONG_MS);

		if (len < 0)
			printf("# received %llu: %s: %s\n", (unsigned long long)n,
			       bell_strerror((int)len), bell_detail());
		must(len >= 0);
		check_message(&env, bytes, next);
		finished += env.tag == TAG_LAST;
	}
	return n;
}

/* The same by callbacks and bell_wait(). */
struct delivered {
	uint32_t next[FAKE_ENDS];
	unsigned finished;
	uint64_t count;
};

static void on_message(struct bell_bus *bus, const struct bell_envelope *env,
		       const void *data, void *arg)
{
	struct delivered *d = arg;

	(void)bus;
	check_message(env, data, d->next);
	d->finished += env->tag == TAG_LAST;
	d->count++;
}

static uint64_t dispatch_all(struct bell_bus *bus)
{
	struct delivered d = { .count = 0 };

	bell_on_message(bus, on_message, &d);
	while (d.finished < SENDERS)
		must(bell_wait(receiver, LONG_MS) > 0);
	bell_on_message(bus, NULL, NULL);
	return d.count;
}

static void start(pthread_t *threads, unsigned *arg, unsigned count,
		  void *(*run)(void *))
{
	for (unsigned i = 0; i < count; i++) {
		arg[i] = i;
		must(pthread_create(&threads[i], NULL, run, &arg[i]) == 0);
	}
}

static void join_threads(pthread_t *threads, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		must(pthread_join(threads[i], NULL) == 0);
}

/* Small rings, so that senders wait too, and a link for every visit. */
static struct fake_hub *new_hub(void)
{
	static const struct layout_wish wish = { .ring_size = 4096, .link_count = 64 };
	struct fake_hub *h = fake_hub_new(REGION);
	struct layout plan;

	must(layout_plan(REGION, &wish, &plan) == 0);
	layout_format(fake_hub_memory(h), &plan, 1);
	return h;
}

static void race(enum bell_wait_mode mode, uint64_t (*receive)(struct bell_bus *))
{
	pthread_t threads[SENDERS + VISITORS + RINGERS];
	unsigned args[SENDERS + VISITORS + RINGERS];
	struct bell_bus *bus;
	uint64_t n;

	hub = new_hub();
	over = false;
	interrupts = 0;
	receiver = fake_hub_open(hub);
	receiver_id = bell_id(receiver);
	must(bell_on_interrupt(receiver, 1, on_interrupt, NULL) == 0);
	bus = join(receiver, "receiver", mode);
	start(threads, args, SENDERS, sender);
	start(threads + SENDERS, args + SENDERS, VISITORS, visitor);
	start(threads + SENDERS + VISITORS, args + SENDERS + VISITORS, RINGERS, ringer);
	n = receive(bus);
	over = true;
	bell_leave(bus);
	join_threads(threads, SENDERS + VISITORS + RINGERS);
	bell_close(receiver);
	fake_hub_free(hub);
	printf("# %llu messages, %u interrupts\n", (unsigned long long)n, interrupts);
	must(n >= (uint64_t)SENDERS * (per_sender + 1));
}

static const struct {
	const char *name;
	enum bell_wait_mode mode;
	uint64_t (*receive)(struct bell_bus *);
} cases[] = {
	{ "receive, interrupts", BELL_INTERRUPT, receive_all },
	{ "receive, polling", BELL_POLL, receive_all },
	{ "receive, adaptive", BELL_ADAPTIVE, receive_all },
	{ "receive, polling for good", BELL_POLL_ONLY, receive_all },
	{ "callbacks, interrupts", BELL_INTERRUPT, dispatch_all },
	{ "callbacks, adaptive", BELL_ADAPTIVE, dispatch_all },
};

START_TEST(threads_share_a_memory)
{
	race(cases[_i].mode, cases[_i].receive);
}
END_TEST

int main(void)
{
	const char *text = getenv("RACES_MESSAGES");
	Suite *suite = suite_create("races");
	TCase *tc = tcase_create("races");

	per_sender = text ? (uint32_t)strtoul(text, NULL, 10) : 3000;
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, threads_share_a_memory, 0, ARRAY_LEN(cases));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
