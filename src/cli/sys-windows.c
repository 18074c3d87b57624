/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals, the clock, waiting; console-windows.c and files-windows.c have the rest. */
#include "sys.h"

#include "pump.h"
#include "win.h"

#include <stdlib.h>

/* How long Windows lets a program live whose console was closed, about. */
#define CLOSE_MS 5000

static volatile LONG stopped;
static HANDLE stop_event;

/* In a thread of its own. */
static BOOL WINAPI on_control(DWORD type)
{
	/* Only services get it, and whoever logs off is not their business. */
	if (type == CTRL_LOGOFF_EVENT)
		return TRUE;
	if (InterlockedExchange(&stopped, 1) && type <= CTRL_BREAK_EVENT)
		return FALSE; /* a second one kills */
	SetEvent(stop_event);
	/* When it returns from those, the process is ended: it may do so itself. */
	if (type > CTRL_BREAK_EVENT)
		Sleep(CLOSE_MS);
	return TRUE;
}

static int say_error(const char *what)
{
	fprintf(stderr, "bellring: %s: %s\n", what, win_text(GetLastError()));
	return -BELL_EIO;
}

int sys_catch_signals(void)
{
	if (stop_event)
		return 0;
	stop_event = CreateEventW(NULL, TRUE, FALSE, NULL);
	if (!stop_event)
		return say_error("event");
	/* Who started us may have had it ignored; this is for us to decide. */
	SetConsoleCtrlHandler(NULL, FALSE);
	if (!SetConsoleCtrlHandler(on_control, TRUE))
		return say_error("catching Ctrl-C");
	return 0;
}

bool sys_stopped(void)
{
	return stopped != 0;
}

bell_handle_t sys_stop_handle(void)
{
	return stop_event;
}

/* Handles are no scarce thing here. */
void sys_raise_limits(void)
{
}

uint64_t sys_files_limit(void)
{
	return UINT64_MAX;
}

/* ---- waiting ---- */

static DWORD wait_ms(int timeout_ms)
{
	return timeout_ms < 0 ? INFINITE : (DWORD)timeout_ms;
}

int sys_wait(bell_handle_t handle, int timeout_ms)
{
	HANDLE both[] = { stop_event, handle };

	console_show(stdout);
	console_show(stderr);
	if (WaitForMultipleObjects(2, both, FALSE, wait_ms(timeout_ms)) == WAIT_FAILED)
		return say_error("waiting");
	return 0;
}

int sys_wait_input(FILE *file, bell_handle_t handle, int timeout_ms)
{
	/*
	 * In this order: a wait takes the signal of the first one that has it, and
	 * who is told of input does not look at the bus.
	 */
	HANDLE all[] = { stop_event, NULL, handle };
	struct pump *input;
	DWORD rc;

	if (win_is_ready(file))
		return 1;
	console_show(stdout);
	console_show(stderr);
	input = pump_standard_input(&all[1]);
	if (!input)
		return say_error("standard input");
	if (pump_ready(input))
		return 1;
	rc = WaitForMultipleObjects(3, all, FALSE, wait_ms(timeout_ms));
	if (rc == WAIT_FAILED)
		return say_error("waiting");
	return pump_ready(input);
}

/* ---- the clock ---- */

uint64_t sys_now_ns(void)
{
	static LARGE_INTEGER rate;
	LARGE_INTEGER now;
	uint64_t ticks, per_s;

	/* Neither fails since Windows XP. */
	if (rate.QuadPart == 0)
		QueryPerformanceFrequency(&rate);
	QueryPerformanceCounter(&now);
	ticks = (uint64_t)now.QuadPart;
	per_s = (uint64_t)rate.QuadPart;
	/* In two parts: the product has no room in 64 bits after some hours. */
	return ticks / per_s * SYS_NS_PER_S + ticks % per_s * SYS_NS_PER_S / per_s;
}

/* FILETIME: units of 100 ns. */
static uint64_t filetime_ns(const FILETIME *t)
{
	return ((uint64_t)t->dwHighDateTime << 32 | t->dwLowDateTime) * 100;
}

uint64_t sys_cpu_ns(void)
{
	FILETIME created, ended, kernel, user;

	if (!GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user))
		return 0;
	return filetime_ns(&kernel) + filetime_ns(&user);
}

/* Minutes east of Greenwich, at that time. */
static int zone_minutes(const FILETIME *utc, const FILETIME *local)
{
	int64_t ns = (int64_t)filetime_ns(local) - (int64_t)filetime_ns(utc);

	return (int)(ns / (60 * (int64_t)SYS_NS_PER_S));
}

void sys_timestamp(char *buf, size_t size)
{
	FILETIME now, whole, local;
	SYSTEMTIME utc, t;
	int zone;

	buf[0] = '\0';
	GetSystemTimePreciseAsFileTime(&now);
	if (!FileTimeToSystemTime(&now, &utc) ||
	    !SystemTimeToTzSpecificLocalTime(NULL, &utc, &t) ||
	    !SystemTimeToFileTime(&utc, &whole) || !SystemTimeToFileTime(&t, &local))
		return;
	zone = zone_minutes(&whole, &local);
	snprintf(buf, size, "%04d-%02d-%02dT%02d:%02d:%02d.%06u%c%02d%02d", t.wYear,
		 t.wMonth, t.wDay, t.wHour, t.wMinute, t.wSecond,
		 (unsigned)(filetime_ns(&now) % SYS_NS_PER_S / 1000),
		 zone < 0 ? '-' : '+', abs(zone) / 60, abs(zone) % 60);
}

uint32_t sys_pid(void)
{
	return GetCurrentProcessId();
}
