/* SPDX-License-Identifier: BSD-2-Clause */
#include "standin-peer.h"

#include "standin-linux.h"

enum {
	MEMORY = -1,         /* the message with the memory */
	GREETING_MS = 5000,  /* for the memory, which a server sends at once */
	VECTORS_MS = 500     /* for our own vectors, of which there may be fewer */
};

void peer_init(struct peer *p)
{
	memset(p, 0, sizeof(*p));
	p->memory = p->sock = p->stop = -1;
	ExInitializeFastMutex(&p->lock);
	InitializeListHead(&p->others);
}

/* ---- the list of doorbells; callers hold the lock -------------------------------- */

static struct doorbells *find(struct peer *p, uint16_t id)
{
	LIST_ENTRY *e;

	for (e = p->others.Flink; e != &p->others; e = e->Flink) {
		struct doorbells *d = CONTAINING_RECORD(e, struct doorbells, entry);

		if (d->id == id)
			return d;
	}
	return NULL;
}

static struct doorbells *find_or_add(struct peer *p, uint16_t id)
{
	struct doorbells *d = find(p, id);

	if (d)
		return d;
	d = ExAllocatePool(NonPagedPool, sizeof(*d));
	if (!d)
		return NULL;
	d->id = id;
	d->count = 0;
	InsertTailList(&p->others, &d->entry);
	if (id == p->id)
		p->own = d;
	return d;
}

static void forget(struct doorbells *d)
{
	unsigned i;

	RemoveEntryList(&d->entry);
	for (i = 0; i < d->count; i++)
		linux_close(d->fds[i]);
	ExFreePool(d);
}

/* QEMU closes what its device has no room for: hw/misc/ivshmem.c, process_msg_connect(). */
static void connected(struct peer *p, uint16_t id, int fd)
{
	struct doorbells *d = find_or_add(p, id);

	if (!d || d->count == p->vectors) {
		linux_close(fd);
		return;
	}
	linux_nonblocking(fd);
	d->fds[d->count++] = fd;
}

static void left(struct peer *p, uint16_t id)
{
	struct doorbells *d = find(p, id);

	if (d && d != p->own)
		forget(d);
}

/* ---- the server ------------------------------------------------------------------ */

/* One message, all of its bytes; 0 if it did not come in time or never will. */
static int message(struct peer *p, int64_t *value, int *fd, int timeout_ms)
{
	struct linux_pollfd ready = {p->sock, LINUX_POLLIN, 0};
	unsigned char *to = (unsigned char *)value;
	size_t have = 0;
	int came;

	*fd = -1;
	while (have < sizeof(*value)) {
		int64_t n;
		int rc = linux_poll(&ready, 1, timeout_ms);

		if (rc == -LINUX_EINTR)
			continue;
		if (rc <= 0)
			break;
		n = linux_receive(p->sock, to + have, sizeof(*value) - have, &came);
		if (came >= 0)
			*fd = came;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	if (have == sizeof(*value))
		return 1;
	linux_close(*fd);
	return 0;
}

static const char *greeting(struct peer *p)
{
	int64_t value;
	int fd;

	if (!message(p, &value, &fd, GREETING_MS) || value != 0)
		return "the server does not speak version 0";
	if (!message(p, &value, &fd, GREETING_MS) || value < 0 || value > UINT16_MAX)
		return "the server gave no id";
	p->id = (uint16_t)value;
	if (!message(p, &value, &fd, GREETING_MS) || value != MEMORY || fd < 0)
		return "the server gave no memory";
	p->memory = fd;
	p->size = linux_size(fd);
	return p->size > 0 ? NULL : "the server's memory has no size";
}

/* Another message, if there is one in time. */
static int news(struct peer *p, int timeout_ms)
{
	int64_t value;
	int fd;

	if (!message(p, &value, &fd, timeout_ms))
		return 0;
	ExAcquireFastMutex(&p->lock);
	if (fd >= 0)
		connected(p, (uint16_t)value, fd);
	else
		left(p, (uint16_t)value);
	ExReleaseFastMutex(&p->lock);
	return 1;
}

/* ---- the thread ------------------------------------------------------------------ */

static void interrupts(struct peer *p, const struct linux_pollfd *fds)
{
	uint64_t pending = 0;
	unsigned i;

	for (i = 0; p->own && i < p->own->count; i++)
		if (fds[i].revents && linux_take(p->own->fds[i]))
			pending |= 1ULL << i;
	if (pending)
		p->interrupt(p->arg, pending);
}

static void NTAPI follow(void *arg)
{
	struct linux_pollfd fds[PEER_VECTORS + 2];
	struct peer *p = arg;
	unsigned i, n;

	do {
		n = p->own ? p->own->count : 0;
		for (i = 0; i < n; i++)
			fds[i] = (struct linux_pollfd){p->own->fds[i], LINUX_POLLIN, 0};
		fds[n] = (struct linux_pollfd){p->sock, LINUX_POLLIN, 0};
		fds[n + 1] = (struct linux_pollfd){p->stop, LINUX_POLLIN, 0};
		if (linux_poll(fds, n + 2, -1) <= 0)
			continue;
		interrupts(p, fds);
		if (fds[n].revents && !news(p, GREETING_MS)) {
			linux_close(p->sock);
			p->sock = -1;
		}
	} while (!fds[n + 1].revents);
	PsTerminateSystemThread(STATUS_SUCCESS);
}

static const char *start(struct peer *p)
{
	p->stop = linux_eventfd();
	if (p->stop < 0)
		return "no eventfd";
	if (PsCreateSystemThread(&p->thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, follow, p))
		return "no thread";
	return NULL;
}

/* ---- the device ------------------------------------------------------------------ */

const char *peer_plain(struct peer *p, const char *path)
{
	p->memory = linux_open(path);
	if (p->memory < 0)
		return "the memory's file cannot be opened";
	p->size = linux_size(p->memory);
	return p->size > 0 ? NULL : "the memory's file is empty";
}

const char *peer_join(struct peer *p, const char *path, unsigned vectors)
{
	const char *wrong;

	p->vectors = vectors < PEER_VECTORS ? vectors : PEER_VECTORS;
	p->sock = linux_connect(path);
	if (p->sock < 0)
		return "the server's socket refused";
	wrong = greeting(p);
	if (wrong)
		return wrong;
	while ((!p->own || p->own->count < p->vectors) && news(p, VECTORS_MS))
		;
	return start(p);
}

void peer_ring(struct peer *p, uint16_t id, uint16_t vector)
{
	struct doorbells *d;

	ExAcquireFastMutex(&p->lock);
	d = find(p, id);
	if (d && vector < d->count)
		linux_raise(d->fds[vector]);
	ExReleaseFastMutex(&p->lock);
}

void peer_leave(struct peer *p)
{
	if (p->thread) {
		linux_raise(p->stop);
		ZwWaitForSingleObject(p->thread, FALSE, NULL);
		ZwClose(p->thread);
	}
	linux_close(p->sock);
	linux_close(p->stop);
	linux_close(p->memory);
	while (!IsListEmpty(&p->others))
		forget(CONTAINING_RECORD(p->others.Flink, struct doorbells, entry));
	peer_init(p);
}
