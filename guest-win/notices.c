/* SPDX-License-Identifier: BSD-2-Clause */
#include "notices.h"

#include <cfgmgr32.h>

/* ---- removal: cfgmgr32.h of Windows 8, which other headers lack ------------------- */

#define FILTER_DEVICEHANDLE 1
#define ACTION_QUERYREMOVE 2
#define ACTION_QUERYREMOVEFAILED 3
#define ACTION_REMOVEPENDING 4
#define ACTION_REMOVECOMPLETE 5

struct filter {
	DWORD size, flags;
	int type;
	DWORD reserved;
	union {
		HANDLE device;
		wchar_t instance[200]; /* the largest of them */
	} u;
};
_Static_assert(sizeof(struct filter) == 416, "as CM_NOTIFY_FILTER on x64");

typedef DWORD CALLBACK removal_fn(void *registration, void *context, int action,
				  void *data, DWORD size);
typedef CONFIGRET WINAPI register_fn(struct filter *filter, void *context,
				     removal_fn *callback, void **registration);
typedef CONFIGRET WINAPI unregister_fn(void *registration);

/* ---- sleep: powrprof.h ---------------------------------------------------------------- */

#define CALLBACK_RECIPIENT 2 /* DEVICE_NOTIFY_CALLBACK */
#define RESUMED 0x12         /* PBT_APMRESUMEAUTOMATIC: told after every sleep */

typedef ULONG CALLBACK power_fn(void *context, ULONG type, void *setting);

struct recipient {
	power_fn *callback;
	void *context;
};

typedef DWORD WINAPI power_register_fn(DWORD flags, struct recipient *to, void **registration);
typedef DWORD WINAPI power_unregister_fn(void *registration);

/* ---- finding them -------------------------------------------------------------------- */

typedef void any_fn(void);

/* Both libraries are Windows' own and stay loaded. NULL: this one has no such function. */
static any_fn *function(const wchar_t *library, const char *name)
{
	HMODULE module = LoadLibraryExW(library, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);

	return module ? (any_fn *)GetProcAddress(module, name) : NULL;
}

static DWORD CALLBACK on_removal(void *registration, void *context, int action, void *data,
				 DWORD size)
{
	struct events *e = context;

	(void)registration, (void)data, (void)size;
	switch (action) {
	case ACTION_QUERYREMOVE:
	case ACTION_REMOVEPENDING:
	case ACTION_REMOVECOMPLETE:
		events_leaving(e, true);
		break;
	case ACTION_QUERYREMOVEFAILED:
		events_leaving(e, false);
		break;
	default:
		break;
	}
	return ERROR_SUCCESS;
}

/*
 * CM_Unregister_Notification() waits for a call that is under way; of
 * PowerUnregisterSuspendResumeNotification() nobody says so: who is in no list is not
 * there any more.
 */
static SRWLOCK lock = SRWLOCK_INIT;
static struct notices *all;

static ULONG CALLBACK on_power(void *context, ULONG type, void *setting)
{
	(void)setting;
	AcquireSRWLockShared(&lock);
	for (struct notices *n = all; n && type == RESUMED; n = n->next)
		if (n == context)
			events_resumed(n->events);
	ReleaseSRWLockShared(&lock);
	return ERROR_SUCCESS;
}

static void enter_list(struct notices *n)
{
	AcquireSRWLockExclusive(&lock);
	n->next = all;
	all = n;
	ReleaseSRWLockExclusive(&lock);
}

static void leave_list(const struct notices *n)
{
	AcquireSRWLockExclusive(&lock);
	for (struct notices **at = &all; *at; at = &(*at)->next)
		if (*at == n) {
			*at = n->next;
			break;
		}
	ReleaseSRWLockExclusive(&lock);
}

void notices_begin(struct notices *n, struct events *e, HANDLE device)
{
	register_fn *removal = (register_fn *)function(L"cfgmgr32.dll",
						       "CM_Register_Notification");
	power_register_fn *power = (power_register_fn *)function(
		L"powrprof.dll", "PowerRegisterSuspendResumeNotification");
	struct filter filter = { .size = sizeof(filter), .type = FILTER_DEVICEHANDLE,
				 .u.device = device };
	struct recipient to = { on_power, n };

	n->events = e;
	enter_list(n);
	if (!removal || removal(&filter, e, on_removal, &n->removal) != CR_SUCCESS)
		n->removal = NULL;
	if (!power || power(CALLBACK_RECIPIENT, &to, &n->power) != ERROR_SUCCESS)
		n->power = NULL;
}

void notices_done(struct notices *n)
{
	unregister_fn *removal = (unregister_fn *)function(L"cfgmgr32.dll",
							   "CM_Unregister_Notification");
	power_unregister_fn *power = (power_unregister_fn *)function(
		L"powrprof.dll", "PowerUnregisterSuspendResumeNotification");

	leave_list(n);
	if (n->removal && removal)
		removal(n->removal);
	if (n->power && power)
		power(n->power);
	*n = (struct notices){ .removal = NULL };
}
