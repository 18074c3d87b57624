/* SPDX-License-Identifier: BSD-2-Clause */
#include "events.h"

#include "text.h"

int events_init(struct events *e)
{
	char text[TEXT_ERROR];
	DWORD error;

	e->common = CreateEventW(NULL, TRUE, FALSE, NULL);
	if (e->common)
		return 0;
	error = GetLastError();
	return error_detail(text_error_code(error), "making an event: %s",
			    text_of_error(error, text));
}

void events_done(struct events *e)
{
	for (unsigned v = 0; v < DRIVER_VECTORS; v++)
		if (e->own[v])
			CloseHandle(e->own[v]);
	if (e->common)
		CloseHandle(e->common);
	*e = (struct events){ .common = NULL };
}

static bool is_listened(const struct events *e, unsigned vector)
{
	for (unsigned i = 0; i < e->count; i++)
		if (e->listened[i] == vector)
			return true;
	return false;
}

/* The driver keeps it until the device is closed: one that it has is not given again. */
static int give_own(struct events *e, HANDLE device, const char *name, unsigned vector)
{
	char text[TEXT_ERROR];
	HANDLE own;
	DWORD error;
	int rc;

	if (e->own[vector])
		return 0;
	own = CreateEventW(NULL, FALSE, FALSE, NULL);
	error = GetLastError();
	if (!own)
		return error_detail(text_error_code(error), "%s: making an event: %s", name,
				    text_of_error(error, text));
	rc = driver_listen(device, name, vector, own);
	if (rc < 0)
		CloseHandle(own);
	else
		e->own[vector] = own;
	return rc;
}

int events_listen(struct events *e, HANDLE device, const char *name, unsigned vector)
{
	int rc;

	if (is_listened(e, vector))
		return 0;
	rc = give_own(e, device, name, vector);
	if (rc < 0)
		return rc;
	rc = driver_listen(device, name, vector, e->common);
	if (rc == 0)
		e->listened[e->count++] = (uint8_t)vector;
	SetEvent(e->common); /* the driver cleared it, whatever it told */
	return rc;
}

static DWORD milliseconds(int timeout_ms)
{
	return timeout_ms < 0 ? INFINITE : (DWORD)timeout_ms;
}

static int tell_all(const struct events *e, const struct port_sink *sink)
{
	for (unsigned i = 0; i < e->count; i++)
		sink->interrupt(sink->arg, e->listened[i]);
	return (int)e->count;
}

static int tell_rung(const struct events *e, const struct port_sink *sink)
{
	int told = 0;

	for (unsigned i = 0; i < e->count; i++) {
		unsigned vector = e->listened[i];

		if (WaitForSingleObject(e->own[vector], 0) != WAIT_OBJECT_0)
			continue;
		sink->interrupt(sink->arg, vector);
		told++;
	}
	return told;
}

int events_wait(struct events *e, const char *name, int timeout_ms,
		const struct port_sink *sink)
{
	char text[TEXT_ERROR];
	DWORD got = WaitForSingleObject(e->common, milliseconds(timeout_ms));
	int rc;

	if (got == WAIT_FAILED)
		return error_detail(BELL_EIO, "%s: waiting: %s", name,
				    text_of_error(GetLastError(), text));
	if (got == WAIT_TIMEOUT)
		return 0;
	ResetEvent(e->common); /* before the vectors' own: events.h */
	rc = events_check(e, name);
	if (rc < 0) {
		SetEvent(e->common); /* told every time */
		return rc;
	}
	if (atomic_exchange(&e->resumed, false))
		return tell_all(e, sink);
	return tell_rung(e, sink);
}

void events_resumed(struct events *e)
{
	atomic_store(&e->resumed, true);
	SetEvent(e->common);
}

void events_leaving(struct events *e, bool leaving)
{
	atomic_store(&e->leaving, leaving);
	SetEvent(e->common);
}

int events_check(const struct events *e, const char *name)
{
	if (!atomic_load(&e->leaving))
		return 0;
	return error_detail(BELL_EGONE, "%s: the device was removed, or is about to be; close it", name);
}
