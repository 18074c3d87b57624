/* SPDX-License-Identifier: BSD-2-Clause */
#include "series.h"

#include "bellring.h"

#include <stdlib.h>

#define STEPS_A_HALF 5

int series_init(struct series *s, size_t room)
{
	*s = (struct series){ .room = room };
	s->sample = calloc(room, sizeof(*s->sample));
	return s->sample ? 0 : -BELL_ENOMEM;
}

void series_done(struct series *s)
{
	free(s->sample);
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

/* qsort() takes no null pointer, not even of none. */
static void sort(uint64_t *sample, size_t n)
{
	if (n > 0)
		qsort(sample, n, sizeof(*sample), by_value);
}

void series_round(struct series *s, int discard)
{
	if (discard) {
		s->count = s->begin;
		return;
	}
	sort(s->sample + s->begin, s->count - s->begin);
	s->last = s->begin;
	s->begin = s->count;
}

void series_finish(struct series *s)
{
	sort(s->sample, s->count);
}

/* Of n sorted samples. */
static double percentile(const uint64_t *sample, size_t n, double p)
{
	size_t rank;

	if (n == 0)
		return 0;
	rank = (size_t)(p * (double)n);
	/* Nearest rank: the ceiling of p times n, counted from one. */
	if ((double)rank < p * (double)n)
		rank++;
	return (double)sample[rank > 0 ? rank - 1 : 0];
}

double series_round_percentile(const struct series *s, double p)
{
	return percentile(s->sample + s->last, s->begin - s->last, p);
}

double series_percentile(const struct series *s, double p)
{
	return percentile(s->sample, s->count, p);
}

size_t series_spectrum(const struct series *s,
		       struct series_step step[SERIES_STEPS_MAX])
{
	double rest = 1;
	size_t n = 0;
	int i;

	if (s->count == 0)
		return 0;
	for (; rest * (double)s->count >= 1; rest /= 2)
		for (i = 0; i < STEPS_A_HALF && n + 1 < SERIES_STEPS_MAX; i++) {
			step[n].share = 1 - rest + i * rest / 2 / STEPS_A_HALF;
			step[n].ns = series_percentile(s, step[n].share);
			n++;
		}
	step[n].share = 1;
	step[n].ns = series_percentile(s, 1);
	return n + 1;
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
