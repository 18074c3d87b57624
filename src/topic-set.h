/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * topic-set.h - what the files of the topics share
 *
 *   topic.c          names, the filter that publishers read, counters
 *   topic-publish.c  a message to all who want it, by the topic's policy
 *   topic-queue.c    what BELL_DROP_OLDEST keeps for slow subscribers
 */
#ifndef BELL_TOPIC_SET_H
#define BELL_TOPIC_SET_H

#include "topic.h"

#define TOPIC_WORDS 8u /* of a slot's filter */
#define TOPIC_OVERHEAD 16u /* the longest message is so much shorter than a piece */
#define TOPIC_ALL UINT64_C(0) /* the hash of BELL_ALL; no name has it */

/* A name that this bus subscribed to or published on; stays until bell_leave(). */
struct topic {
	uint64_t hash;
	bool subscribed;
	enum bell_policy policy;
	uint32_t depth;
	struct bell_topic_stats stats;
	char name[BELL_TOPIC_MAX + 1]; /* BELL_ALL: "" */
};

struct topic_set {
	struct topic all;
	struct topic **list; /* the others, by hash */
	size_t count, room;
	struct topic_queue *queues; /* of topic-queue.c, none of them empty */
};

/* The record of a message: all that is the same for each subscriber. */
struct topic_record {
	uint64_t header;
	struct bell_part parts[2]; /* the hash, the message */
	uint32_t len;              /* of both */
};

/* ---- topic.c ---- */

/* FNV-1a of the name, then a finaliser that mixes all bits; never TOPIC_ALL. */
uint64_t topic_hash(const char *name);
/* The topic of that name, or BELL_ALL; made if it is new. -BELL_EINVAL, _ENOMEM. */
int topic_get(struct bell_bus *bus, const char *name, struct topic **out);

/* ---- topic-publish.c ---- */

/*
 * One try. 0, -BELL_EAGAIN: no space; -BELL_EBUSY: something is reserved in the
 * ring to it; or as link_to_remote() and bus_try().
 */
int topic_try(struct bell_bus *bus, const struct bus_remote *to,
	      const struct topic_record *rec);

/* ---- topic-queue.c ---- */

/* The bytes of a message that is kept, shared by all it is kept for. */
struct topic_copy {
	size_t refs;
	struct topic_record rec; /* its parts point behind it */
	uint64_t hash;
	unsigned char bytes[];
};

/* A copy with one reference, or NULL. */
struct topic_copy *topic_copy_new(const struct topic_record *rec);
/* Gives a reference back; NULL is fine. */
void topic_copy_drop(struct topic_copy *copy);

/*
 * Sends what is kept of that topic for that subscriber. 0: nothing is left, so
 * that a newer message may follow; or as topic_try(), with *wanted not less than
 * the bytes of what is to be sent next.
 */
int topic_queue_flush(struct bell_bus *bus, struct topic *topic,
		      const struct bus_remote *to, uint32_t *wanted);
/*
 * Keeps the message behind what is kept of that topic for that subscriber, takes
 * a reference, and drops the oldest beyond the topic's depth. 0, -BELL_ENOMEM.
 */
int topic_queue_add(struct bell_bus *bus, struct topic *topic,
		    const struct bus_remote *to, struct topic_copy *copy);
void topic_queue_free_all(struct bell_bus *bus);

#endif
