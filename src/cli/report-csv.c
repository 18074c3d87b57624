/* SPDX-License-Identifier: BSD-2-Clause */
/* One row a figure, as RFC 4180 has it, for spreadsheets and scripts. */
#include "bench-report.h"

/* A name of ours: no quote, but perhaps a comma. */
static void put_text(FILE *file, const char *text)
{
	fprintf(file, "\"%s\",", text);
}

/* Empty if the run has none. */
static void put_count(FILE *file, uint32_t value)
{
	if (value > 0)
		fprintf(file, "%u", (unsigned)value);
	fputc(',', file);
}

static void put_figure(const struct bench_run *run, enum bench_metric metric,
		       FILE *file)
{
	const struct bench_metric_row *m = &bench_metrics[metric];
	struct bench_spread s = bench_spread(run, metric);

	fprintf(file, "%s,", run->load->word);
	put_text(file, bench_run_mode(run));
	put_count(file, run->size);
	put_count(file, run->senders);
	put_count(file, run->every_us);
	fprintf(file, "%s,%s,", m->key, m->unit);
	report_number(file, s.median);
	fputc(',', file);
	report_number(file, s.min);
	fputc(',', file);
	report_number(file, s.max);
	fputc('\n', file);
}

void report_csv(const struct bench *b, FILE *file)
{
	size_t i;
	int m;

	fputs("load,mode,bytes,senders,every_us,metric,unit,median,min,max\n", file);
	for (i = 0; i < b->runs; i++)
		for (m = 0; m < BENCH_METRICS; m++)
			if (bench_run_has(&b->run[i], (enum bench_metric)m))
				put_figure(&b->run[i], (enum bench_metric)m, file);
}
