/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * series.h - all samples of one measurement, over interleaved rounds
 *
 * Percentiles are exact: every sample is kept and sorted.
 */
#ifndef CLI_SERIES_H
#define CLI_SERIES_H

#include <stddef.h>
#include <stdint.h>

#define SERIES_ROUNDS_MAX 1000

struct series {
	uint64_t *sample; /* owned; ns */
	size_t count, room;
	size_t begin;     /* first sample of the round under way */
	size_t last;      /* first sample of the round before it */
};

/* One step of a distribution: share of the samples (0 to 1) that take no longer. */
struct series_step {
	double share;
	double ns;
};
/* Enough for any series of 2^32 samples. */
#define SERIES_STEPS_MAX 256

/* Room for that many samples. 0, or -BELL_ENOMEM. */
int series_init(struct series *s, size_t room);
/* Accepts a zeroed one. */
void series_done(struct series *s);

/* Drops a sample that has no room. */
void series_add(struct series *s, uint64_t ns);
/* Ends a round. With discard the round never was. */
void series_round(struct series *s, int discard);
/*
 * Of the round that ended last: the smallest sample that the share p (0 to 1) of all
 * does not exceed, ns; 0 if there is none. Not after series_finish().
 */
double series_round_percentile(const struct series *s, double p);

/* Sorts all samples; after that only what follows is asked for. */
void series_finish(struct series *s);
/* As series_round_percentile(), of all samples. */
double series_percentile(const struct series *s, double p);
/*
 * The distribution as an HDR histogram prints it: five steps from 0 to half of the
 * samples, five to half of the rest, and so on to the last sample. Returns how many
 * steps it wrote, at most SERIES_STEPS_MAX.
 */
size_t series_spectrum(const struct series *s,
		       struct series_step step[SERIES_STEPS_MAX]);

/* Median of n values, which it sorts; 0 for none. */
double median(double *value, size_t n);

#endif
