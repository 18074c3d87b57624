/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks, and cores. */
#define _GNU_SOURCE
#include "speed.h"

#include <sched.h>
#include <time.h>

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

uint64_t rival_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t rival_spin_until(uint64_t ns)
{
	uint64_t now;

	do
		now = rival_now();
	while (now < ns);
	return now;
}

uint64_t speed_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* The which-th that we may use; -1: there is none. */
static int core(unsigned which)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -1;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET((size_t)i, &set) && which-- == 0)
			return i;
	return -1;
}

bool speed_cores(void)
{
	return core(1) >= 0;
}

int speed_pin(unsigned which)
{
	int number = core(which);
	cpu_set_t set;

	if (number < 0)
		return -1;
	CPU_ZERO(&set);
	CPU_SET((size_t)number, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}
