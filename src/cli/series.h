/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * series.h - all samples of one measurement, over interleaved rounds
 *
 * Percentiles are exact: every sample is kept and sorted. What two series are
 * compared by is the median of the rounds' medians, so that a disturbance of
 * the machine in one round does not decide.
 */
#ifndef CLI_SERIES_H
#define CLI_SERIES_H

#include <stddef.h>
#include <stdint.h>

#define SERIES_ROUNDS_MAX 1000

struct series {
	uint64_t *sample; /* owned; ns */
	size_t count, room;
	size_t round_begin;    /* first sample of the round under way */
	double *round_p50;     /* owned; ns */
	size_t rounds, rounds_room;
};

/* Room for that many rounds of per_round samples. 0, or -BELL_ENOMEM. */
int series_init(struct series *s, size_t rounds, size_t per_round);
/* Accepts a zeroed one. */
void series_done(struct series *s);

/* Drops a sample that has no room. */
void series_add(struct series *s, uint64_t ns);
/* Ends a round: keeps its median. With discard the round never was. */
void series_round(struct series *s, int discard);
/* Sorts all samples; after that only percentiles are asked for. */
void series_finish(struct series *s);

/* The smallest sample that the share p (0 to 1) of all does not exceed, ns. */
double series_percentile(const struct series *s, double p);
/* Median of the rounds' medians, ns. */
double series_median(const struct series *s);

/* Median of n values, which it sorts; 0 for none. */
double median(double *value, size_t n);

#endif
