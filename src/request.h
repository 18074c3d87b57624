/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * request.h - what request.c and answer.c know of a request
 */
#ifndef BELL_REQUEST_H
#define BELL_REQUEST_H

#include "call-set.h"

enum request_state {
	REQUEST_FRESH, /* in call_set.fresh */
	REQUEST_HELD,  /* its handler got it */
	REQUEST_OWED,  /* answered; in call_set.owed, data is the answer */
	REQUEST_REFUSED /* the same, and it never was a program's */
};

struct bell_request {
	struct queue item; /* of call_set.fresh, moot or owed */
	struct due due;
	struct bell_request *next; /* of its bucket, while FRESH or HELD */
	struct bell_bus *bus;
	uint64_t id;
	struct bus_remote from;
	uint16_t method;
	enum request_state state;
	int moot; /* why nobody waits for the answer; 0: somebody does */
	bool told; /* on_cancel was */
	bell_cancel_fn *on_cancel;
	void *arg;
	unsigned char *data;
	size_t len;
	struct call_out out; /* OWED: but for its data */
};

/* Belongs to nothing yet. NULL: out of memory. */
struct bell_request *request_new(struct bell_bus *bus, const struct bus_remote *from,
				 uint64_t id, uint16_t method);
/* Nobody finds it any more, and what it came with is freed; it still counts. */
void request_unlist(struct bell_request *r);
/* Frees it, whatever it is in. */
void request_drop(struct bell_request *r);
/* What will end it anyway: -BELL_ECANCELED, -BELL_ENOPEER, -BELL_EAGAIN, or 0. */
int request_moot(const struct bell_request *r);

/* ---- answer.c ---- */

/* Tells the caller that nobody will answer. */
void answer_refuse(struct bell_bus *bus, const struct bus_remote *from, uint64_t id,
		   uint16_t method, enum call_refusal reason);
/* Tries again what is owed. */
void answer_flush(struct bell_bus *bus);

/* ---- handler.c ---- */

struct call_handler {
	uint32_t method;
	bell_handler_fn *fn;
	void *arg;
};

/* That of the method, or of any; NULL. set may be NULL. */
const struct call_handler *handler_of(const struct call_set *set, uint32_t method);

#endif
