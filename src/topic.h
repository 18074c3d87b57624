/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * topic.h - what the bus asks of its topics
 *
 * All are fine with a bus that has no topics (bus->topics is NULL).
 */
#ifndef BELL_TOPIC_H
#define BELL_TOPIC_H

#include "bus.h"

#define TOPIC_PREFIX 8u /* bytes of a RECORD_TOPIC before the message: the hash */

/*
 * The name of the topic with that hash (BELL_ALL has ""), valid until
 * bell_leave(); NULL: its messages are not for us.
 */
const char *topic_name(struct bell_bus *bus, uint64_t hash);
/* A message on it was handed out: counts it. */
void topic_received(struct bell_bus *bus, uint64_t hash);
/* There may be space again: sends what was kept for slow subscribers. */
void topic_flush(struct bell_bus *bus);
/* Somebody may be gone: forgets what was kept for it. */
void topic_review(struct bell_bus *bus);
/* bell_leave(): frees all. */
void topic_done(struct bell_bus *bus);

#endif
