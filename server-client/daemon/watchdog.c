/* SPDX-License-Identifier: BSD-2-Clause */
#include "watchdog.h"

#include "log.h"
#include "store.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

/* 0: the manager does not wait for us, sd_watchdog_enabled(3). */
static unsigned long long interval_us(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!us || (pid && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	return strtoull(us, NULL, 10) / 2;
}

static void on_time(evutil_socket_t none, short what, void *manager)
{
	(void)none;
	(void)what;
	store_notify(manager, "WATCHDOG=1");
}

struct event *watchdog_new(struct event_base *base, struct store *manager)
{
	unsigned long long us = interval_us();
	struct timeval every = { .tv_sec = (time_t)(us / 1000000),
				 .tv_usec = (suseconds_t)(us % 1000000) };
	struct event *timer;

	if (us == 0)
		return NULL;
	timer = event_new(base, -1, EV_PERSIST, on_time, manager);
	if (!timer || event_add(timer, &every) < 0)
		log_error("watchdog: out of memory");
	return timer;
}
