/* SPDX-License-Identifier: BSD-2-Clause */
/* speed-cases.h - all that a run measures: in blocks, which are compared within */
#ifndef BENCH_SPEED_CASES_H
#define BENCH_SPEED_CASES_H

#include "speed.h"

/* What --only names; a case can belong to several. */
enum speed_group {
	SPEED_TRIPS = 1,
	SPEED_STREAMS = 2,
	SPEED_ZEROCOPY = 4,
	SPEED_IDLE = 8,
	SPEED_PACED = 16,
	SPEED_CROWD = 32,
	SPEED_LARGE = 64,
	SPEED_STEPPED = 128,
	SPEED_RIVALS = 256,
	SPEED_UNPINNED = 512
};

/** speed_group_named - its bit; 0: there is none of that name */
unsigned speed_group_named(const char *name);

/** speed_group_names - all of them, for a usage line */
const char *speed_group_names(void);

/* What the command line says. */
struct speed_options {
	const char *program;    /* path of bellring-server */
	unsigned groups;        /* bits; 0: all */
	const char *rival;      /* only those whose name holds it; NULL: all */
	size_t size;            /* only messages of so many bytes; 0: all */
	uint64_t count;         /* trips and messages; 0: what lasts ms */
	unsigned ms;            /* of a measurement, about; others' lengths follow */
	unsigned rounds;
	unsigned limit_s;       /* what takes longer hangs */
	bool check;             /* all that comes, at a price */
	bool pin;
	bool cores; /* there are two: else nothing that polls is measured */
};

struct speed_case {
	unsigned block; /* cases of one block stand together, and change places */
	unsigned groups;
	unsigned rounds; /* in so many of the run's, evenly */
	bool fixed;      /* not by a count that a first look adjusts */
	bool together;   /* in turns, in the processes of all such of the block */
	unsigned turns;  /* of its measurement; those but the first count when there are several */
	struct speed_pair pair;
};

#define SPEED_CASES_MAX 512

/**
 * speed_cases - what is to be measured, block by block
 * @list: gets up to SPEED_CASES_MAX
 *
 * Returns how many.
 */
size_t speed_cases(const struct speed_options *options, const char *server,
		   const char *folder, struct speed_case *list);

/** speed_case_is_in - whether it is measured in a round, from 1 on, of so many */
bool speed_case_is_in(const struct speed_case *c, unsigned round, unsigned rounds);

/** speed_case_scale - set a count, of all turns, and the warm-up that goes with it */
void speed_case_scale(struct speed_case *c, uint64_t count);

#endif
