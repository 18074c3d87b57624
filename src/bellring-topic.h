/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bellring-topic.h - one to many: all, a named group, a topic; by <bellring.h>
 *
 * A topic is a name. Whoever subscribed to it gets what others publish on it, as
 * ordinary messages whose envelope names the topic. A named group is a topic
 * with the policy BELL_BLOCK.
 */
#ifndef BELLRING_TOPIC_H
#define BELLRING_TOPIC_H

#include "bellring.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BELL_TOPIC_MAX 63 /* longest name of a topic, bytes without the NUL */

/* The topic that everybody on the bus is subscribed to. */
#define BELL_ALL NULL

/** What a publisher does for a subscriber whose ring is full. */
enum bell_policy {
	BELL_BLOCK = 0,       /* wait for it, up to the timeout */
	BELL_DROP_NEWEST = 1, /* it misses this message */
	BELL_DROP_OLDEST = 2  /* keep the last ones for it, drop the oldest of them */
};

/**
 * bell_subscribe - get what is published on a topic from now on
 * @topic: 1 to BELL_TOPIC_MAX printable ASCII bytes without spaces; copied
 *
 * Publishers see it in the directory: nobody has to be told. Doing it again is
 * harmless. bell_leave() ends it. A name that this bus used is remembered, in
 * about 200 bytes, until then; envelopes' names are valid as long.
 *
 * Returns 0, or -BELL_EINVAL, -BELL_ENOMEM, -BELL_ERESET, -BELL_EGONE.
 */
BELL_API int bell_subscribe(struct bell_bus *bus, const char *topic);

/**
 * bell_unsubscribe - get no more of a topic
 *
 * What is queued and not taken yet is dropped. Returns 0, or -BELL_EINVAL: not
 * subscribed to.
 */
BELL_API int bell_unsubscribe(struct bell_bus *bus, const char *topic);

/**
 * bell_set_policy - how this bus publishes on a topic
 * @topic: as bell_subscribe(), or BELL_ALL
 * @depth: BELL_DROP_OLDEST: messages kept for each slow subscriber, 1..65536
 *
 * Default: BELL_BLOCK. What is kept already stays kept, and is sent before newer
 * messages. Returns 0, or -BELL_EINVAL, -BELL_ENOMEM.
 */
BELL_API int bell_set_policy(struct bell_bus *bus, const char *topic,
			     enum bell_policy policy, uint32_t depth);

/**
 * bell_publish - send a message to all who subscribed to a topic, but ourselves
 * @topic:      its name, or BELL_ALL
 * @tag:        the user's
 * @msg:        borrowed during the call; may be NULL if @len is 0
 * @len:        bytes, at most bell_max_piece() - 16
 * @timeout_ms: BELL_BLOCK: how long to wait for all slow subscribers together;
 *              -1 for ever, 0 not at all. The others get it at once. The other
 *              policies never wait
 *
 * Each subscriber gets the messages of one topic in the order in which they were
 * published, and in order with what else this bus sends to it, except that
 * BELL_DROP_OLDEST sends later what it keeps: from bell_dispatch(), bell_recv()
 * and whatever else waits or publishes. bell_leave() loses it. A subscriber to whom something is
 * reserved (bell_reserve()) is one without space; BELL_BLOCK does not wait for
 * it.
 *
 * Returns how many subscribers it was sent to or kept for, some of which may find
 * that they never wanted it (doc/layout.md: the filter); or, when all others got
 * it,
 *   -BELL_EAGAIN   BELL_BLOCK: some had no space in time, see
 *                  bell_get_topic_stats()
 *   -BELL_EBUSY    BELL_BLOCK: something is reserved to one of them
 *   -BELL_ENOSPC   BELL_BLOCK: no link was left to one of them
 *   -BELL_EINTR    BELL_BLOCK: a signal handler ran while it waited for some
 *   -BELL_ENOMEM
 * or
 *   -BELL_EMSGSIZE too large; nobody got it
 *   -BELL_EINVAL   as bell_subscribe(), or NULL with a @len; nobody got it
 *   -BELL_ERESET, -BELL_EGONE, -BELL_EIO
 * A subscriber that leaves meanwhile is none; one that broke its link misses the
 * message.
 */
BELL_API int bell_publish(struct bell_bus *bus, const char *topic, uint16_t tag,
			  const void *msg, size_t len, int timeout_ms);

/** Counters of one topic in this bus since it was first named. */
struct bell_topic_stats {
	uint64_t published; /* calls of bell_publish() */
	uint64_t sent;      /* messages into subscribers' rings */
	uint64_t dropped;   /* messages that a subscriber missed */
	uint64_t kept;      /* now, for slow subscribers: BELL_DROP_OLDEST */
	uint64_t received;  /* as a subscriber */
};

/**
 * bell_get_topic_stats - copy the counters of a topic, or BELL_ALL, to @out
 *
 * Returns 0, or -BELL_EINVAL: never named on this bus.
 */
BELL_API int bell_get_topic_stats(const struct bell_bus *bus, const char *topic,
				  struct bell_topic_stats *out);

#ifdef __cplusplus
}
#endif

#endif
