/* SPDX-License-Identifier: BSD-2-Clause */
/* One object a line; the same are in the page. */
#include "bench-machine.h"
#include "bench-report.h"
#include "config.h"
#include "json.h"
#include "sys.h"

/* Behind at least one other field; json_real() has too few digits for doorbells. */
static void put_number(struct json *j, const char *key, const char *suffix,
		       double value)
{
	fprintf(j->file, ",\"%s%s\":", key, suffix);
	report_number(j->file, value);
}

/* Behind at least one other field: pairs of percentile and microseconds. */
static void put_spectrum(struct json *j, const struct series *s)
{
	struct series_step step[SERIES_STEPS_MAX];
	size_t i, n = series_spectrum(s, step);

	fputs(",\"spectrum\":[", j->file);
	for (i = 0; i < n; i++) {
		fputs(i > 0 ? ",[" : "[", j->file);
		report_number(j->file, 100 * step[i].share);
		fputc(',', j->file);
		report_number(j->file, step[i].ns / 1e3);
		fputc(']', j->file);
	}
	fputc(']', j->file);
}

static void put_metric(struct json *j, const struct bench_run *run,
		       enum bench_metric metric)
{
	const char *key = bench_metrics[metric].key;
	struct bench_spread s = bench_spread(run, metric);

	put_number(j, key, "", bench_figure(run, metric));
	put_number(j, key, "_median", s.median);
	put_number(j, key, "_min", s.min);
	put_number(j, key, "_max", s.max);
}

static void put_what(struct json *j, const struct bench_run *run)
{
	json_text(j, "type", run->load->type);
	json_text(j, "load", run->load->word);
	json_text(j, run->limit ? "name" : "wait", bench_run_mode(run));
	if (run->size > 0)
		json_uint(j, "size", run->size);
	if (run->senders > 0)
		json_uint(j, "senders", run->senders);
	if (run->every_us > 0)
		json_uint(j, "every_us", run->every_us);
	if (run->batch > 0)
		json_uint(j, "burst", run->batch);
	json_uint(j, "rounds", run->rounds);
}

static void put_run(const struct bench_run *run, FILE *file)
{
	struct json j;
	int m;

	json_begin(&j, file);
	put_what(&j, run);
	if (bench_run_has(run, BENCH_P50))
		json_uint(&j, "samples", run->series.count);
	if (bench_run_has(run, BENCH_GIB))
		json_uint(&j, "messages", run->count * run->rounds);
	for (m = 0; m < BENCH_METRICS; m++)
		if (bench_run_has(run, (enum bench_metric)m))
			put_metric(&j, run, (enum bench_metric)m);
	if (bench_run_has(run, BENCH_P50)) {
		put_number(&j, "median_round_p50_us", "",
			   bench_spread(run, BENCH_P50).median);
		put_spectrum(&j, &run->series);
	}
	json_end(&j);
}

static void put_ratio(const struct bench_ratio *r, FILE *file)
{
	struct json j;

	json_begin(&j, file);
	json_text(&j, "type", "ratio");
	json_text(&j, "name", r->name);
	json_text(&j, "of", r->of);
	json_text(&j, "to", r->to);
	if (r->size > 0)
		json_uint(&j, "size", r->size);
	if (r->every_us > 0)
		json_uint(&j, "every_us", r->every_us);
	if (r->senders > 0)
		json_uint(&j, "senders", r->senders);
	put_number(&j, "value", "", r->value);
	json_end(&j);
}

static void put_head(const struct bench *b, FILE *file)
{
	struct bench_machine machine;
	char date[64];
	struct json j;

	bench_machine(&machine);
	sys_timestamp(date, sizeof(date));
	json_begin(&j, file);
	json_text(&j, "type", "run");
	json_text(&j, "peer", b->peer);
	json_uint(&j, "rounds", b->args.rounds);
	json_bool(&j, "pinned", b->pinned);
	json_bool(&j, "remote", b->remote);
	json_text(&j, "date", date);
	json_text(&j, "version", PACKAGE_VERSION);
	json_text(&j, "cpu", machine.cpu);
	json_text(&j, "system", machine.system);
	json_uint(&j, "cores", (uint64_t)machine.cores);
	json_end(&j);
}

void report_json(const struct bench *b, FILE *file)
{
	struct bench_ratio ratio[BENCH_RATIOS_MAX];
	size_t i, n = bench_ratios(b, ratio);
	struct json j;

	put_head(b, file);
	for (i = 0; i < b->runs; i++)
		put_run(&b->run[i], file);
	for (i = 0; i < n; i++)
		put_ratio(&ratio[i], file);
	for (i = 0; i < b->notes; i++) {
		json_begin(&j, file);
		json_text(&j, "type", "note");
		json_text(&j, "text", b->note[i]);
		json_end(&j);
	}
}
