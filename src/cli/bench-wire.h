/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench-wire.h - what the two sides of bellring bench say to each other
 *
 * Fixed-width little-endian, so that a guest of any kind can serve a host. The
 * measuring side requests; the serving side answers READY when it begins and
 * DONE, with its own counters, when it is through.
 *
 * A hello is the same in every version, and its answer says the serving side's; after
 * that both speak the same one.
 */
#ifndef CLI_BENCH_WIRE_H
#define CLI_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tags of messages. */
#define BENCH_TAG_REQUEST 0xbe01u
#define BENCH_TAG_REPLY 0xbe02u
#define BENCH_TAG_DATA 0xbe03u

#define BENCH_WIRE_VERSION 2u

#define BENCH_REQUEST_SIZE 40u
#define BENCH_REPLY_SIZE 48u
#define BENCH_SIZE_MIN 8u /* data messages begin with their number */
#define BENCH_SIZE_MAX (4u << 20) /* more does not fit into any cache anyway */

enum bench_op {
	BENCH_HELLO = 1, /* are you there? */
	BENCH_ECHO = 2,  /* send warmup + count messages back */
	BENCH_SINK = 3,  /* take count messages, check number, or with check every byte */
	BENCH_IDLE = 4,  /* sleep in bell_recv() for count milliseconds */
	BENCH_BYE = 5,   /* done; a server of one session ends */
	BENCH_BURST = 6, /* answer every batch-th of batch * count messages */
	BENCH_SOURCE = 7, /* after one message, send for count milliseconds */
	BENCH_OPS
};

enum bench_status {
	BENCH_READY = 1,
	BENCH_DONE = 2,
	BENCH_BUSY = 3,    /* serves somebody else */
	BENCH_REFUSED = 4, /* out of range for this side */
	BENCH_BROKEN = 5   /* a message was wrong, missing or late */
};

/* The first message's number of source batch. */
#define BENCH_SOURCE_NUMBER(source) ((uint64_t)(source) << 48)

struct bench_request {
	uint16_t op;
	uint16_t wait;   /* enum bell_wait_mode */
	uint32_t number; /* of the request; comes back in the replies */
	uint32_t size;   /* bytes a message */
	uint16_t version; /* of a hello: that the sender speaks */
	uint16_t batch;   /* messages a burst, or which source */
	bool check;       /* every byte */
	uint64_t count, warmup;
};

struct bench_reply {
	uint16_t status;
	uint16_t version;   /* of the serving side */
	uint32_t number;
	uint64_t cpu_ns;    /* user and system, warm-up not counted */
	uint64_t doorbells; /* the same */
	uint64_t messages;  /* taken; by BENCH_SOURCE sent */
	uint64_t wakes;
};

void bench_put_request(unsigned char buf[BENCH_REQUEST_SIZE],
		       const struct bench_request *r);
/* False if it is none. A version other than ours is for the caller to refuse. */
bool bench_get_request(const void *buf, size_t len, struct bench_request *r);
void bench_put_reply(unsigned char buf[BENCH_REPLY_SIZE],
		     const struct bench_reply *r);
bool bench_get_reply(const void *buf, size_t len, struct bench_reply *r);

/* Contents of data message number index: every 8 bytes depend on it. */
void bench_fill(void *buf, size_t size, uint64_t index);
/* All of it is as bench_fill() makes it. */
bool bench_check(const void *buf, size_t size, uint64_t index);

#endif
