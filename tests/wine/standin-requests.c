/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every rule names its place in the real driver's source; where nothing else is
 * said, that is Queue.c. Structures and codes are those of Public.h.
 */
#include "standin.h"

#define CODE(n) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)

enum {
	REQUEST_PEERID = CODE(0),
	REQUEST_SIZE = CODE(1),
	REQUEST_MMAP = CODE(2),
	RELEASE_MMAP = CODE(3),
	RING_DOORBELL = CODE(4),
	REGISTER_EVENT = CODE(5)
};

enum { CACHE_MODES = 3 };

struct mmap_answer {
	uint16_t peer_id;
	uint64_t size;
	void *ptr;
	uint16_t vectors;
};

struct ring {
	uint16_t peer_id;
	uint16_t vector;
};

struct registration {
	uint16_t vector;
	HANDLE event;
	BOOLEAN single_shot;
};

C_ASSERT(sizeof(struct mmap_answer) == 32);
C_ASSERT(sizeof(struct ring) == 4);
C_ASSERT(sizeof(struct registration) == 24);

struct asked {
	struct device *d;
	FILE_OBJECT *file;
	ULONG in;
	ULONG out;
	void *buffer;
	ULONG_PTR *given;
};

static NTSTATUS wrong_length(const struct asked *a)
{
	return a->d->modes.broken == BROKEN_LENGTH ? STATUS_INVALID_PARAMETER :
						     STATUS_INVALID_BUFFER_SIZE;
}

/* ioctl_request_peerid(): all of the output, whatever the input. */
static NTSTATUS peer_id(const struct asked *a)
{
	if (a->out != sizeof(uint16_t))
		return wrong_length(a);
	*(uint16_t *)a->buffer = a->d->peer.id;
	*a->given = sizeof(uint16_t);
	return STATUS_SUCCESS;
}

/* ioctl_request_size(). */
static NTSTATUS size(const struct asked *a)
{
	if (a->out != sizeof(uint64_t))
		return wrong_length(a);
	*(uint64_t *)a->buffer = (uint64_t)a->d->peer.size;
	*a->given = sizeof(uint64_t);
	return STATUS_SUCCESS;
}

/* One mapping a device, or one a handle in the tags mm282 and mm286. */
static BOOLEAN is_mapped(const struct asked *a)
{
	if (a->d->modes.per_handle)
		return client_mapping(a->d, a->file) != NULL;
	return !IsListEmpty(&a->d->mappings);
}

/* ioctl_request_mmap(): the mapping, input, cache mode, output, in this order. */
static NTSTATUS map(const struct asked *a)
{
	struct mmap_answer answer = {0};

	if (is_mapped(a))
		return STATUS_DEVICE_ALREADY_ATTACHED;
	if (a->in != 1)
		return wrong_length(a);
	if (*(uint8_t *)a->buffer >= CACHE_MODES)
		return STATUS_INVALID_PARAMETER;
	if (a->out != sizeof(answer))
		return wrong_length(a);
	if (a->d->modes.map_fails || client_map(a->d, a->file))
		return STATUS_DRIVER_INTERNAL_ERROR;
	answer.peer_id = a->d->peer.id;
	answer.size = (uint64_t)a->d->peer.size;
	answer.ptr = client_mapping(a->d, a->file)->base;
	answer.vectors = (uint16_t)a->d->modes.vectors;
	memcpy(a->buffer, &answer, sizeof(answer));
	*a->given = sizeof(answer);
	return STATUS_SUCCESS;
}

/* ioctl_release_mmap(): events stay, and fire. No length is looked at. */
static NTSTATUS unmap(const struct asked *a)
{
	struct mapping *m = client_mapping(a->d, a->file);

	if (!is_mapped(a))
		return STATUS_INVALID_DEVICE_REQUEST;
	if (!m)
		return STATUS_INVALID_HANDLE;
	client_unmap(m);
	return STATUS_SUCCESS;
}

/* ioctl_ring_doorbell(): the owner first; neither number is looked at. */
static NTSTATUS ring(const struct asked *a)
{
	const struct ring *r = a->buffer;
	BOOLEAN next = a->d->modes.broken == BROKEN_VECTOR;

	if (!client_mapping(a->d, a->file) && a->d->modes.broken != BROKEN_OWNER)
		return STATUS_INVALID_HANDLE;
	if (a->in != sizeof(*r))
		return wrong_length(a);
	peer_ring(&a->d->peer, r->peer_id, (uint16_t)(r->vector + next));
	return STATUS_SUCCESS;
}

/* What is no event cannot be cleared. */
static NTSTATUS clear(const struct asked *a, HANDLE event)
{
	LONG was;
	NTSTATUS rc = ZwResetEvent(event, &was);

	if (!rc && was && a->d->modes.broken == BROKEN_CLEAR)
		ZwSetEvent(event, NULL);
	return rc;
}

/* ioctl_register_event(): owner, length, room, handle; then the event is cleared. */
static NTSTATUS register_event(const struct asked *a)
{
	const struct registration *r = a->buffer;
	unsigned room = a->d->modes.broken == BROKEN_SLOTS ? SLOTS - 1 : SLOTS;
	struct slot wanted;

	if (!client_mapping(a->d, a->file))
		return STATUS_INVALID_HANDLE;
	if (a->in != sizeof(*r))
		return wrong_length(a);
	if (a->d->used == room)
		return STATUS_INSUFFICIENT_RESOURCES;
	memset(&wanted, 0, sizeof(wanted));
	if (client_event(r->event, &wanted.event))
		return STATUS_INVALID_HANDLE;
	wanted.owner = a->file;
	wanted.vector = r->vector;
	wanted.single_shot = r->single_shot;
	if (clear(a, wanted.event) || slots_add(a->d, &wanted)) {
		ZwClose(wanted.event);
		return STATUS_INVALID_HANDLE;
	}
	return STATUS_SUCCESS;
}

/* IVSHMEMEvtIoDeviceControl(): readiness before anything else, even the code. */
NTSTATUS request(struct device *d, FILE_OBJECT *file, const IO_STACK_LOCATION *at, void *buffer,
		 ULONG_PTR *given)
{
	const struct asked a = {d, file, at->Parameters.DeviceIoControl.InputBufferLength,
				at->Parameters.DeviceIoControl.OutputBufferLength, buffer, given};

	if (d->modes.not_ready) {
		d->modes.not_ready--;
		return STATUS_DEVICE_NOT_READY;
	}
	switch (at->Parameters.DeviceIoControl.IoControlCode) {
	case REQUEST_PEERID:
		return peer_id(&a);
	case REQUEST_SIZE:
		return size(&a);
	case REQUEST_MMAP:
		return map(&a);
	case RELEASE_MMAP:
		return unmap(&a);
	case RING_DOORBELL:
		return ring(&a);
	case REGISTER_EVENT:
		return register_event(&a);
	default:
		return STATUS_INVALID_DEVICE_REQUEST;
	}
}
