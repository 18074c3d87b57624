/* SPDX-License-Identifier: BSD-2-Clause */
/* Text in tables, one for all runs whose loads have the same title. */
#include "bench-report.h"
#include "cli.h"
#include "table.h"

#include <string.h>

/* What tells runs of a title apart. */
struct key {
	const char *title;
	uint32_t (*of)(const struct bench_run *run);
};

static uint32_t size_of(const struct bench_run *run)
{
	return run->size;
}

static uint32_t every_of(const struct bench_run *run)
{
	return run->every_us;
}

static uint32_t batch_of(const struct bench_run *run)
{
	return run->batch;
}

static uint32_t senders_of(const struct bench_run *run)
{
	return run->senders;
}

#define KEYS 4
static const struct key keys[KEYS] = {
	{ "BYTES", size_of }, { "EVERY us", every_of }, { "MESSAGES", batch_of },
	{ "SENDERS", senders_of },
};

struct sheet {
	const struct bench *b;
	const char *title;
	bool key[KEYS];
	unsigned metrics;
	enum bench_metric main; /* whose spread over the rounds is shown */
	char align[20];
	struct table t;
};

static bool belongs(const struct sheet *s, const struct bench_run *run)
{
	return strcmp(run->load->title, s->title) == 0;
}

/* False if there is no run of that title. */
static bool look(struct sheet *s)
{
	const struct bench_run *run;
	bool any = false;
	size_t i, k;

	for (i = 0; i < s->b->runs; i++) {
		run = &s->b->run[i];
		if (!belongs(s, run) || run->rounds == 0)
			continue;
		any = true;
		s->metrics |= run->load->metrics;
		for (k = 0; k < KEYS; k++)
			s->key[k] = s->key[k] || keys[k].of(run) > 0;
	}
	s->main = BENCH_METRICS;
	if (s->metrics & BENCH_BIT(BENCH_RATE))
		s->main = BENCH_RATE;
	if (s->metrics & BENCH_BIT(BENCH_P50))
		s->main = BENCH_P50;
	return any;
}

static void add_head(struct sheet *s)
{
	size_t n = 0, k;
	int m;

	s->align[n++] = 'l';
	for (k = 0; k < KEYS; k++)
		if (s->key[k])
			s->align[n++] = 'r';
	for (m = 0; m < BENCH_METRICS; m++)
		if (s->metrics & BENCH_BIT(m))
			s->align[n++] = 'r';
	if (s->main < BENCH_METRICS)
		s->align[n++] = 'r';
	s->align[n] = '\0';
	table_init(&s->t, s->align);
	table_add(&s->t, "%s", s->title);
	for (k = 0; k < KEYS; k++)
		if (s->key[k])
			table_add(&s->t, "%s", keys[k].title);
	for (m = 0; m < BENCH_METRICS; m++)
		if (s->metrics & BENCH_BIT(m))
			table_add(&s->t, "%s", bench_metrics[m].title);
	if (s->main < BENCH_METRICS)
		table_add(&s->t, "%s of rounds", bench_metrics[s->main].title);
}

static void add_spread(struct sheet *s, const struct bench_run *run)
{
	struct bench_spread spread = bench_spread(run, s->main);
	int digits = bench_metrics[s->main].digits;

	table_add(&s->t, "%.*f..%.*f", digits, spread.min, digits, spread.max);
}

static void add_run(struct sheet *s, const struct bench_run *run)
{
	size_t k;
	int m;

	table_add(&s->t, "%s", bench_run_mode(run));
	for (k = 0; k < KEYS; k++)
		if (s->key[k] && keys[k].of(run) > 0)
			table_add(&s->t, "%u", (unsigned)keys[k].of(run));
		else if (s->key[k])
			table_add(&s->t, "-");
	for (m = 0; m < BENCH_METRICS; m++)
		if (!(s->metrics & BENCH_BIT(m)))
			continue;
		else if (bench_run_has(run, (enum bench_metric)m))
			table_add(&s->t, "%.*f", bench_metrics[m].digits,
				  bench_figure(run, (enum bench_metric)m));
		else
			table_add(&s->t, "-");
	if (s->main < BENCH_METRICS)
		add_spread(s, run);
}

static int print_sheet(const struct bench *b, const char *title)
{
	struct sheet s = { .b = b, .title = title };
	size_t i;
	int rc;

	if (!look(&s))
		return 0;
	add_head(&s);
	for (i = 0; i < b->runs; i++)
		if (belongs(&s, &b->run[i]) && b->run[i].rounds > 0)
			add_run(&s, &b->run[i]);
	rc = table_print(&s.t, stdout);
	putchar('\n');
	return rc;
}

/* "interrupt / two eventfds, epoll" is a word of ours, and so the columns are even. */
static size_t print_ratios(const struct bench *b)
{
	struct bench_ratio ratio[BENCH_RATIOS_MAX];
	size_t i, n = bench_ratios(b, ratio);
	char text[2 * sizeof(ratio[0].of)];

	for (i = 0; i < n; i++) {
		const struct bench_ratio *r = &ratio[i];

		snprintf(text, sizeof(text), "%s / %s", r->of, r->to);
		if (r->senders > 0)
			printf("%-36s %s, %u: ", r->of, r->name,
			       (unsigned)r->senders);
		else if (r->every_us > 0)
			printf("%-36s CPU, every %u us: ", text,
			       (unsigned)r->every_us);
		else
			printf("%-36s %u bytes: ", text, (unsigned)r->size);
		printf("%.2f times\n", r->value);
	}
	return n;
}

int report_table(const struct bench *b)
{
	const struct bench_load *load;
	const char *title = "";
	int rc = 0;
	size_t i, n;

	printf("%llu rounds, %s, against %s\n\n",
	       (unsigned long long)b->args.rounds,
	       b->pinned ? b->remote ? "this side pinned to a core" :
				       "pinned to two cores" :
			   "not pinned", b->peer);
	for (load = bench_loads; load->type && rc == 0; load++) {
		if (strcmp(load->title, title) != 0)
			rc = print_sheet(b, load->title);
		title = load->title;
	}
	n = print_ratios(b);
	for (i = 0; i < b->notes; i++)
		printf("%s%s\n", i == 0 && n > 0 ? "\n" : "", b->note[i]);
	return rc < 0 ? cli_no_memory() : CLI_DONE;
}
