/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench-run.h"

#include <stdlib.h>
#include <string.h>

const char *const bench_mode_name[BENCH_MODES] = { "interrupt", "poll",
						   "adaptive" };

const struct bench_metric_row bench_metrics[BENCH_METRICS] = {
	[BENCH_P50] = { "p50_us", "us", "p50 us", 2, 0.5 },
	[BENCH_P90] = { "p90_us", "us", "p90 us", 2, 0.9 },
	[BENCH_P99] = { "p99_us", "us", "p99 us", 2, 0.99 },
	[BENCH_P999] = { "p999_us", "us", "p99.9 us", 2, 0.999 },
	[BENCH_P9999] = { "p9999_us", "us", "p99.99 us", 2, 0.9999 },
	[BENCH_PMAX] = { "max_us", "us", "max us", 2, 1 },
	[BENCH_RATE] = { "messages_per_s", "1/s", "messages/s", 0, 0 },
	[BENCH_GIB] = { "gib_per_s", "GiB/s", "GiB/s", 3, 0 },
	[BENCH_LEAST] = { "least_sender_per_s", "1/s", "least sender", 0, 0 },
	[BENCH_MEAN] = { "mean_sender_per_s", "1/s", "mean sender", 0, 0 },
	[BENCH_CPU] = { "cpu_us_per_message", "us", "CPU us/msg", 2, 0 },
	[BENCH_SHARE] = { "receiver_cpu_percent", "%", "CPU %", 2, 0 },
	[BENCH_DOORBELLS] = { "doorbells_per_message", "1", "DOORBELLS/msg", 4, 0 },
	[BENCH_SECONDS] = { "seconds", "s", "SECONDS", 1, 0 },
	[BENCH_CPU_MS] = { "cpu_ms", "ms", "CPU ms", 3, 0 },
	[BENCH_WAKES] = { "wakes", "1", "WAKES", 0, 0 },
};

int bench_run_init(struct bench_run *run, unsigned metrics, size_t rounds,
		   size_t samples)
{
	int m;

	for (m = 0; m < BENCH_METRICS; m++) {
		if (!(metrics & BENCH_BIT(m)))
			continue;
		run->figure[m] = calloc(rounds, sizeof(*run->figure[m]));
		if (!run->figure[m])
			goto fail;
	}
	/* One round more: the warm-up has samples, too, until it ends. */
	if (samples == 0 || series_init(&run->series, (rounds + 1) * samples) == 0)
		return 0;
fail:
	bench_run_done(run);
	return -BELL_ENOMEM;
}

void bench_run_done(struct bench_run *run)
{
	int m;

	for (m = 0; m < BENCH_METRICS; m++) {
		free(run->figure[m]);
		run->figure[m] = NULL;
	}
	series_done(&run->series);
}

const char *bench_run_mode(const struct bench_run *run)
{
	return run->limit ? run->limit : bench_mode_name[run->wait];
}

bool bench_run_has(const struct bench_run *run, enum bench_metric metric)
{
	return run->figure[metric] && run->rounds > 0;
}

void bench_put(struct bench_run *run, enum bench_metric metric, double value)
{
	if (run->figure[metric])
		run->figure[metric][run->rounds] = value;
}

void bench_run_round(struct bench_run *run, bool discard)
{
	int m;

	series_round(&run->series, discard);
	if (discard)
		return;
	for (m = 0; m < BENCH_PERCENTILES; m++)
		bench_put(run, (enum bench_metric)m,
			  series_round_percentile(&run->series,
						  bench_metrics[m].share) / 1e3);
	run->rounds++;
}

struct bench_spread bench_spread(const struct bench_run *run,
				 enum bench_metric metric)
{
	double copy[SERIES_ROUNDS_MAX];
	struct bench_spread s = { 0 };

	if (!bench_run_has(run, metric))
		return s;
	memcpy(copy, run->figure[metric], run->rounds * sizeof(copy[0]));
	s.median = median(copy, run->rounds);
	s.min = copy[0]; /* median() has sorted them */
	s.max = copy[run->rounds - 1];
	return s;
}

double bench_figure(const struct bench_run *run, enum bench_metric metric)
{
	if (metric < BENCH_PERCENTILES)
		return series_percentile(&run->series,
					 bench_metrics[metric].share) / 1e3;
	return bench_spread(run, metric).median;
}
