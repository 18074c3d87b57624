/* SPDX-License-Identifier: BSD-2-Clause */
#include "ticker.h"

#include "os.h"
#include "text.h"

#include <windows.h>

#include <stdbool.h>
#include <string.h>

#ifndef CREATE_WAITABLE_TIMER_HIGH_RESOLUTION /* older headers */
#define CREATE_WAITABLE_TIMER_HIGH_RESOLUTION 0x00000002
#endif

#define NS_PER_TICK 100 /* of a waitable timer */

void ticker_clear(struct ticker *t)
{
	memset(t, 0, sizeof(*t));
}

/*
 * Negative: from now on, SetWaitableTimer(). Never 0, which is a date, and such a one a
 * timer of high resolution need not take.
 */
static bool set(const struct ticker *t, uint64_t ns)
{
	LARGE_INTEGER when = { .QuadPart = -(LONGLONG)(ns / NS_PER_TICK) - 1 };

	return SetWaitableTimer(t->handle, &when, 0, NULL, NULL, FALSE) != 0;
}

static int failed(const char *what)
{
	char text[TEXT_ERROR];
	DWORD error = GetLastError();

	return error_detail(text_error_code(error), "%s: %s", what, text_of_error(error, text));
}

static int begin_tick(struct ticker *t)
{
	t->tick_ns = ticker_pace_ns(t);
	return set(t, t->tick_ns) ? 0 : failed("setting a timer");
}

/* Finer than the clock's tick of 15.6 ms from Windows 10 1803 on; before that as fine as it is. */
static HANDLE make_timer(void)
{
	HANDLE timer = CreateWaitableTimerExW(NULL, NULL,
					      CREATE_WAITABLE_TIMER_MANUAL_RESET |
					      CREATE_WAITABLE_TIMER_HIGH_RESOLUTION,
					      TIMER_ALL_ACCESS);

	return timer ? timer :
		       CreateWaitableTimerExW(NULL, NULL, CREATE_WAITABLE_TIMER_MANUAL_RESET,
					      TIMER_ALL_ACCESS);
}

int ticker_init(struct ticker *t)
{
	ticker_clear(t);
	t->handle = make_timer();
	if (!t->handle)
		return failed("making a timer");
	t->active = os_now_ns();
	return begin_tick(t);
}

int ticker_wait(struct ticker *t, int timeout_ms)
{
	DWORD ms = timeout_ms < 0 ? INFINITE : (DWORD)timeout_ms;
	DWORD got = WaitForSingleObject(t->handle, ms);

	if (got == WAIT_FAILED)
		return failed("waiting for a timer");
	/* Not over yet: the tick under way goes on. */
	return got == WAIT_TIMEOUT ? 0 : begin_tick(t);
}

void ticker_active(struct ticker *t)
{
	t->active = os_now_ns();
	if (t->tick_ns > 2 * TICKER_MIN_NS)
		(void)begin_tick(t); /* as before it worked: no new failure */
}

void ticker_ring(const struct ticker *t)
{
	(void)set(t, 0);
}

void ticker_done(struct ticker *t)
{
	if (t->handle)
		CloseHandle(t->handle);
	t->handle = NULL;
}
