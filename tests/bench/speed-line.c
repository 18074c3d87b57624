/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far apart two cores are. A hypervisor moves its virtual ones about: now they
 * are one core's threads, now they share a cache, now they share none.
 */
#include "speed.h"

#include <stdlib.h>

#define TRIPS 200u

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t speed_line_ask(struct speed_line *line)
{
	uint64_t sample[TRIPS], number = shm_peek(&line->asked), before = rival_now(), after;

	for (unsigned i = 0; i < TRIPS; i++) {
		shm_release(&line->asked, ++number);
		while (shm_acquire(&line->answered) != number)
			;
		after = rival_now();
		sample[i] = after - before;
		before = after;
	}
	qsort(sample, TRIPS, sizeof(sample[0]), by_size);
	return sample[TRIPS / 2];
}

void speed_line_answer(struct speed_line *line)
{
	uint64_t number = shm_peek(&line->answered);

	for (unsigned i = 0; i < TRIPS; i++) {
		number++;
		while (shm_acquire(&line->asked) != number)
			;
		shm_release(&line->answered, number);
	}
}
