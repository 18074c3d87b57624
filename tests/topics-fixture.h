/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * topics-fixture.h - four peers on the bus, of which a publishes
 */
#ifndef BELL_TOPICS_FIXTURE_H
#define BELL_TOPICS_FIXTURE_H

#include "conformance.h"

/* Besides a and b. */
extern struct bell_peer *c, *d;
extern struct bell_bus *bus_c, *bus_d;

/* A case with four peers. */
TCase *add_topic_case(Suite *suite, const char *name);

void subscribe(struct bell_bus *bus, const char *topic);
#define MESSAGE 256 /* bytes of what these send: a number, then zeros */

/* Publishes a number from a; as bell_publish(). */
int publish_in(const char *topic, uint32_t number, int timeout_ms);
/* The same without waiting. */
int publish(const char *topic, uint32_t number);
struct bell_topic_stats stats_of(struct bell_bus *bus, const char *topic);

/* The next message is that number, published on that topic by a. */
void expect(struct bell_bus *bus, const char *topic, uint32_t number);
void expect_nothing(struct bell_bus *bus);
/* Fills the ring from a to that peer; returns how many messages. */
uint32_t fill_ring(struct bell_peer *to);
/* Takes those messages of fill_ring() up to end. */
void drain_ring(struct bell_bus *bus, uint32_t from, uint32_t end);

void add_topic_policies(Suite *suite); /* conformance-policies.c */

#endif
