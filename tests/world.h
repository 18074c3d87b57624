/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.h - a place where peers meet, so that one suite runs on every port
 */
#ifndef BELL_WORLD_H
#define BELL_WORLD_H

#include "bellring.h"

#include <check.h>

struct world {
	const char *name;
	void (*begin)(void);
	void (*end)(void);
	struct bell_peer *(*open)(void); /* the next peer, vectors 0..15 at least */
};

/* The cases of conformance.c on that world. */
Suite *conformance_suite(const struct world *world);

#endif
