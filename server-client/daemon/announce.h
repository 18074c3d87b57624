/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * announce.h - what a server that came up says of itself
 */
#ifndef BELL_ANNOUNCE_H
#define BELL_ANNOUNCE_H

#include "settings.h"

/* To the log: where it listens, and what its memory became of what was wished. */
void announce(const struct server *server, const struct options *o);

#endif
