/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz-bus.h - what the files of the target fuzz-bus share
 *
 *   fuzz-bus.c          the target: steps, joining, scribbles
 *   fuzz-bus-messages.c messages of all kinds
 *   fuzz-bus-streams.c  streams and listeners
 *   fuzz-bus-calls.c    calls, topics, presence
 */
#ifndef BELL_FUZZ_BUS_H
#define BELL_FUZZ_BUS_H

#include "bellring.h"
#include "hostile.h"
#include "layout.h"

#include <stdbool.h>

#define SIZE LAYOUT_MIN_REGION
#define PEERS 3u
#define STREAMS 4u
#define HELD_MAX 8u

/* A peer, what it has of the bus, and what its callbacks do next. */
struct fuzz_peer {
	struct bell_peer *peer;
	struct bell_bus *bus; /* NULL: not on it */
	bool calls_back;
	struct bell_outgoing *outgoing;
	struct bell_stream *streams[STREAMS];
	struct bell_listener *listener;
	struct bell_request *request;
	uint64_t call; /* id of the last one */
	struct {
		uint32_t from;
		const uint8_t *data;
		size_t len;
	} held[HELD_MAX];
	unsigned held_count;
	unsigned deep; /* callbacks that called back */
};

#define CODE(name) (1u << BELL_##name)
/* As of bell_send(). No machine fails here: -BELL_EIO and the like are wrong. */
#define SENDING                                                                \
	(CODE(EAGAIN) | CODE(ENOPEER) | CODE(ENOSPC) | CODE(ECORRUPT) |        \
	 CODE(ERESET) | CODE(EBUSY))
#define RECEIVING (CODE(EAGAIN) | CODE(ECORRUPT) | CODE(ERESET))

/* The result is one that the contract lists; returns it. */
int64_t may(int64_t rc, uint32_t allowed);
/* 0, or a little. The time of hostile.h passes fast. */
int some_timeout(struct input *in);
/* Begins and ends what waits for some_timeout() at most. */
void wait_begin(void);
int64_t wait_end(int64_t rc, uint32_t allowed);
#define WAITS(expression, allowed) (wait_begin(), wait_end((expression), allowed))

/* Bytes to send, SIZE of them. */
extern const unsigned char fuzz_bytes[SIZE];
/* 0 to 127, or up to about SIZE / 4: to fill rings and cross their ends. */
size_t some_size(struct input *in);
/* Reads all of it: a wild pointer does not survive that. */
void touch(const void *data, size_t len);

/* One operation on the bus of a peer, chosen by the next byte. */
void step_messages(struct fuzz_peer *p, struct input *in);
void step_streams(struct fuzz_peer *p, struct input *in);
void step_calls(struct fuzz_peer *p, struct input *in);

void messages_flip_callback(struct fuzz_peer *p);
/* -BELL_ECORRUPT gave back what was peeked. */
void messages_forget_held(struct fuzz_peer *p);
/* Before bell_leave(): gives back what has to be. */
void messages_end(struct fuzz_peer *p);
void streams_end(struct fuzz_peer *p);
void calls_end(struct fuzz_peer *p);

#endif
