/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * contract.h - does the ivshmem driver keep what Bellring relies on?
 *
 * bellring-contract.exe asks the driver itself: it uses nothing of Bellring, and
 * shares no line with the port or with the stand-in driver of the tests, so that
 * a misreading of the driver shows. CHECKLIST.md says how to run it. Rules are from
 * the driver's source, virtio-win/kvm-guest-drivers-windows, folder ivshmem.
 */
#ifndef CONTRACT_H
#define CONTRACT_H

#include <windows.h>
#include <stddef.h>
#include <stdint.h>

/* ---- what the driver's Public.h says ------------------------------------------------ */

#define ASK_PEER_ID 0x222000u
#define ASK_SIZE 0x222004u
#define ASK_MAP 0x222008u
#define ASK_UNMAP 0x22200cu
#define ASK_RING 0x222010u
#define ASK_REGISTER 0x222014u
#define ASK_NONSENSE 0x222400u /* no request of any version */

enum { UNCACHED = 0, CACHED = 1, WRITE_COMBINED = 2, NO_CACHE_MODE = 3 };

struct map_answer {
	uint16_t peer_id;
	uint64_t size;
	uint64_t address;
	uint16_t vectors;
};

struct ring_request {
	uint16_t peer_id;
	uint16_t vector;
};

struct register_request {
	uint16_t vector;
	uint64_t event;
	uint8_t single_shot;
};

_Static_assert(sizeof(struct map_answer) == 32, "64-bit contract");
_Static_assert(offsetof(struct map_answer, size) == 8, "64-bit contract");
_Static_assert(offsetof(struct map_answer, address) == 16, "64-bit contract");
_Static_assert(offsetof(struct map_answer, vectors) == 24, "64-bit contract");
_Static_assert(sizeof(struct ring_request) == 4, "contract");
_Static_assert(sizeof(struct register_request) == 24, "contract");
_Static_assert(offsetof(struct register_request, event) == 8, "contract");
_Static_assert(offsetof(struct register_request, single_shot) == 16, "contract");

/* ERROR_DEVICE_ALREADY_ATTACHED of the Windows kit; not in all of mingw-w64's headers. */
#define ALREADY_MAPPED 548u

enum {
	SLOTS = 32,          /* events a device */
	EVENT_MS = 2000,     /* for an interrupt, which takes microseconds */
	SILENCE_MS = 50      /* to see that there is none */
};

/* ---- a check ------------------------------------------------------------------------- */

struct contract {
	const char *path;       /* of the device's interface, UTF-8 */
	const char *program;    /* this one */
	uint16_t id;
	uint64_t size;
	uint16_t vectors;
	int per_handle;         /* one mapping for each handle; else one a device */
	int silent;             /* interrupts do not come, as a check has shown */
	/* what the check that runs has seen */
	int failures;
	int skipped;
	char note[512];
};

/* Adds to what the check says; failed() also fails it, skip() ends in a skip. */
void seen(struct contract *c, const char *format, ...) __attribute__((format(gnu_printf, 2, 3)));
void failed(struct contract *c, const char *format, ...)
	__attribute__((format(gnu_printf, 2, 3)));
void skip(struct contract *c, const char *why);

/* Fails unless the error is the one wanted; returns whether it is. */
int wants(struct contract *c, const char *what, DWORD error, DWORD wanted);

struct check {
	const char *name;
	void (*run)(struct contract *c);
};

/* Each ends with a row of NULL. */
extern const struct check request_checks[];
extern const struct check memory_checks[];
extern const struct check event_checks[];
extern const struct check slot_checks[];

/* ---- contract-device.c: the requests; each returns an error of Windows, or 0 ------------ */

/* INVALID_HANDLE_VALUE fails the check. */
HANDLE device_open(struct contract *c);

/* Any request with any lengths; *got: bytes of the answer. */
DWORD ask(HANDLE h, DWORD code, const void *in, DWORD in_size, void *out, DWORD out_size,
	  DWORD *got);
DWORD map(HANDLE h, uint8_t mode, struct map_answer *out);
DWORD unmap(HANDLE h);
DWORD ring(HANDLE h, uint16_t id, uint16_t vector);
DWORD enlist(HANDLE h, uint16_t vector, HANDLE event, int single_shot);

/* Opened and mapped, cached; INVALID_HANDLE_VALUE fails the check. */
HANDLE device_mapped(struct contract *c, struct map_answer *out);

/* This program again, with a mapping and all 32 events; NULL fails the check. */
HANDLE device_holder(struct contract *c);
int hold(struct contract *c); /* what that one does; its exit status */

/* ---- contract-events.c ---------------------------------------------------------------------- */

HANDLE new_event(void); /* auto-reset */
int is_set(HANDLE event, DWORD ms);

/* Registers a new event, gives that; a failure fails the check. */
HANDLE enlisted(struct contract *c, HANDLE h, uint16_t vector, int single_shot);

/* device_mapped(), or a skip where no vector can interrupt. */
HANDLE device_ringing(struct contract *c);

/* ---- contract-system.c -------------------------------------------------------------------- */

/*
 * The path of the device of that number, from 0, UTF-8, to be freed; NULL if there
 * is none.
 */
char *system_device(unsigned number);

/* Prints what system this is, which driver, and where the device sits. */
void system_print(unsigned number);

#endif
