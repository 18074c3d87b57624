/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * driver.h - virtio-win's ivshmem driver: what it takes and gives
 *
 * From its source, kvm-guest-drivers-windows, ivshmem/Public.h, Queue.c and Device.c
 * of July 2026, named at each rule. All lengths must match exactly.
 */
#ifndef BELL_DRIVER_H
#define BELL_DRIVER_H

#include <windows.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Public.h ------------------------------------------------------------ */

extern const GUID driver_interface; /* GUID_DEVINTERFACE_IVSHMEM */

/* CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + n, METHOD_BUFFERED, FILE_ANY_ACCESS) */
#define DRIVER_CODE(n) (0x222000u + 4u * (n))
#define DRIVER_PEERID DRIVER_CODE(0u)
#define DRIVER_SIZE DRIVER_CODE(1u)
#define DRIVER_MMAP DRIVER_CODE(2u)
#define DRIVER_RELEASE DRIVER_CODE(3u)
#define DRIVER_RING DRIVER_CODE(4u)
#define DRIVER_EVENT DRIVER_CODE(5u)

#define DRIVER_CACHED 1u /* of the modes of DRIVER_MMAP */
#define DRIVER_EVENTS 32u /* Device.h, MAX_EVENTS: of a device */
/* Device.c, IVSHMEMInterruptISR() keeps them as bits of a 64-bit word. */
#define DRIVER_VECTORS 64u

struct driver_mmap {
	uint16_t peer_id;
	uint64_t size; /* bytes */
	void *memory;
	uint16_t vectors; /* that Windows granted */
};

struct driver_ring {
	uint16_t peer_id, vector;
};

struct driver_event {
	uint16_t vector;
	HANDLE event;
	uint8_t single_shot;
};

/*
 * The driver knows of 32-bit programs in its answer to DRIVER_MMAP only: an event it
 * takes in its own size (Queue.c, ioctl_register_event()). We are 64-bit.
 */
_Static_assert(sizeof(void *) == 8, "a build for x64");
_Static_assert(offsetof(struct driver_mmap, size) == 8, "as Public.h on x64");
_Static_assert(offsetof(struct driver_mmap, memory) == 16, "as Public.h on x64");
_Static_assert(offsetof(struct driver_mmap, vectors) == 24, "as Public.h on x64");
_Static_assert(sizeof(struct driver_mmap) == 32, "as Public.h on x64");
_Static_assert(sizeof(struct driver_ring) == 4, "as Public.h");
_Static_assert(offsetof(struct driver_event, event) == 8, "as Public.h on x64");
_Static_assert(offsetof(struct driver_event, single_shot) == 16, "as Public.h on x64");
_Static_assert(sizeof(struct driver_event) == 24, "as Public.h on x64");

/* ---- calls ------------------------------------------------------------------ */

/*
 * All return 0 or an error with a detail that begins with the device's name:
 *   -BELL_EAGAIN  the device is not ready yet
 *   -BELL_EBUSY   another program has the memory; no event is free
 *   -BELL_EGONE   the device was removed
 *   -BELL_EUNSUP  not the driver that we know
 *   -BELL_EPERM, -BELL_ENOMEM, -BELL_EIO
 */

/* path: of the device's interface. The handle is closed by CloseHandle(). */
int driver_open(const wchar_t *path, const char *name, HANDLE *out);
int driver_size(HANDLE device, const char *name, uint64_t *size);
/* Maps the memory cached, as long as the handle is open. */
int driver_map(HANDLE device, const char *name, struct driver_mmap *out);
int driver_ring_doorbell(HANDLE device, const char *name, uint32_t id, unsigned vector);
/*
 * From now on, until the handle is closed, each interrupt of that vector sets the
 * event; it is cleared first (Queue.c, KeClearEvent()). Events of a vector are set
 * in the order in which they came here: Queue.c appends each to a list, which
 * Device.c, IVSHMEMInterruptDPC(), goes through.
 */
int driver_listen(HANDLE device, const char *name, unsigned vector, HANDLE event);

#endif
