/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables and JSON of bellring bench. */
#include "bench.h"
#include "bench-bare.h"
#include "cli.h"
#include "json.h"
#include "table.h"

#include <string.h>

#define GIB (1024.0 * 1024.0 * 1024.0)

static const char *const mode_name[BENCH_MODES] = { "interrupt", "poll",
						    "adaptive" };

/* What both ways of printing show of a series, microseconds. */
struct latency {
	double p50, p99, p999, max;
};

static struct latency latency_of(const struct series *s)
{
	return (struct latency){
		.p50 = series_percentile(s, 0.50) / 1e3,
		.p99 = series_percentile(s, 0.99) / 1e3,
		.p999 = series_percentile(s, 0.999) / 1e3,
		.max = series_percentile(s, 1) / 1e3,
	};
}

static double per(uint64_t value, uint64_t count)
{
	return count ? (double)value / (double)count : 0;
}

/* Medians over the rounds. */
static double messages_per_s(const struct bench_flow *f)
{
	double rate[SERIES_ROUNDS_MAX];
	size_t i;

	for (i = 0; i < f->rounds && i < SERIES_ROUNDS_MAX; i++)
		rate[i] = (double)f->count / f->seconds[i];
	return median(rate, i);
}

static void head(struct table *t, const char *const *titles)
{
	for (; *titles; titles++)
		table_add(t, "%s", *titles);
}

static void latency_cells(struct table *t, const struct series *s)
{
	struct latency l = latency_of(s);

	table_add(t, "%.2f", l.p50);
	table_add(t, "%.2f", l.p99);
	table_add(t, "%.2f", l.p999);
	table_add(t, "%.2f", l.max);
}

static int trips_table(const struct bench_results *r)
{
	static const char *const titles[] = { "ROUND TRIP", "BYTES", "p50 us",
					      "p99 us", "p99.9 us", "max us",
					      "CPU us/msg", "DOORBELLS/msg",
					      NULL };
	struct table t;
	size_t i;

	table_init(&t, "lrrrrrrr");
	head(&t, titles);
	for (i = 0; i < r->bares; i++) {
		table_add(&t, "%s", r->bare[i].name);
		table_add(&t, "-");
		latency_cells(&t, &r->bare[i].series);
		table_add(&t, "%.2f",
			  per(r->bare[i].cpu_ns, 2 * r->bare[i].trips) / 1e3);
		table_add(&t, "-");
	}
	for (i = 0; i < r->trip_count; i++) {
		const struct bench_trips *trip = &r->trips[i];

		table_add(&t, "%s", mode_name[trip->wait]);
		table_add(&t, "%u", (unsigned)trip->size);
		latency_cells(&t, &trip->series);
		table_add(&t, "%.2f",
			  per(trip->cost.cpu_ns, trip->cost.messages) / 1e3);
		table_add(&t, "%.3f",
			  per(trip->cost.doorbells, trip->cost.messages));
	}
	return table_print(&t, stdout);
}

static int flows_table(const struct bench_results *r)
{
	static const char *const titles[] = { "ONE WAY", "BYTES", "messages/s",
					      "GiB/s", "CPU us/msg",
					      "DOORBELLS/msg", NULL };
	struct table t;
	size_t i;

	table_init(&t, "lrrrrr");
	head(&t, titles);
	for (i = 0; i < r->flow_count; i++) {
		const struct bench_flow *f = &r->flows[i];
		double rate = messages_per_s(f);

		table_add(&t, "%s", mode_name[f->wait]);
		table_add(&t, "%u", (unsigned)f->size);
		table_add(&t, "%.0f", rate);
		table_add(&t, "%.3f", rate * f->size / GIB);
		table_add(&t, "%.2f", per(f->cost.cpu_ns, f->cost.messages) / 1e3);
		table_add(&t, "%.4f", per(f->cost.doorbells, f->cost.messages));
	}
	return table_print(&t, stdout);
}

static int idle_table(const struct bench_results *r)
{
	static const char *const titles[] = { "IDLE", "SECONDS", "CPU ms",
					      "WAKES", NULL };
	struct table t;
	size_t i;

	table_init(&t, "lrrr");
	head(&t, titles);
	for (i = 0; i < r->idle_count; i++) {
		table_add(&t, "%s", mode_name[r->idle[i].wait]);
		table_add(&t, "%.1f", (double)r->idle[i].ms / 1e3);
		table_add(&t, "%.3f", (double)r->idle[i].cpu_ns / 1e6);
		table_add(&t, "%llu", (unsigned long long)r->idle[i].wakes);
	}
	return table_print(&t, stdout);
}

static const struct bench_trips *find_trips(const struct bench_results *r,
					    enum bell_wait_mode mode)
{
	size_t i;

	for (i = 0; i < r->trip_count; i++)
		if (r->trips[i].wait == mode)
			return &r->trips[i]; /* the first size comes first */
	return NULL;
}

struct ratio {
	const char *name; /* a word for JSON */
	enum bell_wait_mode mode;
	enum bare_kind bare;
};

static const struct ratio ratios[] = {
	{ "interrupt/eventfd", BELL_INTERRUPT, BARE_EVENTFD_EPOLL },
	{ "interrupt/eventfd-read", BELL_INTERRUPT, BARE_EVENTFD_POLL },
	{ "poll/line", BELL_POLL, BARE_LINE },
	{ "adaptive/line", BELL_ADAPTIVE, BARE_LINE },
};

