/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench-run.h - one thing that bellring bench measures, and its figures
 *
 * A run is a load in one way to wait, of one size and so on; or a limit, the same
 * without the library. It is made once a round, and has a figure of each of its
 * metrics for each round that counts.
 */
#ifndef CLI_BENCH_RUN_H
#define CLI_BENCH_RUN_H

#include "bellring.h"
#include "series.h"

#include <stdbool.h>

enum bench_metric {
	BENCH_P50, /* the first six are percentiles of a run's series */
	BENCH_P90,
	BENCH_P99,
	BENCH_P999,
	BENCH_P9999,
	BENCH_PMAX,
	BENCH_RATE,
	BENCH_GIB,
	BENCH_LEAST, /* of the senders, the slowest */
	BENCH_MEAN,  /* of the senders */
	BENCH_SECONDS,
	BENCH_CPU_MS,
	BENCH_SHARE, /* of a core that the receiver uses */
	BENCH_CPU,
	BENCH_DOORBELLS,
	BENCH_WAKES,
	BENCH_METRICS
};
#define BENCH_PERCENTILES BENCH_RATE

/* Bits of several metrics. */
#define BENCH_BIT(metric) (1u << (metric))
#define BENCH_LATENCY (BENCH_BIT(BENCH_PERCENTILES) - 1)

struct bench_metric_row {
	const char *key;   /* as JSON and CSV call it */
	const char *unit;
	const char *title; /* of its column */
	int digits;        /* behind the point, in tables */
	double share;      /* of a percentile: 0 to 1 */
};
extern const struct bench_metric_row bench_metrics[BENCH_METRICS];

#define BENCH_MODES 3
/* "interrupt", "poll", "adaptive": in the order of enum bell_wait_mode. */
extern const char *const bench_mode_name[BENCH_MODES];

struct bench_load;

struct bench_run {
	const struct bench_load *load;
	const char *limit; /* its name; NULL: no limit */
	int kind;          /* of a limit: its enum bare_kind */
	enum bell_wait_mode wait; /* of all others */
	uint32_t size;     /* bytes a message; 0: has none */
	uint32_t senders;  /* 0: one that is not counted */
	uint32_t every_us; /* from a message to the next; 0: as fast as it goes */
	uint32_t batch;    /* messages a burst */
	uint64_t count;    /* messages, trips or bursts a round; ms of what has a time */
	struct series series;
	double *figure[BENCH_METRICS]; /* owned; one a round; NULL: has none */
	size_t rounds;     /* that count */
	uint64_t spent_ns; /* by the last round */
};

/*
 * Figures for that many rounds of the metrics in the bits, and a series of at most
 * samples a round. 0, or -BELL_ENOMEM with nothing to free.
 */
int bench_run_init(struct bench_run *run, unsigned metrics, size_t rounds,
		   size_t samples);
/* All zero is fine. */
void bench_run_done(struct bench_run *run);

/* "interrupt", or a limit's name. */
const char *bench_run_mode(const struct bench_run *run);
/* Its metric is measured, and was in at least one round. */
bool bench_run_has(const struct bench_run *run, enum bench_metric metric);

/* A figure of the round under way; ignored if the run has no such metric. */
void bench_put(struct bench_run *run, enum bench_metric metric, double value);
/*
 * Ends the round: the percentiles of its series become figures. With discard the
 * round never was.
 */
void bench_run_round(struct bench_run *run, bool discard);

/* Over the rounds; all 0 if there is none. */
struct bench_spread {
	double median, min, max;
};
struct bench_spread bench_spread(const struct bench_run *run,
				 enum bench_metric metric);
/*
 * What stands for the metric: of a percentile the one of all samples, after
 * series_finish(); else the median of the rounds.
 */
double bench_figure(const struct bench_run *run, enum bench_metric metric);

#endif
