/* SPDX-License-Identifier: BSD-2-Clause */
#include "standin.h"

#define VALUE_BYTES 512u
#define PATH_BYTES 256u

struct value {
	KEY_VALUE_PARTIAL_INFORMATION head;
	WCHAR room[VALUE_BYTES / sizeof(WCHAR)];
};

/* Its data is of that type, or the value is as good as absent. */
static BOOLEAN read(HANDLE key, const WCHAR *name, ULONG type, struct value *v)
{
	UNICODE_STRING n;
	ULONG size;

	RtlInitUnicodeString(&n, name);
	memset(v, 0, sizeof(*v));
	return !ZwQueryValueKey(key, &n, KeyValuePartialInformation, v, VALUE_BYTES, &size) &&
	       v->head.Type == type;
}

static ULONG number(HANDLE key, const WCHAR *name, ULONG otherwise)
{
	struct value v;
	ULONG n;

	if (!read(key, name, REG_DWORD, &v))
		return otherwise;
	memcpy(&n, v.head.Data, sizeof(n));
	return n;
}

/* A path of Linux, of ASCII characters. */
static BOOLEAN path(HANDLE key, const WCHAR *name, char *to)
{
	struct value v;
	const WCHAR *from = (const WCHAR *)(const void *)v.head.Data;
	unsigned i;

	if (!read(key, name, REG_SZ, &v))
		return FALSE;
	for (i = 0; from[i] && i < PATH_BYTES - 1; i++)
		to[i] = (char)from[i];
	to[i] = 0;
	return TRUE;
}

/* A number of requests is taken once. */
static void take_not_ready(struct device *d)
{
	ULONG n = number(d->key, L"NotReady", 0);
	UNICODE_STRING name;

	if (!n)
		return;
	d->modes.not_ready = n;
	RtlInitUnicodeString(&name, L"NotReady");
	ZwDeleteValueKey(d->key, &name);
}

void modes_read(struct device *d)
{
	ULONG granted = number(d->key, L"Granted", d->peer.vectors), was = d->modes.broken;

	d->modes.vectors = granted < d->peer.vectors ? granted : d->peer.vectors;
	d->modes.per_handle = number(d->key, L"PerHandle", 0);
	d->modes.map_fails = number(d->key, L"MapFails", 0);
	d->modes.mute = number(d->key, L"Mute", 0);
	d->modes.stays = number(d->key, L"Stays", 0);
	d->modes.broken = number(d->key, L"Broken", BROKEN_NOT);
	if (was == BROKEN_CLEANUP && d->modes.broken != was)
		slots_free(d, NULL); /* what the breakage kept goes with it */
	take_not_ready(d);
}

const char *modes_join(struct device *d)
{
	char name[PATH_BYTES];

	if (path(d->key, L"Memory", name))
		return peer_plain(&d->peer, name);
	if (path(d->key, L"Socket", name))
		return peer_join(&d->peer, name, number(d->key, L"Vectors", 1));
	return "neither Socket nor Memory is set in the device's key";
}

void modes_say(struct device *d, const char *state)
{
	WCHAR text[PATH_BYTES];
	UNICODE_STRING name;
	ULONG n = 0;

	do {
		text[n] = (WCHAR)state[n];
	} while (state[n++]);
	RtlInitUnicodeString(&name, L"State");
	ZwSetValueKey(d->key, &name, 0, REG_SZ, text, n * (ULONG)sizeof(WCHAR));
}
