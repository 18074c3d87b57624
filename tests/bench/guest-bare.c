/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least that a message can cost: each side only sleeps, and rings the other.
 * The guest is told whom to ring by the last word of the memory.
 */
#include "bellring.h"
#include "guest-channel.h"
#include "guest-echo.h"
#include "guest-way.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define END UINT32_MAX

static volatile uint32_t *last_word(char *memory, size_t size)
{
	return (volatile uint32_t *)(void *)(memory + size - sizeof(uint32_t));
}

/* ---- in the guest ----------------------------------------------------------------- */

void bare_serve(char **args)
{
	volatile uint32_t *peer;
	uint64_t count;
	struct way w;

	way_open(&w, args[0]);
	if (w.event < 0 || !w.ring)
		fail("%s has no interrupts", w.name);
	peer = last_word(w.memory, w.size);
	printf("ready %u\n", (unsigned)w.id);
	fflush(stdout);
	for (;;) {
		if (read(w.event, &count, sizeof(count)) != sizeof(count))
			fail("reading the eventfd: %s", strerror(errno));
		if (*peer == END)
			return;
		w.ring(&w, *peer, 0);
	}
}

/* ---- on the host ------------------------------------------------------------------ */

static void check(int rc, const char *what)
{
	if (rc < 0)
		fail("%s: %s: %s", what, bell_strerror(rc), bell_detail());
}

static void on_interrupt(struct bell_peer *peer, unsigned vector, void *arg)
{
	(void)peer;
	(void)vector;
	*(bool *)arg = true;
}

static void measure(struct bell_peer *peer, uint32_t id, bool *rung, struct trips *t)
{
	uint64_t begin;

	while (trips_begin(t, &begin)) {
		*rung = false;
		check(bell_ring(peer, id, 0), "ringing");
		while (!*rung)
			check(bell_wait(peer, -1), "waiting");
		trips_end(t, begin);
	}
}

void bare_drive(char **args)
{
	uint32_t id = (uint32_t)strtoul(args[1], NULL, 10);
	unsigned count = (unsigned)strtoul(args[2], NULL, 10);
	volatile uint32_t *own;
	struct trips trips, quiet;
	struct bell_peer *peer;
	bool rung = false;
	size_t size;
	char *memory;

	trips_init(&trips, count, 0);
	trips_init(&quiet, count, PAUSE_MS);
	check(bell_open(args[0], -1, &peer), args[0]);
	check(bell_on_interrupt(peer, 0, on_interrupt, &rung), "listening");
	memory = bell_memory(peer, &size);
	own = last_word(memory, size);
	*own = bell_id(peer);
	measure(peer, id, &rung, &trips);
	measure(peer, id, &rung, &quiet);
	*own = END;
	check(bell_ring(peer, id, 0), "ringing");
	bell_close(peer);
	putchar('{');
	trips_print(&trips, "trip_us");
	printf(", ");
	trips_print(&quiet, "quiet_trip_us");
	puts("}");
}
