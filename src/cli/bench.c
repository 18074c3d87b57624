/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring bench: what messages cost, beside what the machine can do. */
#include "bench.h"

#include "bench-report.h"
#include "cli.h"
#include "sys.h"

#include <stdlib.h>

#define AT(field) offsetof(struct bench_args, field)
enum { KEY_SERVE = 300, KEY_ONCE, KEY_NO_PIN, KEY_IDLE, KEY_SIZES, KEY_LOAD,
       KEY_MODES, KEY_EVERY, KEY_SENDERS, KEY_BURST, KEY_CSV, KEY_HTML };
static const struct option_row options[] = {
	{ KEY_LOAD, "load", "LIST", OPTION_TEXT, AT(loads), 0, 0, NULL,
	  "of trip,stream,burst,paced,senders,idle (default all)" },
	{ KEY_MODES, "modes", "LIST", OPTION_TEXT, AT(modes), 0, 0, NULL,
	  "of interrupt,poll,adaptive (default all)" },
	{ KEY_SIZES, "sizes", "LIST", OPTION_TEXT, AT(sizes), 0, 0, NULL,
	  "bytes of trip and stream (default 8,64,1024,...)" },
	{ KEY_BURST, "burst", "N", OPTION_NUMBER, AT(burst), 1, 10000, NULL,
	  "messages of a burst (default 64)" },
	{ KEY_EVERY, "every", "LIST", OPTION_TEXT, AT(every), 0, 0, NULL,
	  "microseconds of paced (default 30,100,1000)" },
	{ KEY_SENDERS, "senders", "LIST", OPTION_TEXT, AT(senders), 0, 0, NULL,
	  "sending processes (default 1,4,16)" },
	{ KEY_IDLE, "idle", "SECONDS", OPTION_SECONDS, AT(idle_ms), 0, 0, NULL,
	  "how long to sleep idle (default 2)" },
	{ 'r', "rounds", "N", OPTION_NUMBER, AT(rounds), 1, SERIES_ROUNDS_MAX,
	  NULL, "rounds (default 7)" },
	{ 'c', "count", "N", OPTION_NUMBER, AT(count), 10, 1000000, NULL,
	  "round trips a round and size (default 5000)" },
	{ 'q', "quick", NULL, OPTION_FLAG, AT(quick), 0, 0, NULL,
	  "3 rounds of 500, all loads shorter" },
	{ KEY_CSV, "csv", "FILE", OPTION_TEXT, AT(csv), 0, 0, NULL,
	  "one row a figure; - is standard output" },
	{ KEY_HTML, "html", "FILE", OPTION_TEXT, AT(html), 0, 0, NULL,
	  "a page with plots, which needs no other file" },
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
	.burst = 64,
	.loads = "trip,stream,burst,paced,senders,idle",
	.modes = "interrupt,poll,adaptive",
	.sizes = "8,64,1024,4096,65536,1048576",
	.every = "30,100,1000",
	.senders = "1,4,16",
	.idle_ms = -1,
};

static int reach_peer(struct bench *b, const char *peer)
{
	int code = 0, rc = session_find(b->s, peer, &b->link.peer);

	if (rc == CLI_DONE)
		rc = bench_hello(&b->link, &code);
	return code < 0 ? bench_failed(&b->link, code, "request to") : rc;
}

static uint32_t largest(const struct bench_list *sizes)
{
	uint32_t most = BENCH_SIZE_MIN * 8;
	size_t i;

	for (i = 0; i < sizes->count; i++)
		if (sizes->value[i] > most)
			most = (uint32_t)sizes->value[i];
	return most;
}

static int reach(struct bench *b, const char *peer)
{
	int rc = bench_link_init(&b->link, b->s, largest(&b->lists.sizes));

	if (rc == CLI_DONE)
		rc = peer ? reach_peer(b, peer) : bench_crew_go(b);
	if (rc == CLI_DONE)
		session_label(b->s, b->link.peer, b->peer);
	return rc;
}

static int measure(struct bench *b, struct bench_outputs *out)
{
	int rc;

	b->pinned = b->cpus >= 2 && !b->args.no_pin && bench_pin(0);
	rc = bench_plan(b);
	if (rc == CLI_DONE)
		rc = bench_measure(b);
	if (rc == CLI_DONE)
		rc = b->remote ? bench_bye(&b->link) : bench_crew_bye(b);
	return rc == CLI_DONE ? bench_report(b, out) : rc;
}

/* With all that is owned zeroed or opened. */
static int run_all(struct bench *b, struct bench_outputs *out, const char *peer)
{
	int rc = bench_plan_read(b);

	if (rc == CLI_DONE)
		rc = bench_outputs_open(out, b);
	if (rc == CLI_DONE && !peer)
		rc = bench_crew_start(b, bench_plan_senders(b));
	if (rc == CLI_DONE)
		rc = session_join(b->s);
	if (rc == CLI_DONE)
		rc = reach(b, peer);
	return rc == CLI_DONE ? measure(b, out) : rc;
}

static int run_bench(struct session *s, const struct bench_args *args,
		     const char *peer)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct bench_outputs out = { 0 };
	int rc;

	if (!b)
		return cli_no_memory();
	b->s = s;
	b->args = *args;
	b->remote = peer != NULL;
	b->cpus = bench_cpus();
	s->wait = BELL_INTERRUPT; /* each measurement sets its own */
	rc = run_all(b, &out, peer);
	bench_crew_end(b, rc == CLI_DONE ? 2000 : 0);
	bench_outputs_close(&out);
	bench_plan_done(b);
	bench_link_done(&b->link);
	free(b);
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
	.more = "Without PEER more processes are started on this host, but not on "
		"Windows. A PEER\nmust run bellring bench --serve. Beside the "
		"library the same is measured bare: two\neventfds (or events), "
		"one cache line, and a copy through shared memory.\n",
	.options = options,
	.defaults = &defaults,
	.args_size = sizeof(struct bench_args),
	.operands_max = 1,
	.run = run,
};
