/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h - what a way to shared memory and doorbells provides
 *
 * A backend author needs only this file and error.h. Each backend exports one
 * symbol, its struct bell_port_ops; the table bell_ports[] is put together per
 * system in the makefile's choice of ports.c.
 */
#ifndef BELL_PORT_H
#define BELL_PORT_H

#include "bellring.h"

#include <stdbool.h>

struct bell_port_ops;

/* What every port has; a backend embeds it as its first member. */
struct bell_port {
	const struct bell_port_ops *ops;
	void *memory;      /* mapped read-write until close() */
	size_t size;       /* bytes; at least one page */
	uint32_t id;       /* own: the device's, and the process number: BELL_ID() */
	unsigned vectors;  /* own vectors; 0: no interrupts, wait() ends now and then */
	enum bell_kind kind; /* what the directory says of this peer */
	bool silent;         /* it cannot ring others */
};

/* Where wait() delivers; called in the thread that waits. */
struct port_sink {
	void (*interrupt)(void *arg, unsigned vector);
	void (*peer)(void *arg, uint32_t id, enum bell_peer_event event);
	void *arg;
};

/* A step of a will; offsets are in the memory, multiples of 8. */
enum port_will {
	PORT_WILL_REPLACE = 1, /* if the 64 bits at offset are a: b */
	PORT_WILL_OR = 2,      /* the 64 bits at offset |= a */
	PORT_WILL_RING = 3,    /* peer a, vector b */
	PORT_WILL_IF = 4,      /* if the 64 bits at offset are not a: the end */
	/*
	 * If the lowest 4 bits of the 64 at offset are a: rings the device in bits
	 * shift..shift+15 of them, on the vector in the 32 bits at b.
	 */
	PORT_WILL_RING_AT = 5
};

struct port_step {
	enum port_will what;
	uint32_t shift;
	uint64_t offset, a, b;
};

struct bell_port_ops {
	const char *name;   /* "unix", "vfio" */
	const char *scheme; /* the part of the address before the colon */
	const char *form;   /* of its addresses, for people; NULL: another port tells */
	/*
	 * Opens the address (what follows the colon, "" allowed) and maps the
	 * memory. Several ports may share a scheme; they are tried in order of
	 * the table until one does not return -BELL_EUNSUP. Errors as
	 * bell_open(), with error_detail() set. Gives *out on success only.
	 */
	int (*open)(const char *rest, int timeout_ms, struct bell_port **out);
	/*
	 * Rings vector of a device; both were range-checked (0..65535, 0..255).
	 * Orders all earlier stores first; never blocks; any thread, also
	 * beside wait(). -BELL_ENOPEER where the port can tell, -BELL_EIO.
	 */
	int (*ring)(struct bell_port *port, uint32_t id, unsigned vector);
	/* Handle an event loop can watch; readable after any event; the port's. */
	bell_handle_t (*handle)(const struct bell_port *port);
	/*
	 * Takes all events that are there, or waits for one: -1 for ever, 0
	 * not at all. Each vector that was rung since is told once. Spurious
	 * returns are allowed (0). Returns the number told; -BELL_EGONE if
	 * the device went (the server's going is an event), -BELL_EINTR if a
	 * signal ended the sleep, -BELL_EIO.
	 */
	int (*wait)(struct bell_port *port, int timeout_ms,
		    const struct port_sink *sink);
	/*
	 * Lists other connected ids, ascending, with their vectors as far
	 * as known; returns how many there are. NULL where the port is not told.
	 */
	size_t (*peers)(const struct bell_port *port,
			struct bell_peer_info *list, size_t max);
	/* Accepts a half-open port. */
	void (*close)(struct bell_port *port);
	/*
	 * Interrupts of that vector are to be told from now on; those that came
	 * before may be lost. NULL: all vectors are always told.
	 */
	int (*listen)(struct bell_port *port, unsigned vector);
	/*
	 * What is to be done in order when this process is gone, however it ends;
	 * replaces the last will, count 0 takes it back. NULL: nobody can.
	 * -BELL_ENOMEM, -BELL_EIO: the last one stays.
	 */
	int (*will)(struct bell_port *port, const struct port_step *steps,
		    size_t count);
	/*
	 * Whether a process has that id now; false only if none has. NULL: unknown
	 * of all but one's own.
	 */
	bool (*there)(const struct bell_port *port, uint32_t id);
	/*
	 * 0 if open() would probably work, else the error that it would give, with
	 * the detail. Takes nothing that another process may want. NULL: unknown.
	 */
	int (*usable)(const char *rest);
	/*
	 * Something was sent or received: more may come soon. For ports without
	 * interrupts, which so know how often to look. NULL: not of interest.
	 */
	void (*active)(struct bell_port *port);
	/*
	 * What was stored so far is on the disk, where the memory is one's file.
	 * NULL: there is none. -BELL_EIO.
	 */
	int (*sync)(struct bell_port *port);
	/*
	 * 0, or -BELL_EGONE with a detail if the device went, and other bytes have
	 * taken the memory's place. NULL: the memory outlives the device.
	 */
	int (*gone)(const struct bell_port *port);
};

/* Ends with NULL. */
extern const struct bell_port_ops *const bell_ports[];

#endif
