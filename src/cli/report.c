/* SPDX-License-Identifier: BSD-2-Clause */
/* Which forms there are, and where they go. */
#include "bench-report.h"
#include "cli.h"
#include "sys.h"

#include <errno.h>
#include <string.h>

static bool is_stdout(const char *path)
{
	return path && strcmp(path, "-") == 0;
}

/* Before anything is measured: a wrong path is not to cost a minute. */
static int open_one(const char *path, FILE **file)
{
	if (!path)
		return CLI_DONE;
	*file = is_stdout(path) ? stdout : sys_open(path, true);
	return *file ? CLI_DONE :
		       cli_error("bench: %s: %s", path, strerror(errno));
}

int bench_outputs_open(struct bench_outputs *o, const struct bench *b)
{
	const struct bench_args *a = &b->args;
	int rc;

	if (b->s->json + is_stdout(a->csv) + is_stdout(a->html) > 1)
		return cli_usage(&cmd_bench, "bench: only one of --json, --csv and "
				 "--html can be on standard output");
	if (a->html && report_html_possible() != CLI_DONE)
		return CLI_FAILED;
	rc = open_one(a->csv, &o->csv);
	return rc == CLI_DONE ? open_one(a->html, &o->html) : rc;
}

static int close_one(FILE **file, const char *path)
{
	FILE *f = *file;
	bool bad;

	*file = NULL;
	if (!f || f == stdout)
		return CLI_DONE; /* main() looks after that */
	bad = ferror(f) != 0;
	if (fclose(f) != 0 || bad)
		return cli_error("bench: writing %s: %s", path, strerror(errno));
	return CLI_DONE;
}

void bench_outputs_close(struct bench_outputs *o)
{
	if (o->csv && o->csv != stdout)
		fclose(o->csv);
	if (o->html && o->html != stdout)
		fclose(o->html);
	*o = (struct bench_outputs){ 0 };
}

void report_number(FILE *file, double value)
{
	fprintf(file, "%.9g", value);
}

static int write_all(const struct bench *b, const struct bench_outputs *o)
{
	if (o->csv)
		report_csv(b, o->csv);
	if (o->html && report_html(b, o->html) != CLI_DONE)
		return CLI_FAILED;
	if (o->csv == stdout || o->html == stdout)
		return CLI_DONE;
	if (!b->s->json)
		return report_table(b);
	report_json(b, stdout);
	return CLI_DONE;
}

int bench_report(struct bench *b, struct bench_outputs *o)
{
	int rc;
	size_t i;

	for (i = 0; i < b->runs; i++)
		series_finish(&b->run[i].series);
	rc = write_all(b, o);
	if (rc == CLI_DONE)
		rc = close_one(&o->csv, b->args.csv);
	if (rc == CLI_DONE)
		rc = close_one(&o->html, b->args.html);
	return rc;
}
