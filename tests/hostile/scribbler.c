/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scribbler.c - writes garbage over a running bus: scribbler SEED SECONDS
 *
 * A raw peer of $BELLRING_ADDRESS: it maps the memory as everybody does, and
 * never joins. What it writes follows from its seed and from what stands in the
 * memory: most of it where it hurts, much of it nearly right.
 */
#include "bellring.h"
#include "layout.h"
#include "scribbles.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void pause_us(uint64_t us)
{
	struct timespec t = { 0, (long)us * 1000 };

	nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
	struct bell_peer *peer;
	struct target t;
	uint64_t end, count = 0;
	int rc;

	if (argc != 3) {
		fprintf(stderr, "usage: scribbler SEED SECONDS\n");
		return 2;
	}
	rc = bell_open(NULL, -1, &peer);
	if (rc < 0) {
		fprintf(stderr, "scribbler: %s: %s\n", bell_strerror(rc), bell_detail());
		return 1;
	}
	scribbles_init(&t, bell_memory(peer, NULL), strtoull(argv[1], NULL, 10));
	(void)bell_memory(peer, &t.size);
	end = now_ms() + (uint64_t)(strtod(argv[2], NULL) * 1000);
	while (now_ms() < end) {
		unsigned burst = 1 + (unsigned)(dice(&t) % t.burst);

		for (; burst > 0; burst--, count++)
			scribble(&t);
		/* Time for the others to believe it, and to go on with it. */
		pause_us(dice(&t) % t.pause_us);
		/* A doorbell for nothing is what anybody may ring, too. */
		if (dice(&t) % 64 == 0)
			(void)bell_ring(peer, (uint32_t)(dice(&t) % 8), (unsigned)(dice(&t) % 4));
	}
	printf("%llu\n", (unsigned long long)count);
	bell_close(peer);
	return 0;
}
