/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * standin.h - a stand-in for virtio-win's ivshmem driver, under Wine
 *
 * What the real driver does with its requests, and in which order, is rebuilt from
 * its source: virtio-win/kvm-guest-drivers-windows, folder ivshmem. A comment at
 * each rule names the file and the function there. Nothing of its text is here.
 * A request of a 32-bit process is not told apart: Wine runs 64-bit ones.
 *
 * standin.c takes the requests of Windows, standin-requests.c answers the
 * driver's own, standin-client.c maps memory into the process that asks,
 * standin-slots.c has the events, standin-modes.c reads how a device is to behave,
 * standin-peer.c is the device itself.
 */
#ifndef STANDIN_H
#define STANDIN_H

#include <ntifs.h>
#include <stdint.h>

#include "standin-peer.h"

#define SLOTS 32u /* Device.h, MAX_EVENTS */

/* One process's view of the memory, owned by the open file that asked for it. */
struct mapping {
	LIST_ENTRY entry;
	FILE_OBJECT *owner;
	HANDLE process;
	void *base;
};

struct slot {
	LIST_ENTRY entry; /* in order of registration */
	FILE_OBJECT *owner;
	HANDLE event; /* our own handle; NULL: the slot is free */
	uint16_t vector;
	BOOLEAN single_shot;
};

/* How to break a rule of the real driver, for tests of the contract program. */
enum breakage {
	BROKEN_NOT = 0,
	BROKEN_LENGTH,  /* a wrong length is an invalid parameter */
	BROKEN_CLEAR,   /* an event is not cleared when it is registered */
	BROKEN_ORDER,   /* events are set in the reverse order */
	BROKEN_SLOTS,   /* one slot fewer */
	BROKEN_CLEANUP, /* a closed handle's slots stay */
	BROKEN_SHOT,    /* a single shot stays */
	BROKEN_VECTOR,  /* a doorbell rings the next vector */
	BROKEN_OWNER    /* anybody may ring */
};

/* Values of the device's hardware key, read whenever the device is opened. */
struct modes {
	ULONG per_handle; /* 1: one mapping for each handle, not one for all */
	ULONG not_ready;  /* so many requests fail yet */
	ULONG vectors;    /* as Windows granted them */
	ULONG map_fails;  /* 1: no memory can be mapped */
	ULONG mute;       /* 1: interrupts are lost, as in sleep */
	ULONG stays;      /* 1: a removed device's memory stays until its handle is closed */
	ULONG broken;     /* enum breakage */
};

struct device {
	DEVICE_OBJECT *pdo;
	DEVICE_OBJECT *lower;
	UNICODE_STRING link;
	HANDLE key;
	unsigned open;    /* handles */
	BOOLEAN removed;
	BOOLEAN deleted;  /* as soon as no handle is left */
	struct modes modes;
	struct peer peer;
	LIST_ENTRY mappings;
	FAST_MUTEX lock; /* of the slots */
	struct slot slots[SLOTS];
	LIST_ENTRY registered;
	unsigned used;
};

/* ---- standin-modes.c ---- */

/* Reads what is set by now. */
void modes_read(struct device *d);

/* Joins the server, or opens the file, that the key names. NULL or a text. */
const char *modes_join(struct device *d);

/* Leaves word in the key: State, "ready" or why not. */
void modes_say(struct device *d, const char *state);

/* ---- standin-client.c: the process that asks; in the dispatch routine only ---- */

/* Maps the memory into the process. An NTSTATUS. */
NTSTATUS client_map(struct device *d, FILE_OBJECT *owner);

/* The file's mapping, or NULL. */
struct mapping *client_mapping(struct device *d, const FILE_OBJECT *owner);
void client_unmap(struct mapping *m);

/* Another handle to the process's event: *out, the caller's. An NTSTATUS. */
NTSTATUS client_event(HANDLE theirs, HANDLE *out);

/* ---- standin-slots.c: who is told of interrupts ---- */

void slots_init(struct device *d);
NTSTATUS slots_add(struct device *d, const struct slot *wanted);
/* Frees those of that file, or all for NULL. */
void slots_free(struct device *d, const FILE_OBJECT *owner);
/* Sets the events of all vectors whose bit is set. arg: the device. */
void slots_interrupt(void *arg, uint64_t pending);

/* ---- standin-requests.c ---- */

/* Answers one request to the driver; *given: bytes of it. An NTSTATUS. */
NTSTATUS request(struct device *d, FILE_OBJECT *file, const IO_STACK_LOCATION *at,
		 void *buffer, ULONG_PTR *given);

#endif
