/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * will.h - what the port does when this process is gone
 *
 * In a guest nobody knows of a process that was killed: its machine stays
 * connected. A port that outlives it (the kernel's) marks its slot dead and tells
 * the others, as the server does for a machine.
 */
#ifndef BELL_WILL_H
#define BELL_WILL_H

#include "bus.h"

/*
 * Once in the directory. It names all slots, and reads who is in them when it is
 * carried out: who dies may not have looked at the directory for long.
 */
void will_write(struct bell_bus *bus);
/* The bus was left. */
void will_take_back(struct bell_bus *bus);

#endif
