/* SPDX-License-Identifier: BSD-2-Clause */
/* All runs that the options ask for. */
#include "bench.h"
#include "cli.h"

#include <stdarg.h>
#include <string.h>

static const char *const load_words[] = { "trip", "stream", "burst", "paced",
					  "senders", "idle", NULL };
static const char *const mode_words[] = { "interrupt", "poll", "adaptive", NULL };

static const struct bench_numbers sizes = { "--sizes", "sizes", BENCH_SIZE_MIN,
					    BENCH_SIZE_MAX };
static const struct bench_numbers every = { "--every", "intervals", 1, 1000000 };
static const struct bench_numbers senders = { "--senders", "numbers", 1,
					      BENCH_SENDERS_MAX };

static void fill_in(struct bench_args *a)
{
	if (a->rounds == 0)
		a->rounds = a->quick ? 3 : 7;
	if (a->count == 0)
		a->count = a->quick ? 500 : 5000;
	if (a->idle_ms < 0)
		a->idle_ms = a->quick ? 500 : 2000;
}

int bench_plan_read(struct bench *b)
{
	const struct bench_args *a = &b->args;
	int rc;

	fill_in(&b->args);
	rc = bench_list_words("--load", a->loads, load_words);
	if (rc == CLI_DONE)
		rc = bench_list_words("--modes", a->modes, mode_words);
	if (rc == CLI_DONE)
		rc = bench_list_numbers(&sizes, a->sizes, &b->lists.sizes);
	if (rc == CLI_DONE)
		rc = bench_list_numbers(&every, a->every, &b->lists.every);
	if (rc == CLI_DONE)
		rc = bench_list_numbers(&senders, a->senders, &b->lists.senders);
	return rc;
}

size_t bench_plan_senders(const struct bench *b)
{
	size_t i, most = 1;

	if (!bench_list_has(b->args.loads, "senders"))
		return 1;
	for (i = 0; i < b->lists.senders.count; i++)
		if (b->lists.senders.value[i] > most)
			most = (size_t)b->lists.senders.value[i];
	return most;
}

void bench_note(struct bench *b, const char *fmt, ...)
{
	va_list args;

	if (b->notes == BENCH_NOTES_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(b->note[b->notes++], BENCH_NOTE, fmt, args);
	va_end(args);
}

int bench_add(struct bench *b, const struct bench_run *run, size_t samples)
{
	struct bench_run *to = &b->run[b->runs];

	if (b->runs == BENCH_RUNS_MAX)
		return cli_error("bench: more than %d things to measure: shorten "
				 "--load, --sizes, --modes, --every or --senders",
				 BENCH_RUNS_MAX);
	*to = *run;
	if (bench_run_init(to, run->load->metrics, (size_t)b->args.rounds,
			   samples) < 0)
		return cli_no_memory();
	b->runs++;
	return CLI_DONE;
}

int bench_add_modes(struct bench *b, const struct bench_run *run, size_t samples,
		    int spinners)
{
	struct bench_run one = *run;
	int mode, rc = CLI_DONE;

	for (mode = 0; mode < BENCH_MODES && rc == CLI_DONE; mode++) {
		if (!bench_list_has(b->args.modes, bench_mode_name[mode]) ||
		    (mode == BELL_POLL && spinners > b->cpus))
			continue;
		one.wait = (enum bell_wait_mode)mode;
		rc = bench_add(b, &one, samples);
	}
	return rc;
}

int bench_plan(struct bench *b)
{
	const struct bench_load *load;
	struct bench_run from;
	int rc = CLI_DONE;

	if (b->cpus < 2)
		bench_note(b, "only one CPU: nothing that polls is measured");
	if (b->remote && (bench_list_has(b->args.loads, "trip") ||
			  bench_list_has(b->args.loads, "stream")))
		bench_note(b, "the limits are of this machine alone, without %s",
			   b->peer);
	for (load = bench_loads; load->type && rc == CLI_DONE; load++) {
		if (!bench_list_has(b->args.loads, load->word))
			continue;
		if (load->here && b->remote) {
			bench_note(b, "%s: left out: its processes have to be on "
				   "this host, so without a PEER", load->word);
			continue;
		}
		from = (struct bench_run){ .load = load };
		rc = load->plan(b, &from);
	}
	return rc;
}

void bench_plan_done(struct bench *b)
{
	size_t i;

	for (i = 0; i < b->runs; i++)
		bench_run_done(&b->run[i]);
	b->runs = 0;
}
