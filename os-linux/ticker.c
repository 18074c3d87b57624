/* SPDX-License-Identifier: BSD-2-Clause */
#include "ticker.h"

#include "error.h"
#include "fd.h"
#include "os.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

void ticker_clear(struct ticker *t)
{
	memset(t, 0, sizeof(*t));
	t->handle = -1;
}

static int set(const struct ticker *t, uint64_t ns)
{
	struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(ns / NS_PER_S),
			      .tv_nsec = (long)(ns % NS_PER_S) },
	};

	return timerfd_settime(t->handle, 0, &when, NULL);
}

static int begin_tick(struct ticker *t)
{
	t->tick_ns = ticker_pace_ns(t);
	if (set(t, t->tick_ns) < 0)
		return error_detail(from_errno(errno), "timerfd_settime: %s",
				    strerror(errno));
	return 0;
}

int ticker_init(struct ticker *t)
{
	ticker_clear(t);
	t->handle = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (t->handle < 0)
		return error_detail(from_errno(errno), "timerfd_create: %s",
				    strerror(errno));
	t->active = os_now_ns();
	return begin_tick(t);
}

int ticker_wait(struct ticker *t, int timeout_ms)
{
	struct pollfd p = { .fd = t->handle, .events = POLLIN };
	uint64_t count;
	int n = timeout_ms == 0 ? 0 : poll(&p, 1, timeout_ms);

	if (n < 0 && errno == EINTR)
		return error_plain(BELL_EINTR);
	if (n < 0)
		return error_detail(from_errno(errno), "poll: %s", strerror(errno));
	/* Not over yet: the tick under way goes on. */
	if (read(t->handle, &count, sizeof(count)) != (ssize_t)sizeof(count))
		return 0;
	return begin_tick(t);
}

void ticker_active(struct ticker *t)
{
	t->active = os_now_ns();
	if (t->tick_ns > 2 * TICKER_MIN_NS)
		(void)begin_tick(t); /* as before it worked: no new failure */
}

void ticker_ring(const struct ticker *t)
{
	(void)set(t, 1); /* 0 would stop it */
}

void ticker_done(struct ticker *t)
{
	fd_close(&t->handle);
}
