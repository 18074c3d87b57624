/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asleep-windows.c - linked with --wrap=__imp_WaitForSingleObject (windows.mk)
 *
 * Wine does not tell the state of a thread, so the library's only wait notes who is
 * in it. What wakes a thread between the note and the wait is not lost: it is an event.
 */
#include "../asleep.h"

#include <windows.h>

#include <stdatomic.h>

typedef DWORD WINAPI wait_fn(HANDLE handle, DWORD ms);

extern wait_fn *__real___imp_WaitForSingleObject;
static wait_fn wait_noted;
extern wait_fn *__wrap___imp_WaitForSingleObject;
wait_fn *__wrap___imp_WaitForSingleObject = wait_noted;

static atomic_int sleeper; /* the last that began to wait; 0 when it is awake */

int this_thread(void)
{
	return (int)GetCurrentThreadId();
}

bool is_asleep(int thread)
{
	return atomic_load(&sleeper) == thread;
}

static DWORD WINAPI wait_noted(HANDLE handle, DWORD ms)
{
	int self = this_thread();
	DWORD got;

	if (ms == 0)
		return __real___imp_WaitForSingleObject(handle, 0);
	atomic_store(&sleeper, self);
	got = __real___imp_WaitForSingleObject(handle, ms);
	atomic_compare_exchange_strong(&sleeper, &self, 0);
	return got;
}
