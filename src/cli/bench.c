/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bellring bench: what messages cost, beside what the machine can do
 *
 * Everything is measured in rounds, all measurements in each round, so that a
 * machine that gets slower or busier hits all of them alike. The first round
 * only warms up.
 */
#include "bench.h"

#include "bench-bare.h"
#include "cli.h"
#include "sys.h"

#include <stdlib.h>
#include <string.h>

struct bench_args {
	uint64_t rounds, count;
	const char *sizes;
	int idle_ms;
	bool serve, once, no_pin, quick;
};

#define AT(field) offsetof(struct bench_args, field)
enum { KEY_SERVE = 300, KEY_ONCE, KEY_NO_PIN, KEY_IDLE, KEY_SIZES, KEY_QUICK };
static const struct option_row options[] = {
	{ 'r', "rounds", "N", OPTION_NUMBER, AT(rounds), 1, SERIES_ROUNDS_MAX,
	  NULL, "rounds (default 7)" },
	{ 'c', "count", "N", OPTION_NUMBER, AT(count), 10, 1000000, NULL,
	  "round trips a round and size (default 5000)" },
	{ KEY_SIZES, "sizes", "LIST", OPTION_TEXT, AT(sizes), 0, 0, NULL,
	  "bytes of round trips (default 8,64,1024,4096)" },
	{ KEY_IDLE, "idle", "SECONDS", OPTION_SECONDS, AT(idle_ms), 0, 0, NULL,
	  "how long to sleep idle (default 2)" },
	{ 'q', "quick", NULL, OPTION_FLAG, AT(quick), 0, 0, NULL,
	  "3 rounds of 500, half a second idle" },
	{ KEY_NO_PIN, "no-pin", NULL, OPTION_FLAG, AT(no_pin), 0, 0, NULL,
	  "do not pin the two processes to two cores" },
	{ KEY_SERVE, "serve", NULL, OPTION_FLAG, AT(serve), 0, 0, NULL,
	  "be the other side, until a signal" },
	{ KEY_ONCE, "once", NULL, OPTION_FLAG, AT(once), 0, 0, NULL,
	  "with --serve: until the measuring side is through" },
	{ 0, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL },
};
#undef AT

static const struct bench_args defaults = {
	.rounds = 7, .count = 5000, .sizes = "8,64,1024,4096", .idle_ms = 2000,
};

/* Bytes a message, and bytes (at most) and messages (at most) a round. */
static const struct {
	uint32_t size;
	uint64_t bytes, count;
} flow_plan[BENCH_FLOWS] = {
	{ 64, 1u << 25, 100000 },
	{ 4096, 1u << 25, 100000 },
	{ 65536, 1u << 26, 100000 },
};

struct bench {
	struct session *s;
	struct bench_args args;
	struct bench_link link;
	struct bench_results results;
	struct bench_child child;
	char child_name[32];
	bool two_cores; /* spinning against each other makes sense */
};

/* ---- the plan ---- */

static int add_trips(struct bench *b, uint32_t size)
{
	struct bench_results *r = &b->results;
	int mode;

	for (mode = 0; mode < BENCH_MODES; mode++) {
		struct bench_trips *t = &r->trips[r->trip_count];

		if (mode == BELL_POLL && !b->two_cores)
			continue;
		t->wait = (enum bell_wait_mode)mode;
		t->size = size;
		if (series_init(&t->series, (size_t)b->args.rounds + 1,
				(size_t)b->args.count) < 0)
			return cli_no_memory();
		r->trip_count++;
	}
	return CLI_DONE;
}

/* "8,64,1024"; each size is a message. */
static int plan_trips(struct bench *b)
{
	const char *at = b->args.sizes;
	char text[24];
	uint64_t size;
	size_t len, n;
	int rc;

	for (n = 0; n < BENCH_SIZES_MAX; n++) {
		len = strcspn(at, ",");
		snprintf(text, sizeof(text), "%.*s",
			 (int)(len < sizeof(text) ? len : sizeof(text)), at);
		if (!options_number(text, BENCH_SIZE_MIN, BENCH_SIZE_MAX, &size))
			return cli_error("bench: --sizes: %s: not a number from "
					 "%u to %u", text, BENCH_SIZE_MIN,
					 BENCH_SIZE_MAX);
		rc = add_trips(b, (uint32_t)size);
		if (rc != CLI_DONE || at[len] == '\0')
			return rc;
		at += len + 1;
	}
	return cli_error("bench: --sizes: more than %d sizes", BENCH_SIZES_MAX);
}

static int add_flow(struct bench *b, enum bell_wait_mode mode, int plan)
{
	struct bench_results *r = &b->results;
	struct bench_flow *f = &r->flows[r->flow_count];

	f->wait = mode;
	f->size = flow_plan[plan].size;
	f->count = flow_plan[plan].bytes / f->size;
	if (f->count > flow_plan[plan].count)
		f->count = flow_plan[plan].count;
	if (b->args.quick)
		f->count = f->count / 8 + 1;
	f->seconds = calloc((size_t)b->args.rounds, sizeof(*f->seconds));
	if (!f->seconds)
		return cli_no_memory();
	r->flow_count++;
	return CLI_DONE;
}

