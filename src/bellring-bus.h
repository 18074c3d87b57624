/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bellring-bus.h - being on the bus: join, presence, waiting; by <bellring.h>
 *
 * Callbacks of the bus (messages, streams, calls, presence, space) are called
 * from bell_dispatch() and bell_wait() only, one at a time. A callback may call
 * everything except bell_dispatch(), bell_wait(), bell_recv() and its sisters
 * (-BELL_EBUSY), bell_leave() and bell_close(). What comes while another call
 * waits is kept, and the handle stays readable until a dispatch has told of it.
 */
#ifndef BELLRING_BUS_H
#define BELLRING_BUS_H

#include "bellring.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How a receiver, or a sender that wants space, waits. */
enum bell_wait_mode {
	BELL_INTERRUPT = 0, /* sleep at once; at the end of a stream after at most 40 us */
	BELL_POLL = 1,      /* never sleep: burns a core, rings no doorbell */
	BELL_ADAPTIVE = 2,  /* spin only as long as it has paid lately */
	BELL_POLL_ONLY = 3  /* BELL_POLL for good: senders need not look whether it sleeps */
};

struct bell_bus_config {
	const char *name; /* borrowed during the call; NULL: HOST-PID */
	enum bell_wait_mode wait;
	uint32_t flags; /* BELL_FORMAT or 0 */
};

/* bell_join(): format the memory even if it holds something else. */
#define BELL_FORMAT 1u

/**
 * bell_join - enter the directory and become reachable for messages
 * @peer: borrowed until bell_leave(); one bus a peer
 * @cfg:  borrowed during the call; NULL: default name, BELL_INTERRUPT
 * @out:  gets the bus
 *
 * Formats the memory if it is all zero, as under a server that does not.
 * An id that is in the directory already is taken over: its earlier
 * incarnation is dead.
 *
 * Returns 0, or
 *   -BELL_ELAYOUT  the memory holds something else, or is too small
 *   -BELL_EVERSION it holds a bus of another major version
 *   -BELL_ENOSPC   the directory is full
 *   -BELL_EINVAL   the name is too long, empty, or not printable; or no such flag or
 *                  way to wait
 *   -BELL_EEXIST   another live peer has that name
 *   -BELL_EBUSY    this peer has a bus already, or others keep formatting
 *   -BELL_EUNSUP   others have doorbells, which this peer (file:, ivshmem-plain)
 *                  cannot ring
 *   -BELL_ENOMEM
 */
BELL_API int bell_join(struct bell_peer *peer, const struct bell_bus_config *cfg,
		       struct bell_bus **out);

/**
 * bell_leave - leave the directory and free the bus; NULL is fine
 *
 * What was sent before is still delivered. Messages not yet received are lost.
 * Streams and calls end: their other sides are told, and what the program still
 * holds of them (struct bell_stream, bell_request, bell_outgoing) must have been
 * closed, answered or dropped before.
 */
BELL_API void bell_leave(struct bell_bus *bus);

/** bell_bus_name - own name on the bus; valid until bell_leave() */
BELL_API const char *bell_bus_name(const struct bell_bus *bus);

/**
 * bell_set_wait - change how this bus waits, from now on
 *
 * There is no way back from BELL_POLL_ONLY: once its senders know, they spare
 * the fence behind each message, without which whoever sleeps could miss one.
 *
 * Such a bus looks at every link each time: for a receiver of few senders.
 *
 * Returns 0, or
 *   -BELL_EINVAL  no such way, or the bus polls for good
 *   -BELL_ERESET, -BELL_EGONE  BELL_POLL_ONLY of a bus that is no longer on its memory
 */
BELL_API int bell_set_wait(struct bell_bus *bus, enum bell_wait_mode mode);

/* ---- presence ------------------------------------------------------------ */

enum bell_presence {
	BELL_CAME = 1, /* on the bus, under a name not seen before */
	BELL_BACK = 2, /* on the bus again: a name that was seen to go */
	BELL_LEFT = 3, /* by bell_leave() */
	BELL_DIED = 4  /* without leaving; what it had sent is still delivered */
};

/** @info is the peer's entry as it was last seen; valid during the call. */
typedef void bell_presence_fn(struct bell_bus *bus, enum bell_presence event,
			      const struct bell_peer_info *info, void *arg);

/**
 * bell_on_presence - register a callback for peers that come and go on the bus
 * @fn:  called from dispatch; NULL removes it
 * @arg: borrowed, passed on to @fn
 *
 * The same on the host and in guests. Peers that are there already are told
 * once as BELL_CAME, at the next dispatch. One that went and came back between
 * two dispatches is told as gone, then as back.
 *
 * Returns 0, or -BELL_ENOMEM.
 */
BELL_API int bell_on_presence(struct bell_bus *bus, bell_presence_fn *fn,
			      void *arg);

/**
 * bell_await_peer - wait until a peer is on the bus
 * @name:       its name, or a decimal id
 * @timeout_ms: -1 for ever, 0 only looks
 * @id:         gets the id
 *
 * Returns 0, or
 *   -BELL_EAGAIN   it was not there in time
 *   -BELL_EINVAL   no peer can have that name or id
 *   -BELL_ENOTUNIQ several live peers have that name
 *   -BELL_EBUSY    called from a callback, which has to use 0 for @timeout_ms
 *   -BELL_ERESET, -BELL_EINTR, -BELL_EGONE, -BELL_EIO, -BELL_ENOMEM
 */
BELL_API int bell_await_peer(struct bell_bus *bus, const char *name,
			     int timeout_ms, uint32_t *id);

/**
 * bell_ping - round trip to the library of another peer
 * @to:         peer id
 * @timeout_ms: how long to wait for the answer; -1 for ever
 * @rtt_ns:     gets the time from send to answer; may be NULL
 *
 * The other side answers by itself whenever it dispatches, receives or waits:
 * no answer means that it is dead, stopped, or busy elsewhere. Messages that
 * come meanwhile stay queued.
 *
 * Returns 0, or -BELL_EAGAIN if no answer came in time, -BELL_EBUSY if called
 * (by a callback) while another ping is under way, or as bell_send().
 */
BELL_API int bell_ping(struct bell_bus *bus, uint32_t to, int timeout_ms,
		       uint64_t *rtt_ns);

/* ---- space --------------------------------------------------------------- */

typedef void bell_writable_fn(struct bell_bus *bus, uint32_t to, void *arg);

/**
 * bell_on_writable - register a callback for rings that can take more again
 * @fn:  called from dispatch; NULL removes it
 * @arg: borrowed, passed on to @fn
 *
 * After a send to a peer returned -BELL_EAGAIN, @fn is called once when a useful
 * amount is free in the ring to it (half, or what was wanted), or when sending
 * would now fail for another reason; the handle becomes readable for it.
 */
BELL_API void bell_on_writable(struct bell_bus *bus, bell_writable_fn *fn,
			       void *arg);

/** Counters since bell_join(). */
struct bell_stats {
	uint64_t sent;      /* messages */
	uint64_t received;  /* messages */
	uint64_t doorbells; /* rung by this bus */
	uint64_t sleeps;    /* times this bus went to sleep */
	uint64_t wakes;     /* times it was woken by an interrupt */
	uint64_t looks;     /* at inbound links, but not while spinning or arming */
};

/** bell_get_stats - copy the counters to @out */
BELL_API void bell_get_stats(const struct bell_bus *bus, struct bell_stats *out);

#ifdef __cplusplus
}
#endif

#endif
