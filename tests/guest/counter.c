/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * counter.c - exchanges numbers with every peer on the bus, without end
 *
 *     counter ADDRESS NAME
 *
 * Asks each peer 1, 2, 3, ...: the next when the last was answered. A number that
 * is lost, comes twice or wakes nobody so ends the counting between these two, or
 * this program. Whoever can read the memory sees how far it is: behind the bus
 * each peer id below COUNTERS has a page, with three words for each other id:
 * what was seen of it (enum bell_presence), what it answered, what it asked last.
 */
#include "bellring.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNTERS 128u
#define PAGE 4096u

/* Leaves the emulated CPUs some time for others. */
static const struct timespec pause_time = { .tv_nsec = 2000000 };

struct number {
	uint64_t value;
	uint64_t is_answer;
};

struct page {
	uint64_t seen[COUNTERS], answered[COUNTERS], asked[COUNTERS];
};

struct counter {
	struct page *page;                 /* in the shared memory */
	uint32_t incarnations[COUNTERS];   /* of the others */
};

static _Noreturn void fail(const char *what, uint32_t id, int code)
{
	fprintf(stderr, "counter: peer %" PRIu32 ": %s: %s: %s\n", id, what,
		bell_strerror(code), bell_detail());
	exit(EXIT_FAILURE);
}

static _Noreturn void gap(const char *what, uint32_t id, uint64_t got, uint64_t want)
{
	fprintf(stderr, "counter: peer %" PRIu32 ": %s %" PRIu64 ", not %" PRIu64 "\n",
		id, what, got, want);
	exit(EXIT_FAILURE);
}

/* At most two numbers are under way from one to another: there is room. */
static void say(struct bell_bus *bus, uint32_t id, uint64_t value, bool is_answer)
{
	const struct number n = { value, is_answer };
	int rc = bell_send(bus, id, &n, sizeof(n), 0);

	/* Of one that died the bus tells. */
	if (rc < 0 && rc != -BELL_ENOPEER)
		fail("send", id, rc);
}

/* The same id may be another program. Returns false for what an earlier one said. */
static bool know(struct counter *c, uint32_t id, uint32_t incarnation)
{
	if (id >= COUNTERS)
		fail("too many ids", id, -BELL_EINVAL);
	if (incarnation > c->incarnations[id])
		c->page->answered[id] = c->page->asked[id] = 0;
	else if (incarnation < c->incarnations[id])
		return false;
	c->incarnations[id] = incarnation;
	return true;
}

static void on_presence(struct bell_bus *bus, enum bell_presence event,
			const struct bell_peer_info *info, void *arg)
{
	struct counter *c = arg;

	if (!know(c, info->id, info->incarnation))
		return;
	c->page->seen[info->id] = event;
	if (event == BELL_CAME || event == BELL_BACK)
		say(bus, info->id, 1, false);
}

static void on_message(struct bell_bus *bus, const struct bell_envelope *env,
		       const void *data, void *arg)
{
	struct counter *c = arg;
	uint32_t id = env->peer;
	struct number n;
	uint64_t *last;

	if (env->len != sizeof(n))
		fail("message", id, -BELL_EPROTO);
	if (!know(c, id, env->incarnation))
		return;
	memcpy(&n, data, sizeof(n));
	last = n.is_answer ? &c->page->answered[id] : &c->page->asked[id];
	if (n.value != *last + 1)
		gap(n.is_answer ? "answered" : "asked", id, n.value, *last + 1);
	++*last;
	say(bus, id, n.is_answer ? *last + 1 : *last, !n.is_answer);
}

static struct page *own_page(struct bell_peer *peer)
{
	char *memory = bell_memory(peer, NULL);
	struct page *page;

	if (bell_id(peer) >= COUNTERS)
		fail("too many ids", bell_id(peer), -BELL_EINVAL);
	page = (struct page *)(void *)(memory + bell_bus_size(peer) +
				       (size_t)bell_id(peer) * PAGE);
	*page = (struct page){ .seen = { 0 } };
	return page;
}

int main(int argc, char **argv)
{
	struct bell_bus_config config = { .name = NULL };
	struct counter c = { .page = NULL };
	struct bell_peer *peer;
	struct bell_bus *bus;
	int rc;

	if (argc != 3) {
		fprintf(stderr, "usage: counter ADDRESS NAME\n");
		return 2;
	}
	config.name = argv[2];
	rc = bell_open(argv[1], -1, &peer);
	if (rc >= 0)
		rc = bell_join(peer, &config, &bus);
	if (rc < 0)
		fail("join", 0, rc);
	c.page = own_page(peer);
	bell_on_message(bus, on_message, &c);
	rc = bell_on_presence(bus, on_presence, &c);
	while (rc >= 0) {
		rc = bell_wait(peer, -1);
		nanosleep(&pause_time, NULL);
	}
	fail("wait", 0, rc);
}