/* By the medians of the rounds' medians; 0: not measured. */
static double ratio_of(const struct bench_results *r, const struct ratio *q,
		       uint32_t *size)
{
	const struct bench_trips *t = find_trips(r, q->mode);

	if (!t || (size_t)q->bare >= r->bares)
		return 0;
	*size = t->size;
	return series_median(&t->series) / series_median(&r->bare[q->bare].series);
}

static void print_ratios(const struct bench_results *r, bool json)
{
	char text[64];
	double value;
	uint32_t size;
	struct json j;
	size_t i;

	for (i = 0; i < sizeof(ratios) / sizeof(ratios[0]); i++) {
		value = ratio_of(r, &ratios[i], &size);
		if (!(value > 0))
			continue;
		if (!json) {
			snprintf(text, sizeof(text), "%s / %s",
				 mode_name[ratios[i].mode],
				 bench_bare_name(ratios[i].bare));
			printf("%-36s %u bytes: %.2f times\n", text,
			       (unsigned)size, value);
			continue;
		}
		json_begin(&j, stdout);
		json_text(&j, "type", "ratio");
		json_text(&j, "name", ratios[i].name);
		json_uint(&j, "size", size);
		json_real(&j, "value", value);
		json_end(&j);
	}
}

static int print_tables(const struct bench_results *r)
{
	int rc;

	printf("%zu rounds, %s, against %s\n\n", r->rounds,
	       r->pinned ? r->remote ? "this side pinned to a core" :
				       "pinned to two cores" :
			   "not pinned", r->peer);
	rc = trips_table(r);
	putchar('\n');
	if (rc == 0)
		rc = flows_table(r);
	putchar('\n');
	if (rc == 0 && r->idle_count > 0) {
		rc = idle_table(r);
		putchar('\n');
	}
	print_ratios(r, false);
	return rc < 0 ? cli_no_memory() : CLI_DONE;
}

static void json_latency(struct json *j, const struct series *s)
{
	struct latency l = latency_of(s);

	json_uint(j, "samples", s->count);
	json_real(j, "p50_us", l.p50);
	json_real(j, "p99_us", l.p99);
	json_real(j, "p999_us", l.p999);
	json_real(j, "max_us", l.max);
	json_real(j, "median_round_p50_us", series_median(s) / 1e3);
}

static void json_cost(struct json *j, const struct bench_cost *c)
{
	json_real(j, "cpu_us_per_message", per(c->cpu_ns, c->messages) / 1e3);
	json_real(j, "doorbells_per_message", per(c->doorbells, c->messages));
}

static void json_bare(const struct bench_bare *b)
{
	struct json j;

	json_begin(&j, stdout);
	json_text(&j, "type", "bare");
	json_text(&j, "name", b->name);
	json_latency(&j, &b->series);
	json_real(&j, "cpu_us_per_message", per(b->cpu_ns, 2 * b->trips) / 1e3);
	json_end(&j);
}

static void json_trips(const struct bench_trips *t)
{
	struct json j;

	json_begin(&j, stdout);
	json_text(&j, "type", "latency");
	json_text(&j, "wait", mode_name[t->wait]);
	json_uint(&j, "size", t->size);
	json_latency(&j, &t->series);
	json_cost(&j, &t->cost);
	json_end(&j);
}

static void json_flow(const struct bench_flow *f)
{
	double rate = messages_per_s(f);
	struct json j;

	json_begin(&j, stdout);
	json_text(&j, "type", "throughput");
	json_text(&j, "wait", mode_name[f->wait]);
	json_uint(&j, "size", f->size);
	json_uint(&j, "messages", f->cost.messages);
	json_real(&j, "messages_per_s", rate);
	json_real(&j, "gib_per_s", rate * f->size / GIB);
	json_cost(&j, &f->cost);
	json_end(&j);
}

static void json_idle(const struct bench_idle *i)
{
	struct json j;

	json_begin(&j, stdout);
	json_text(&j, "type", "idle");
	json_text(&j, "wait", mode_name[i->wait]);
	json_real(&j, "seconds", (double)i->ms / 1e3);
	json_real(&j, "cpu_ms", (double)i->cpu_ns / 1e6);
	json_uint(&j, "wakes", i->wakes);
	json_end(&j);
}

static int print_json(const struct bench_results *r)
{
	struct json j;
	size_t i;

	json_begin(&j, stdout);
	json_text(&j, "type", "run");
	json_text(&j, "peer", r->peer);
	json_uint(&j, "rounds", r->rounds);
	json_bool(&j, "pinned", r->pinned);
	json_bool(&j, "remote", r->remote);
	json_end(&j);
	for (i = 0; i < r->bares; i++)
		json_bare(&r->bare[i]);
	for (i = 0; i < r->trip_count; i++)
		json_trips(&r->trips[i]);
	for (i = 0; i < r->flow_count; i++)
		json_flow(&r->flows[i]);
	for (i = 0; i < r->idle_count; i++)
		json_idle(&r->idle[i]);
	print_ratios(r, true);
	return CLI_DONE;
}

int bench_report(struct bench_results *r, bool json)
{
	size_t i;

	for (i = 0; i < r->bares; i++)
		series_finish(&r->bare[i].series);
	for (i = 0; i < r->trip_count; i++)
		series_finish(&r->trips[i].series);
	return json ? print_json(r) : print_tables(r);
}
