/* SPDX-License-Identifier: BSD-2-Clause */
#include "os.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

uint64_t os_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t os_random(void)
{
	uint64_t v;

	/* Up to 256 bytes are never cut short once the pool is ready: getrandom(2). */
	if (getrandom(&v, sizeof(v), 0) != (ssize_t)sizeof(v))
		v = os_now_ns() * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)getpid();
	return v;
}

void os_yield(void)
{
	sched_yield();
}

void os_sleep_ms(unsigned ms)
{
	struct timespec t = { .tv_sec = (time_t)(ms / 1000),
			      .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

uint32_t os_pid(void)
{
	return (uint32_t)getpid();
}

void os_hostname(char *buf, size_t size)
{
	if (gethostname(buf, size) < 0)
		buf[0] = '\0';
	buf[size - 1] = '\0';
}
