/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include "error.h"

static SRWLOCK lock = SRWLOCK_INIT;
static struct guard *guards;
static void *handler; /* there while there are guards */

static struct guard *find(const void *address)
{
	for (struct guard *g = guards; g; g = g->next) {
		const char *begin = g->memory;

		if ((const char *)address >= begin && (const char *)address < begin + g->size)
			return g;
	}
	return NULL;
}

/* Two threads may run into it at the same time: the second finds it done. */
static bool replace(struct guard *g)
{
	MEMORY_BASIC_INFORMATION info;
	void *got;

	if (g->replaced)
		return true;
	if (VirtualQuery(g->memory, &info, sizeof(info)) == 0 || info.State != MEM_FREE)
		return false;
	/* Elsewhere than asked: begins are rounded down, VirtualAlloc(). */
	got = VirtualAlloc(g->memory, g->size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
	g->replaced = got == g->memory;
	if (got && !g->replaced)
		VirtualFree(got, 0, MEM_RELEASE);
	return g->replaced;
}

static LONG CALLBACK on_exception(EXCEPTION_POINTERS *e)
{
	const EXCEPTION_RECORD *record = e->ExceptionRecord;
	LONG verdict = EXCEPTION_CONTINUE_SEARCH;
	struct guard *g;

	if (record->ExceptionCode != (DWORD)EXCEPTION_ACCESS_VIOLATION)
		return verdict;
	AcquireSRWLockExclusive(&lock);
	/* [1] is the address: EXCEPTION_RECORD. */
	g = find((const void *)record->ExceptionInformation[1]);
	if (g && replace(g)) {
		events_leaving(g->events, true);
		verdict = EXCEPTION_CONTINUE_EXECUTION;
	}
	ReleaseSRWLockExclusive(&lock);
	return verdict;
}

int guard_begin(struct guard *g, void *memory, size_t size, struct events *e)
{
	*g = (struct guard){ .memory = memory, .size = size, .events = e };
	AcquireSRWLockExclusive(&lock);
	if (!handler)
		handler = AddVectoredExceptionHandler(1, on_exception);
	if (handler) {
		g->next = guards;
		guards = g;
	}
	ReleaseSRWLockExclusive(&lock);
	return handler ? 0 : error_detail(BELL_ENOMEM, "adding an exception handler");
}

void guard_done(struct guard *g)
{
	AcquireSRWLockExclusive(&lock);
	for (struct guard **at = &guards; *at; at = &(*at)->next)
		if (*at == g) {
			*at = g->next;
			break;
		}
	if (!guards && handler) {
		RemoveVectoredExceptionHandler(handler);
		handler = NULL;
	}
	ReleaseSRWLockExclusive(&lock);
	if (g->replaced)
		VirtualFree(g->memory, 0, MEM_RELEASE);
	*g = (struct guard){ .memory = NULL };
}
