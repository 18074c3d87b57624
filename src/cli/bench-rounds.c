/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything is measured in rounds, all runs in each round, so that a machine that gets
 * slower or busier hits all of them alike; in another order each time, so that none is
 * always behind the same. The first round only warms up.
 */
#include "bench.h"
#include "cli.h"
#include "sys.h"

/* ---- how far it is, on a terminal ---- */

struct progress_line {
	bool shown;
	uint64_t begin_ns;
};

/* What is still to come takes as long as it did the last time. */
static uint64_t left_ns(const struct bench *b, uint64_t round)
{
	uint64_t rounds_left = b->args.rounds - round, left = 0;
	size_t i;

	for (i = 0; i < b->runs; i++)
		if (b->run[i].load->once)
			left += b->run[i].rounds ? 0 :
						   b->run[i].count * SYS_NS_PER_MS;
		else /* those of this round, half of which may be over */
			left += b->run[i].spent_ns * (2 * rounds_left + 1) / 2;
	return left;
}

static void say_left(const struct bench *b, const struct progress_line *line,
		     uint64_t round)
{
	uint64_t left = left_ns(b, round), past = sys_now_ns() - line->begin_ns;
	unsigned seconds = (unsigned)(left / SYS_NS_PER_S + 1);

	fprintf(stderr, ", %.0f %%, %u:%02u left",
		100 * (double)past / (double)(past + left + 1), seconds / 60,
		seconds % 60);
}

static void say(const struct bench *b, const struct progress_line *line,
		uint64_t round, const struct bench_run *run)
{
	if (!line->shown)
		return;
	fprintf(stderr, "%s%s", sys_erase(), run->load->says);
	if (!run->limit)
		fprintf(stderr, ", %s", bench_run_mode(run));
	if (run->size > 0)
		fprintf(stderr, ", %u bytes", (unsigned)run->size);
	if (round == 0) /* nothing is known yet of what it will take */
		fputs(": warm-up", stderr);
	else
		fprintf(stderr, ": round %llu of %llu", (unsigned long long)round,
			(unsigned long long)b->args.rounds);
	if (round > 0)
		say_left(b, line, round);
	fflush(stderr);
}

/* ---- the rounds ---- */

/* The numbers below n in an order that depends on the round (Fisher and Yates). */
static void shuffle(size_t *order, size_t n, uint64_t round)
{
	uint64_t state = (round + 1) * UINT64_C(0x9e3779b97f4a7c15);
	size_t i, j, swap;

	for (i = 0; i < n; i++)
		order[i] = i;
	for (i = n; i > 1; i--) {
		state ^= state << 13; /* xorshift64: Marsaglia */
		state ^= state >> 7;
		state ^= state << 17;
		j = (size_t)(state % i);
		swap = order[j];
		order[j] = order[i - 1];
		order[i - 1] = swap;
	}
}

static int one_run(struct bench *b, struct bench_run *run, bool discard)
{
	uint64_t begin_ns = sys_now_ns();
	int rc;

	if (sys_stopped())
		return cli_error("bench: interrupted");
	rc = run->load->round(b, run, discard);
	if (rc == CLI_DONE)
		bench_run_round(run, discard);
	run->spent_ns = sys_now_ns() - begin_ns;
	return rc;
}

static int one_round(struct bench *b, const struct progress_line *line,
		     uint64_t round)
{
	size_t order[BENCH_RUNS_MAX], i;
	struct bench_run *run;
	int rc = CLI_DONE;

	shuffle(order, b->runs, round);
	for (i = 0; i < b->runs && rc == CLI_DONE; i++) {
		run = &b->run[order[i]];
		if (run->load->once)
			continue;
		say(b, line, round, run);
		rc = one_run(b, run, round == 0);
	}
	return rc;
}

int bench_measure(struct bench *b)
{
	struct progress_line line = { .shown = sys_is_terminal(stderr),
				      .begin_ns = sys_now_ns() };
	uint64_t round;
	int rc = CLI_DONE;
	size_t i;

	for (round = 0; round <= b->args.rounds && rc == CLI_DONE; round++)
		rc = one_round(b, &line, round);
	for (i = 0; i < b->runs && rc == CLI_DONE; i++)
		if (b->run[i].load->once) {
			say(b, &line, b->args.rounds, &b->run[i]);
			rc = one_run(b, &b->run[i], false);
		}
	if (line.shown)
		fputs(sys_erase(), stderr);
	return rc;
}
