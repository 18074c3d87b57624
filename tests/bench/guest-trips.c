/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest-channel.h"
#include "guest-echo.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void trips_init(struct trips *t, unsigned count, unsigned pause_ms)
{
	unsigned room = pause_ms > 0 ? count / 5 + 1 : count;

	*t = (struct trips){ .ns = calloc(room, sizeof(*t->ns)), .room = room,
			     .skipped = room / 10, .pause_ms = pause_ms };
	if (!t->ns)
		fail("out of memory");
}

bool trips_begin(const struct trips *t, uint64_t *begin)
{
	const struct timespec pause = { .tv_nsec = (long)t->pause_ms * 1000000 };

	if (t->count == t->room)
		return false;
	if (t->count % WATCH_EVERY == 0)
		channel_watch(PATIENCE_S);
	if (t->pause_ms > 0)
		nanosleep(&pause, NULL);
	*begin = now_ns();
	return true;
}

void trips_end(struct trips *t, uint64_t begin)
{
	if (t->skipped > 0)
		t->skipped--;
	else
		t->ns[t->count++] = now_ns() - begin;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void trips_print(struct trips *t, const char *name)
{
	qsort(t->ns, t->count, sizeof(*t->ns), by_value);
	printf("\"%s\": %.2f, \"%s_99\": %.2f", name, (double)t->ns[t->count / 2] / 1e3,
	       name, (double)t->ns[(t->count - 1) * 99 / 100] / 1e3);
	free(t->ns);
	t->ns = NULL;
}
