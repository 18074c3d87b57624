/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has a mapping, and what is there: Queue.c of the driver. */
#include "contract.h"

#include <string.h>

enum { PAGE = 4096, MARK = 64 };

static unsigned char *last_bytes(const struct map_answer *m)
{
	return (unsigned char *)(uintptr_t)(m->address + m->size - MARK);
}

static void cache_modes(struct contract *c)
{
	static const char *const names[] = {"uncached", "cached", "write-combined"};
	HANDLE h = device_open(c);
	struct map_answer m;
	uint8_t mode;

	for (mode = UNCACHED; mode <= WRITE_COMBINED; mode++) {
		memset(&m, 0, sizeof(m));
		if (!wants(c, names[mode], map(h, mode, &m), 0))
			continue;
		if (m.peer_id != c->id || m.size != c->size || !m.address || m.address % PAGE)
			failed(c, "%s: id %u, %llu bytes at %#llx", names[mode], m.peer_id,
			       (unsigned long long)m.size, (unsigned long long)m.address);
		c->vectors = m.vectors;
		wants(c, "RELEASE", unmap(h), 0);
		wants(c, "RELEASE again", unmap(h), ERROR_INVALID_FUNCTION);
	}
	seen(c, "%u vectors granted", c->vectors);
	CloseHandle(h);
}

static int is_zero(const unsigned char *p, uint64_t size)
{
	while (size && !*p)
		p++, size--;
	return !size;
}

/* Writes to the last bytes only, and puts back what was there. */
static void contents(struct contract *c)
{
	unsigned char old[MARK], mark[MARK], *end;
	struct map_answer m;
	HANDLE h = device_mapped(c, &m);

	if (h == INVALID_HANDLE_VALUE)
		return;
	end = last_bytes(&m);
	memcpy(old, end, MARK);
	memset(mark, 0xa5, MARK);
	memcpy(end, mark, MARK);
	unmap(h);
	if (!wants(c, "mapping again", map(h, CACHED, &m), 0))
		return;
	end = last_bytes(&m);
	if (memcmp(end, mark, MARK))
		failed(c, "what was written is not there in the next mapping");
	memcpy(end, old, MARK);
	seen(c, "%s", is_zero((void *)(uintptr_t)m.address, m.size) ?
			      "all zero" :
			      "not all zero: somebody uses it or has used it");
	CloseHandle(h);
}

/* ioctl_request_mmap(): one mapping a device; of tags mm282 and mm286 one a handle. */
static void which_mapping(struct contract *c)
{
	struct map_answer m, other;
	HANDLE a = device_mapped(c, &m), b = device_open(c);
	DWORD error = map(b, CACHED, &other);

	wants(c, "MMAP while mapped", map(a, CACHED, &other), ALREADY_MAPPED);
	wants(c, "MMAP while mapped, wrong length", ask(a, ASK_MAP, NULL, 0, NULL, 0, NULL),
	      ALREADY_MAPPED);
	c->per_handle = error == 0;
	if (error)
		wants(c, "MMAP by another handle", error, ALREADY_MAPPED);
	seen(c, "one mapping %s", c->per_handle ? "a handle" : "a device");
	CloseHandle(b);
	CloseHandle(a);
}

static void other_handle(struct contract *c)
{
	HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
	struct map_answer m;
	HANDLE a = device_mapped(c, &m), b = device_open(c);

	wants(c, "RELEASE", unmap(b),
	      c->per_handle ? ERROR_INVALID_FUNCTION : ERROR_INVALID_HANDLE);
	wants(c, "RING", ring(b, c->id, 0), ERROR_INVALID_HANDLE);
	wants(c, "REGISTER", enlist(b, 0, event, 0), ERROR_INVALID_HANDLE);
	wants(c, "RELEASE by the owner", unmap(a), 0);
	CloseHandle(b);
	CloseHandle(a);
	CloseHandle(event);
}

/* IVSHMEMEvtDeviceFileCleanup(). */
static void closing(struct contract *c)
{
	struct map_answer m;
	HANDLE a, b;

	a = device_mapped(c, &m);
	b = device_open(c);
	CloseHandle(a);
	wants(c, "MMAP after the owner closed", map(b, CACHED, &m), 0);
	CloseHandle(b);
}

static void dying(struct contract *c)
{
	HANDLE process = device_holder(c), h;
	struct map_answer m;
	int i;

	if (!process)
		return;
	h = device_open(c);
	wants(c, "MMAP while another process has it", map(h, CACHED, &m),
	      c->per_handle ? 0 : ALREADY_MAPPED);
	TerminateProcess(process, 1);
	WaitForSingleObject(process, INFINITE);
	CloseHandle(process);
	if (!c->per_handle)
		wants(c, "MMAP after its end", map(h, CACHED, &m), 0);
	for (i = 0; i < SLOTS; i++)
		if (!wants(c, "REGISTER after its end",
			   enlist(h, 0, CreateEventW(NULL, FALSE, FALSE, NULL), 0), 0))
			break;
	CloseHandle(h);
}

const struct check memory_checks[] = {
	{"MMAP maps in all three cache modes, RELEASE takes it back", cache_modes},
	{"MMAP while mapped is error 548", which_mapping},
	{"the memory is as large as SIZE says, and stays", contents},
	{"a handle that does not own the mapping gets error 6", other_handle},
	{"closing the handle gives the mapping back", closing},
	{"the end of a process gives mapping and events back", dying},
	{NULL, NULL},
};
