/* SPDX-License-Identifier: BSD-2-Clause */
#include "driver.h"

#include "text.h"

#define ALREADY_ATTACHED 548u /* STATUS_DEVICE_ALREADY_ATTACHED, which winerror.h lacks */

const GUID driver_interface = { 0xdf576976, 0x569d, 0x4672,
				{ 0x95, 0xa0, 0xf5, 0x7e, 0x4e, 0xa0, 0xb2, 0x10 } };

static int failed_otherwise(DWORD error, const char *name, const char *what)
{
	char text[TEXT_ERROR];
	int code = text_error_code(error);

	return error_detail(code, "%s: %s: %s%s", name, what, text_of_error(error, text),
			    code == BELL_EGONE ? ": the device was removed; close it" : "");
}

/* What Queue.c answers with, as Windows translates it. */
static int failed(const char *name, const char *what)
{
	DWORD error = GetLastError();

	switch (error) {
	case ERROR_NOT_READY: /* STATUS_DEVICE_NOT_READY: no memory was given yet */
		return error_detail(BELL_EAGAIN,
				    "%s: %s: the device is not ready: no server has given it memory yet",
				    name, what);
	case ALREADY_ATTACHED:
		return error_detail(BELL_EBUSY,
				    "%s: %s: another program has the memory, and this driver gives it to one at a time: end that program",
				    name, what);
	case ERROR_IO_DEVICE: /* STATUS_DRIVER_INTERNAL_ERROR */
		return error_detail(BELL_EIO,
				    "%s: %s: the driver could not map the memory: is there room for it? try after a restart of Windows",
				    name, what);
	case ERROR_INVALID_HANDLE: /* STATUS_INVALID_HANDLE: of another's mapping */
		return error_detail(BELL_EIO, "%s: %s: the driver says that the memory is not ours",
				    name, what);
	case ERROR_INVALID_USER_BUFFER: /* STATUS_INVALID_BUFFER_SIZE */
	case ERROR_INVALID_PARAMETER:   /* STATUS_INVALID_PARAMETER: cache mode */
	case ERROR_INVALID_FUNCTION:    /* STATUS_INVALID_DEVICE_REQUEST */
		return error_detail(BELL_EUNSUP,
				    "%s: %s: error %lu: not the virtio-win driver that this release knows; install a current one",
				    name, what, error);
	default:
		return failed_otherwise(error, name, what);
	}
}

static int call(HANDLE device, const char *name, const char *what, DWORD code, void *in,
		size_t in_size, void *out, size_t out_size)
{
	DWORD n = 0;

	if (!DeviceIoControl(device, code, in, (DWORD)in_size, out, (DWORD)out_size, &n, NULL)) {
		DWORD error = GetLastError();
		int rc = failed(name, what);

		SetLastError(error); /* for who knows more of it */
		return rc;
	}
	if (n != out_size)
		return error_detail(BELL_EUNSUP, "%s: %s: the driver gave %lu bytes, not %zu",
				    name, what, n, out_size);
	return 0;
}

/* FILE_ANY_ACCESS: no access has to be asked for. */
int driver_open(const wchar_t *path, const char *name, HANDLE *out)
{
	HANDLE device = CreateFileW(path, 0, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
				    OPEN_EXISTING, 0, NULL);

	if (device == INVALID_HANDLE_VALUE)
		return failed(name, "opening it");
	*out = device;
	return 0;
}

int driver_size(HANDLE device, const char *name, uint64_t *size)
{
	uint64_t value;
	int rc = call(device, name, "asking for the memory's size", DRIVER_SIZE, NULL, 0,
		      &value, sizeof(value));

	if (rc == 0)
		*size = value;
	return rc;
}

int driver_map(HANDLE device, const char *name, struct driver_mmap *out)
{
	struct driver_mmap map = { .memory = NULL };
	uint8_t mode = DRIVER_CACHED;
	int rc = call(device, name, "mapping the memory", DRIVER_MMAP, &mode, sizeof(mode),
		      &map, sizeof(map));

	if (rc == 0 && (!map.memory || map.size == 0))
		rc = error_detail(BELL_EUNSUP, "%s: the driver mapped nothing", name);
	if (rc == 0)
		*out = map;
	return rc;
}

int driver_ring_doorbell(HANDLE device, const char *name, uint32_t id, unsigned vector)
{
	struct driver_ring ring = { .peer_id = (uint16_t)id, .vector = (uint16_t)vector };

	return call(device, name, "ringing", DRIVER_RING, &ring, sizeof(ring), NULL, 0);
}

int driver_listen(HANDLE device, const char *name, unsigned vector, HANDLE event)
{
	struct driver_event e = { .vector = (uint16_t)vector, .event = event };
	int rc;

	rc = call(device, name, "listening on a vector", DRIVER_EVENT, &e, sizeof(e), NULL, 0);
	if (rc == 0 || GetLastError() != ERROR_NO_SYSTEM_RESOURCES)
		return rc;
	return error_detail(BELL_EBUSY,
			    "%s: listening on vector %u: all %u events of the device are in use; listen on fewer vectors (each takes two)",
			    name, vector, DRIVER_EVENTS);
}
