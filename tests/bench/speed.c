/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * speed.c - what messages cost: Bellring, the limits, and what else there is
 *
 * Round by round, so that whatever else the machine does meets all of them; within a
 * round block by block: what is compared in the same two processes by turns, and others'
 * libraries in ones of their own, in another order each time. Each turn is short: a hypervisor
 * moves the cores about every second or so, and what it moved meanwhile is worth nothing.
 * A first look, which does not count, tells how many messages last as long as was asked
 * for. One JSON object a line on stdout,
 * progress on stderr; goals.py makes a report of it.
 */
#include "speed-cases.h"
#include "speed-report.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define COUNT_LEAST 150u
#define LARGE_LEAST 32u /* of those of 64 KiB or more */

static struct speed_options options = {
	.program = "./bellring-server", .ms = 25, .rounds = 15, .limit_s = 30, .pin = true,
};

/* What is measured, and how it goes. */
struct run {
	struct speed_case cases[SPEED_CASES_MAX];
	size_t count;
	struct speed_result *results;
	unsigned failed;
};

/* What is measured at once: one case alone, or some that take turns. */
struct heat {
	const struct speed_case *entrant[SPEED_ENTRANTS];
	unsigned count;
};

/* ---- progress ------------------------------------------------------------------ */

static void tell(unsigned round, const struct run *run, size_t done,
		 const struct speed_case *c)
{
	static int terminal = -1;

	if (terminal < 0)
		terminal = isatty(STDERR_FILENO);
	if (terminal)
		fprintf(stderr, "\r\033[Kround %u of %u, %zu of %zu: %s, %s of %zu bytes",
			round, options.rounds, done + 1, run->count, c->pair.rival->name,
			c->pair.work->name, c->pair.plan.size);
	else if (done == 0)
		fprintf(stderr, "round %u of %u\n", round, options.rounds);
}