static int plan_flows(struct bench *b)
{
	int mode, i, rc = CLI_DONE;

	for (mode = 0; mode < BENCH_MODES; mode++)
		for (i = 0; i < BENCH_FLOWS && rc == CLI_DONE; i++)
			if (mode != BELL_POLL || b->two_cores)
				rc = add_flow(b, (enum bell_wait_mode)mode, i);
	return rc;
}

static int plan_bares(struct bench *b)
{
	struct bench_results *r = &b->results;
	int kind;

	for (kind = 0; kind < BENCH_BARES; kind++) {
		if (kind == BARE_LINE && !b->two_cores)
			continue;
		r->bare[kind].name = bench_bare_name((enum bare_kind)kind);
		if (series_init(&r->bare[kind].series, (size_t)b->args.rounds + 1,
				(size_t)b->args.count) < 0)
			return cli_no_memory();
		r->bares++;
	}
	return CLI_DONE;
}

static void plan_idle(struct bench *b)
{
	struct bench_results *r = &b->results;

	if (b->args.idle_ms == 0)
		return;
	r->idle[r->idle_count++].wait = BELL_INTERRUPT;
	r->idle[r->idle_count++].wait = BELL_ADAPTIVE;
}

static int plan(struct bench *b)
{
	int rc;

	b->two_cores = bench_cpus() >= 2;
	if (!b->two_cores)
		cli_error("bench: only one CPU: nothing that polls is measured");
	b->results.rounds = (size_t)b->args.rounds;
	b->results.pinned = b->two_cores && !b->args.no_pin && bench_pin(0);
	rc = plan_bares(b);
	if (rc == CLI_DONE)
		rc = plan_trips(b);
	if (rc == CLI_DONE)
		rc = plan_flows(b);
	plan_idle(b);
	return rc;
}

/* ---- the rounds ---- */

static void say_step(uint64_t round, uint64_t rounds, const char *what)
{
	if (!sys_is_terminal(stderr))
		return;
	if (round == 0)
		fprintf(stderr, "%swarm-up: %s", sys_erase(), what);
	else
		fprintf(stderr, "%sround %llu of %llu: %s", sys_erase(),
			(unsigned long long)round, (unsigned long long)rounds,
			what);
	fflush(stderr);
}

static void clear_step(void)
{
	if (sys_is_terminal(stderr))
		fputs(sys_erase(), stderr);
}

static int bare_round(struct bench *b, struct bench_bare *bare,
		      enum bare_kind kind, bool discard)
{
	uint64_t count = b->args.count, warmup = count / 10 + 50, cpu_ns;
	int rc = bench_bare_round(kind, warmup, count, b->results.pinned,
				  &bare->series, &cpu_ns);

	if (rc != CLI_DONE)
		return rc;
	series_round(&bare->series, discard);
	if (!discard) {
		bare->cpu_ns += cpu_ns;
		bare->trips += count;
	}
	return CLI_DONE;
}

static int one_round(struct bench *b, uint64_t round)
{
	struct bench_results *r = &b->results;
	bool discard = round == 0;
	int rc = CLI_DONE;
	size_t i;

	say_step(round, b->args.rounds, "bare round trips");
	for (i = 0; i < r->bares && rc == CLI_DONE; i++)
		rc = bare_round(b, &r->bare[i], (enum bare_kind)i, discard);
	say_step(round, b->args.rounds, "round trips");
	for (i = 0; i < r->trip_count && rc == CLI_DONE; i++)
		rc = bench_trips_round(&b->link, &r->trips[i],
				       discard ? b->args.count / 10 + 1 :
						 b->args.count, discard);
	say_step(round, b->args.rounds, "throughput");
	for (i = 0; i < r->flow_count && rc == CLI_DONE; i++)
		rc = bench_flow_round(&b->link, &r->flows[i], discard);
	return rc;
}

static int measure(struct bench *b)
{
	struct bench_results *r = &b->results;
	uint64_t round;
	int rc = CLI_DONE;
	size_t i;

	for (round = 0; round <= b->args.rounds && rc == CLI_DONE; round++)
		rc = sys_stopped() ? cli_error("bench: interrupted") :
				     one_round(b, round);
	for (i = 0; i < r->idle_count && rc == CLI_DONE; i++) {
		say_step(b->args.rounds, b->args.rounds, "sleeping idle");
		r->idle[i].ms = (uint64_t)b->args.idle_ms;
		rc = bench_idle_once(&b->link, &r->idle[i]);
	}
	clear_step();
	return rc;
}

/* ---- the other side ---- */

