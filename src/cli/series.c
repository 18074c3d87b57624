/* SPDX-License-Identifier: BSD-2-Clause */
#include "series.h"

#include "bellring.h"

#include <stdlib.h>

int series_init(struct series *s, size_t rounds, size_t per_round)
{
	*s = (struct series){ .room = rounds * per_round,
			      .rounds_room = rounds };
	s->sample = calloc(s->room, sizeof(*s->sample));
	s->round_p50 = calloc(rounds, sizeof(*s->round_p50));
	if (s->sample && s->round_p50)
		return 0;
	series_done(s);
	return -BELL_ENOMEM;
}

void series_done(struct series *s)
{
	free(s->sample);
	free(s->round_p50);
	*s = (struct series){ 0 };
}

void series_add(struct series *s, uint64_t ns)
{
	if (s->count < s->room)
		s->sample[s->count++] = ns;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int by_real(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void series_round(struct series *s, int discard)
{
	size_t n = s->count - s->round_begin;

	if (discard) {
		s->count = s->round_begin;
		return;
	}
	if (n == 0 || s->rounds == s->rounds_room)
		return;
	qsort(s->sample + s->round_begin, n, sizeof(*s->sample), by_value);
	s->round_p50[s->rounds++] =
		(double)s->sample[s->round_begin + (n - 1) / 2];
	s->round_begin = s->count;
}

void series_finish(struct series *s)
{
	qsort(s->sample, s->count, sizeof(*s->sample), by_value);
}

double series_percentile(const struct series *s, double p)
{
	size_t rank;

	if (s->count == 0)
		return 0;
	rank = (size_t)(p * (double)s->count);
	/* Nearest rank: the ceiling of p times n, counted from one. */
	if ((double)rank < p * (double)s->count)
		rank++;
	return (double)s->sample[rank > 0 ? rank - 1 : 0];
}

double median(double *value, size_t n)
{
	if (n == 0)
		return 0;
	qsort(value, n, sizeof(*value), by_real);
	if (n % 2)
		return value[n / 2];
	return (value[n / 2 - 1] + value[n / 2]) / 2;
}

double series_median(const struct series *s)
{
	double copy[SERIES_ROUNDS_MAX];
	size_t i;

	for (i = 0; i < s->rounds && i < SERIES_ROUNDS_MAX; i++)
		copy[i] = s->round_p50[i];
	return median(copy, i);
}