static void tell_end(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

/* ---- one measurement ------------------------------------------------------------- */

static int measure_heat(const struct run *run, const struct heat *h)
{
	struct speed_match match = { .pairs = h->count, .result = run->results,
				     .turns = h->entrant[0]->turns };

	for (unsigned i = 0; i < h->count; i++)
		match.pair[i] = &h->entrant[i]->pair;
	return speed_measure(&match);
}

/* The warm-up is not told. */
static void report_heat(const struct run *run, const struct heat *h, unsigned round)
{
	unsigned turns = h->entrant[0]->turns;

	for (unsigned turn = turns > 1; turn < turns; turn++)
		for (unsigned i = 0; i < h->count; i++)
			speed_report(h->entrant[i], round, turn,
				     &run->results[turn * h->count + i]);
	for (unsigned i = 0; turns > 1 && i < h->count; i++)
		speed_report_round(h->entrant[i], round, &run->results[h->count + i],
				   h->count, turns - 1);
}

/* ---- a first look --------------------------------------------------------------- */

/* ns that one message takes; 0: it failed. */
static double look(struct run *run, const struct speed_case *c)
{
	struct heat alone = { { c }, 1 };

	if (measure_heat(run, &alone) < 0)
		return 0;
	return (double)speed_elapsed_ns(c, &run->results[c->turns - 1]) /
	       (double)c->pair.plan.count;
}

static void adjust(struct run *run, struct speed_case *c)
{
	uint64_t least = c->pair.plan.size < (64u << 10) ? COUNT_LEAST : LARGE_LEAST, count;
	double took = look(run, c);

	if (took <= 0)
		return;
	count = (uint64_t)((double)options.ms * (double)MS / took);
	speed_case_scale(c, count > least ? count : least);
}

static void look_at_all(struct run *run)
{
	for (size_t i = 0; i < run->count && !speed_stopped(); i++) {
		struct speed_case *c = &run->cases[i];

		tell(0, run, i, c);
		if (!c->fixed)
			adjust(run, c);
	}
}

/* ---- rounds -------------------------------------------------------------------- */

static void measure(struct run *run, const struct heat *h, unsigned round)
{
	if (h->count == 0 || speed_stopped())
		return;
	if (measure_heat(run, h) == 0) {
		report_heat(run, h, round);
		return;
	}
	if (speed_stopped())
		return;
	run->failed++;
	for (unsigned i = 0; i < h->count; i++)
		speed_report_failed(h->entrant[i], round);
}

/* The first cases that are of one block. */
static size_t block_length(const struct speed_case *c, size_t count)
{
	size_t n = 1;

	while (n < count && c[n].block == c->block)
		n++;
	return n;
}

/* Forth and back in turns, and beginning elsewhere each time. */
static size_t place(size_t i, size_t n, unsigned round)
{
	size_t k = round % 2 == 0 ? n - 1 - i : i;

	return (k + round * 7 / 2) % n;
}

/* Those that take turns first or last, in turns as well. */
static void measure_block(struct run *run, struct speed_case *block, size_t n, unsigned round)
{
	struct heat together = { .count = 0 };

	for (size_t i = 0; i < n; i++) {
		struct speed_case *c = &block[place(i, n, round)];

		if (!c->together || !speed_case_is_in(c, round, options.rounds))
			continue;
		assert(together.count < SPEED_ENTRANTS);
		together.entrant[together.count++] = c;
	}
	if (round % 2 == 0)
		measure(run, &together, round);
	for (size_t i = 0; i < n; i++) {
		struct speed_case *c = &block[place(i, n, round)];
		struct heat alone = { { c }, 1 };

		if (!c->together && speed_case_is_in(c, round, options.rounds))
			measure(run, &alone, round);
	}
	if (round % 2 != 0)
		measure(run, &together, round);
}

static void measure_round(struct run *run, unsigned round)
{
	size_t n;

	for (size_t at = 0; at < run->count; at += n) {
		n = block_length(&run->cases[at], run->count - at);
		if (!speed_stopped())
			tell(round, run, at, &run->cases[at]);
		measure_block(run, &run->cases[at], n, round);
	}
}

static int run_all(const char *folder)
{
	static struct run run;
	struct speed_server server = { 0 };

	run.results = speed_results_new();
	if (!run.results || speed_server_start(&server, options.program, folder) < 0)
		return EXIT_FAILURE;
	run.count = speed_cases(&options, server.path, folder, run.cases);
	speed_report_run(&options);
	look_at_all(&run);
	for (unsigned round = 1; round <= options.rounds; round++)
		measure_round(&run, round);
	tell_end();
	speed_server_stop(&server);
	if (run.failed > 0)
		fprintf(stderr, "speed: %u measurements failed\n", run.failed);
	if (speed_stopped())
		fprintf(stderr, "speed: stopped by a signal\n");
	if (run.count == 0)
		fprintf(stderr, "speed: nothing fits --only, --rival and --size\n");
	return run.failed > 0 || run.count == 0 || speed_stopped() ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- the command line ----------------------------------------------------------- */

static const struct option words[] = {
	{ "server", required_argument, NULL, 's' },
	{ "only", required_argument, NULL, 'o' },
	{ "rival", required_argument, NULL, 'r' },
	{ "size", required_argument, NULL, 'z' },
	{ "count", required_argument, NULL, 'c' },
	{ "ms", required_argument, NULL, 'm' },
	{ "rounds", required_argument, NULL, 'n' },
	{ "limit", required_argument, NULL, 'l' },
	{ "quick", no_argument, NULL, 'q' },
	{ "check", no_argument, NULL, 'k' },
	{ "no-pin", no_argument, NULL, 'p' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static _Noreturn void usage(int status)
{
	fprintf(status ? stderr : stdout,
		"usage: speed [OPTION]...\n"
		"  --only GROUP    %s; more than one: repeat it\n"
		"  --rival TEXT    only those with this in their names\n"
		"  --size BYTES    only messages of this size\n"
		"  --rounds N      (default: 15; what takes long is in 7 of them)\n"
		"  --ms N          a measurement lasts about so long (default: 25); one\n"
		"                  that takes turns an eighth of it, eight times, but\n"
		"                  for trips that sleep, which last so long each\n"
		"  --count N       so many trips or messages a turn instead\n"
		"  --limit S       a measurement that takes longer hangs (default: 30)\n"
		"  --quick         5 rounds of 10 ms\n"
		"  --check         all bytes that come; slower\n"
		"  --no-pin        leave the cores to the system, and do not ask how far apart\n"
		"                  they are\n"
		"  --server FILE   bellring-server (default: ./bellring-server)\n",
		speed_group_names());
	exit(status);
}

static void set_option(int c)
{
	switch (c) {
	case 's': options.program = optarg; break;
	case 'r': options.rival = optarg; break;
	case 'z': options.size = strtoul(optarg, NULL, 10); break;
	case 'c': options.count = strtoull(optarg, NULL, 10); break;
	case 'm': options.ms = (unsigned)strtoul(optarg, NULL, 10); break;
	case 'n': options.rounds = (unsigned)strtoul(optarg, NULL, 10); break;
	case 'l': options.limit_s = (unsigned)strtoul(optarg, NULL, 10); break;
	case 'q': options.rounds = 5, options.ms = 10; break;
	case 'k': options.check = true; break;
	case 'p': options.pin = false; break;
	case 'h': usage(0);
	case 'o':
		if (speed_group_named(optarg) == 0)
			usage(2);
		options.groups |= speed_group_named(optarg);
		break;
	default: usage(2);
	}
}

/* Some rivals leave their sockets there. */
static void remove_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	if (rmdir(folder) < 0)
		fprintf(stderr, "speed: %s: %s\n", folder, strerror(errno));
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/bench-speed-XXXXXX";
	int c, status;

	while ((c = getopt_long(argc, argv, "", words, NULL)) != -1)
		set_option(c);
	if (optind < argc || options.rounds == 0 || options.ms == 0 ||
	    options.limit_s == 0 || options.limit_s > 3600)
		usage(2);
	if (!mkdtemp(folder)) {
		fprintf(stderr, "speed: %s: %s\n", folder, strerror(errno));
		return EXIT_FAILURE;
	}
	speed_catch_signals();
	options.cores = speed_cores();
	options.pin = options.pin && options.cores;
	status = run_all(folder);
	remove_folder(folder);
	return status;
}