/* In the child, before anything was opened. */
static int serve_child(void *arg)
{
	struct bench *b = arg;
	struct session s = *b->s;
	int rc;

	s.name = b->child_name;
	if (!b->args.no_pin)
		(void)bench_pin(1);
	rc = session_join(&s);
	if (rc == CLI_DONE)
		rc = bench_serve(&s, true);
	session_close(&s);
	return rc;
}

/* Until the child is on the bus, or has told why not and ended. */
static int await_child(struct bench *b)
{
	uint64_t deadline = sys_deadline(BENCH_SILENCE_MS);
	int rc = session_news_begin(b->s);

	while (rc == 0 && bell_find(b->s->peer, b->child_name, &b->link.peer) < 0) {
		if (sys_stopped() || !bench_child_alive(&b->child))
			rc = -BELL_ENOPEER;
		else if (sys_left_ms(deadline) == 0)
			rc = -BELL_EAGAIN;
		else /* its death before it joins rings nobody */
			rc = session_news(b->s, 100);
	}
	session_news_end(b->s);
	if (rc < 0)
		return sys_stopped() ? cli_error("bench: interrupted") :
				       cli_fail(rc, "bench: the serving process");
	return CLI_DONE;
}

static int reach_child(struct bench *b)
{
	int rc = bench_child_go(&b->child);

	return rc == CLI_DONE ? await_child(b) : rc;
}

static int reach_peer(struct bench *b, const char *peer)
{
	b->results.remote = true;
	return session_find(b->s, peer, &b->link.peer);
}

static int measure_and_report(struct bench *b, const char *peer)
{
	int rc = plan(b);

	b->link.size = 0;
	if (rc == CLI_DONE)
		rc = bench_link_init(&b->link, b->s, BENCH_SIZE_MAX);
	if (rc == CLI_DONE)
		rc = peer ? reach_peer(b, peer) : reach_child(b);
	if (rc != CLI_DONE)
		return rc;
	session_label(b->s, b->link.peer, b->results.peer);
	rc = bench_hello(&b->link);
	if (rc == CLI_DONE)
		rc = measure(b);
	if (rc == CLI_DONE)
		rc = bench_bye(&b->link);
	if (rc == CLI_DONE)
		rc = bench_report(&b->results, b->s->json);
	return rc;
}

static void bench_done(struct bench *b)
{
	size_t i;

	for (i = 0; i < BENCH_BARES; i++)
		series_done(&b->results.bare[i].series);
	for (i = 0; i < sizeof(b->results.trips) / sizeof(b->results.trips[0]); i++)
		series_done(&b->results.trips[i].series);
	for (i = 0; i < sizeof(b->results.flows) / sizeof(b->results.flows[0]); i++)
		free(b->results.flows[i].seconds);
	bench_link_done(&b->link);
	free(b);
}

static int run_bench(struct session *s, const struct bench_args *args,
		     const char *peer)
{
	struct bench *b = calloc(1, sizeof(*b));
	int rc = CLI_DONE;

	if (!b)
		return cli_no_memory();
	b->s = s;
	b->args = *args;
	if (args->quick) {
		b->args.rounds = 3;
		b->args.count = 500;
		b->args.idle_ms = 500;
	}
	s->wait = BELL_INTERRUPT; /* each measurement sets its own */
	snprintf(b->child_name, sizeof(b->child_name), "bench-%u",
		 (unsigned)sys_pid());
	if (!peer)
		rc = bench_child_start(&b->child, serve_child, b);
	if (rc == CLI_DONE)
		rc = session_join(s);
	if (rc == CLI_DONE)
		rc = measure_and_report(b, peer);
	bench_child_end(&b->child, rc == CLI_DONE ? 2000 : 0);
	bench_done(b);
	return rc;
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	const struct bench_args *a = args;
	int rc;

	if (!a->serve)
		return a->once ? cli_usage(&cmd_bench,
					   "bench: --once without --serve") :
				 run_bench(s, a, argc > 0 ? argv[0] : NULL);
	if (argc > 0)
		return cli_usage(&cmd_bench, "bench: both --serve and a PEER");
	rc = session_join(s);
	if (rc != CLI_DONE)
		return rc;
	if (sys_is_terminal(stderr))
		fprintf(stderr, "bellring: bench serves as %s (id %s)\n",
			bell_bus_name(s->bus), SESSION_ID(bell_id(s->peer)));
	return bench_serve(s, a->once);
}

const struct bell_cmd cmd_bench = {
	.name = "bench",
	.usage = "[OPTION...] [PEER | --serve [--once]]",
	.summary = "measure latency, throughput, CPU time and doorbells",
	.more = "Without PEER a second process is started on this host, but not on "
		"Windows. A PEER\nmust run bellring bench --serve. Beside the "
		"library the same is measured bare: two\neventfds (or events), "
		"and one cache line.\n",
	.options = options,
	.defaults = &defaults,
	.args_size = sizeof(struct bench_args),
	.operands_max = 1,
	.run = run,
};
