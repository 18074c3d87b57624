/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * presence.h - what the bus asks of who watches others come and go
 *
 * All are fine with a bus on which nobody does (bus->presence is NULL).
 */
#ifndef BELL_PRESENCE_H
#define BELL_PRESENCE_H

#include "bus.h"

/* The directory changed. */
void presence_review(struct bell_bus *bus);
/* Calls the callback for all that changed; how many times, or -BELL_ENOMEM. */
int presence_tell(struct bell_bus *bus);
/* bell_leave(): frees all. */
void presence_done(struct bell_bus *bus);

#endif
