/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far apart two cores are. A hypervisor moves its virtual ones about: now they
 * are one core's threads, now they share a cache, now they share none.
 */
#include "speed.h"

#include <sched.h>
#include <stdlib.h>

#define TRIPS 200u
#define MOST_NS UINT64_C(1000000) /* for them: far more than it takes two idle cores */
#define LOOKS 1000u
#define LAST (UINT64_C(1) << 63) /* in a question: there are no more */

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Where others want the cores, too, the other side may be waiting for this one. */
static void rest(unsigned *looks)
{
	if (++*looks % LOOKS == 0)
		sched_yield();
}

static void ask(struct speed_line *line, uint64_t number, uint64_t last)
{
	unsigned looks = 0;

	shm_release(&line->asked, number | last);
	while (shm_acquire(&line->answered) != number)
		rest(&looks);
}

/* The first trip waits until the other side is there: it does not count. */
uint64_t speed_line_ask(struct speed_line *line)
{
	uint64_t sample[TRIPS], number = shm_peek(&line->asked) & ~LAST, begin, before, after;
	unsigned n = 0;

	ask(line, ++number, 0);
	begin = before = rival_now();
	while (n < TRIPS && before - begin < MOST_NS) {
		ask(line, ++number, 0);
		after = rival_now();
		sample[n++] = after - before;
		before = after;
	}
	ask(line, ++number, LAST);
	qsort(sample, n, sizeof(sample[0]), by_size);
	return sample[n / 2];
}

void speed_line_answer(struct speed_line *line)
{
	uint64_t number = shm_peek(&line->answered), asked;
	unsigned looks = 0;

	do {
		number++;
		while (((asked = shm_acquire(&line->asked)) & ~LAST) != number)
			rest(&looks);
		shm_release(&line->answered, number);
	} while (!(asked & LAST));
}
