/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "standin-linux.h"
#include "standin.h"

#define PATH_CHARS 64

/* Wine's name for a path of Linux; the descriptor's own entry opens the memory anew. */
static NTSTATUS open_memory(const struct device *d, HANDLE *out)
{
	OBJECT_ATTRIBUTES attributes;
	WCHAR path[PATH_CHARS];
	IO_STATUS_BLOCK done;
	UNICODE_STRING name;

	_snwprintf(path, PATH_CHARS, L"\\??\\unix\\proc\\%d\\fd\\%d", linux_getpid(),
		   d->peer.memory);
	RtlInitUnicodeString(&name, path);
	InitializeObjectAttributes(&attributes, &name, 0, NULL, NULL);
	return ZwCreateFile(out, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &attributes, &done,
			    NULL, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
			    FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
}

static NTSTATUS open_process(HANDLE *out)
{
	OBJECT_ATTRIBUTES attributes;
	CLIENT_ID who = {PsGetCurrentProcessId(), NULL};

	InitializeObjectAttributes(&attributes, NULL, 0, NULL, NULL);
	return ZwOpenProcess(out, PROCESS_ALL_ACCESS, &attributes, &who);
}

static NTSTATUS map(const struct device *d, HANDLE process, void **base)
{
	HANDLE file, section;
	SIZE_T size = 0;
	NTSTATUS rc;

	rc = open_memory(d, &file);
	if (rc)
		return rc;
	rc = ZwCreateSection(&section, SECTION_ALL_ACCESS, NULL, NULL, PAGE_READWRITE, SEC_COMMIT,
			     file);
	ZwClose(file);
	if (rc)
		return rc;
	*base = NULL;
	rc = ZwMapViewOfSection(section, process, base, 0, 0, NULL, &size, ViewUnmap, 0,
				PAGE_READWRITE);
	ZwClose(section);
	return rc;
}

NTSTATUS client_map(struct device *d, FILE_OBJECT *owner)
{
	struct mapping *m = ExAllocatePool(NonPagedPool, sizeof(*m));
	NTSTATUS rc;

	if (!m)
		return STATUS_INSUFFICIENT_RESOURCES;
	rc = open_process(&m->process);
	if (rc) {
		ExFreePool(m);
		return rc;
	}
	rc = map(d, m->process, &m->base);
	if (rc) {
		ZwClose(m->process);
		ExFreePool(m);
		return rc;
	}
	m->owner = owner;
	InsertTailList(&d->mappings, &m->entry);
	return STATUS_SUCCESS;
}

struct mapping *client_mapping(struct device *d, const FILE_OBJECT *owner)
{
	LIST_ENTRY *e;

	for (e = d->mappings.Flink; e != &d->mappings; e = e->Flink) {
		struct mapping *m = CONTAINING_RECORD(e, struct mapping, entry);

		if (m->owner == owner)
			return m;
	}
	return NULL;
}

void client_unmap(struct mapping *m)
{
	/* Fails where the process has ended, and its memory with it. */
	ZwUnmapViewOfSection(m->process, m->base);
	ZwClose(m->process);
	RemoveEntryList(&m->entry);
	ExFreePool(m);
}

NTSTATUS client_event(HANDLE theirs, HANDLE *out)
{
	HANDLE process, event;
	NTSTATUS rc = open_process(&process);

	if (rc)
		return rc;
	rc = ZwDuplicateObject(process, theirs, ZwCurrentProcess(), &event,
			       SYNCHRONIZE | EVENT_MODIFY_STATE, 0, 0);
	ZwClose(process);
	if (!rc)
		*out = event;
	return rc;
}
