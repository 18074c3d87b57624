/* SPDX-License-Identifier: BSD-2-Clause */
#include "speed-report.h"

#include "rival-bellring.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of sorted ones. */
static uint64_t quantile(const uint64_t *sample, uint64_t count, unsigned permille)
{
	return count > 0 ? sample[(count - 1) * permille / 1000] : 0;
}

/* As [percent, ns], as far up as one sample of the round is. */
static void print_spectrum(const uint64_t *sample, uint64_t count)
{
	static const unsigned shown[] = { /* of 10000 */
		0, 1000, 2500, 5000, 7500, 9000, 9500, 9800, 9900, 9950, 9980, 9990, 9995,
		9998, 9999,
	};

	printf(", \"spectrum\": [");
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (count * (10000 - shown[i]) >= 10000)
			printf("%s[%g, %" PRIu64 "]", i > 0 ? ", " : "", shown[i] / 100.0,
			       sample[(count - 1) * shown[i] / 10000]);
	printf("]");
}

static void print_samples(uint64_t *sample, uint64_t count)
{
	qsort(sample, (size_t)count, sizeof(*sample), by_size);
	printf(", \"samples\": %" PRIu64 ", \"p50\": %" PRIu64 ", \"p99\": %" PRIu64
	       ", \"p999\": %" PRIu64 ", \"max\": %" PRIu64, count,
	       quantile(sample, count, 500), quantile(sample, count, 990),
	       quantile(sample, count, 999), quantile(sample, count, 1000));
	print_spectrum(sample, count);
}

static void print_side(const char *name, const struct speed_side *side)
{
	printf(", \"%s\": {\"ns\": %" PRIu64 ", \"cpu_ns\": %" PRIu64
	       ", \"doorbells\": %" PRIu64 ", \"wakes\": %" PRIu64
	       ", \"switches\": %" PRIu64 "}", name, side->finish_ns - side->begin_ns,
	       side->cpu_ns, side->doorbells, side->wakes, side->switches);
}

/* What the server did from one step's first message to the next one's. */
static void print_steps(struct speed_result *result)
{
	printf(", \"steps\": [");
	for (unsigned i = 0; i < SPEED_STEPS; i++) {
		const struct speed_step *s = &result->step[i];

		printf("%s{\"step\": \"%s\", \"server_ns\": %" PRIu64
		       ", \"server_cpu_ns\": %" PRIu64, i > 0 ? ", " : "",
		       bellring_step_name[i], s[1].begin_ns - s->begin_ns,
		       s[1].begin_cpu_ns - s->begin_cpu_ns);
		print_samples(result->sample + s->first, s->samples);
		printf("}");
	}
	printf("]");
}

static void print_each(const struct speed_result *result, unsigned clients)
{
	printf(", \"each\": [");
	for (unsigned i = 0; i < clients; i++)
		printf("%s%" PRIu64, i > 0 ? ", " : "", result->each[i]);
	printf("]");
}

static const char *kind_name(const struct rival *rival)
{
	static const char *const names[] = { [RIVAL_OTHER] = "other",
					     [RIVAL_LIMIT] = "limit",
					     [RIVAL_BELLRING] = "bellring" };

	return names[rival->kind];
}

static void print_head(const struct speed_case *c, unsigned round, const char *type)
{
	const struct speed_pair *p = &c->pair;

	printf("{\"type\": \"%s\", \"round\": %u, \"block\": %u, \"work\": \"%s\", "
	       "\"rival\": \"%s\", \"kind\": \"%s\", \"polls\": %s, \"size\": %zu, "
	       "\"count\": %" PRIu64 ", \"gap_ns\": %" PRIu64 ", \"part\": %zu, "
	       "\"time_ns\": %" PRIu64 ", \"clients\": %u, \"large\": %s, \"pinned\": %s",
	       type, round, c->block, p->work->name, p->rival->name, kind_name(p->rival),
	       p->rival->polls ? "true" : "false", p->plan.size, p->plan.count,
	       p->plan.gap_ns, p->plan.part, p->plan.time_ns, p->clients,
	       c->groups == SPEED_LARGE ? "true" : "false", p->pin ? "true" : "false");
}

/* Null where it was not asked. */
static void print_line(const struct speed_pair *pair, const uint64_t line_ns[2])
{
	if (pair->probe)
		printf(", \"line_ns\": [%" PRIu64 ", %" PRIu64 "]", line_ns[0], line_ns[1]);
	else
		printf(", \"line_ns\": null");
}

uint64_t speed_elapsed_ns(const struct speed_case *c, const struct speed_result *result)
{
	const struct speed_side *last = c->pair.work == &speed_trips ? &result->client :
								       &result->server;

	/* A crowd's senders begin before it counts. */
	if (c->pair.work == &bellring_crowd)
		return last->finish_ns - last->begin_ns;
	return last->finish_ns - result->client.begin_ns;
}

void speed_report(const struct speed_case *c, unsigned round, unsigned turn,
		  struct speed_result *result)
{
	print_head(c, round, "result");
	printf(", \"turn\": %u, \"ns\": %" PRIu64, turn, speed_elapsed_ns(c, result));
	print_line(&c->pair, result->line_ns);
	print_side("client", &result->client);
	print_side("server", &result->server);
	if (c->pair.work == &bellring_steps)
		print_steps(result);
	else if (c->pair.work == &bellring_crowd)
		print_each(result, c->pair.clients);
	else if (result->samples > 0)
		print_samples(result->sample, result->samples);
	printf("}\n");
	fflush(stdout);
}

static uint64_t count_samples(const struct speed_result *results, size_t stride,
			      unsigned turns)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < turns; i++)
		count += results[i * stride].samples;
	return count;
}

/* From the nearest that the two cores were to the furthest. */
static void widen(uint64_t line_ns[2], const struct speed_result *turn)
{
	for (unsigned i = 0; i < 2; i++) {
		if (turn->line_ns[i] < line_ns[0])
			line_ns[0] = turn->line_ns[i];
		if (turn->line_ns[i] > line_ns[1])
			line_ns[1] = turn->line_ns[i];
	}
}

void speed_report_round(const struct speed_case *c, unsigned round,
			const struct speed_result *results, size_t stride, unsigned turns)
{
	uint64_t line_ns[2] = { UINT64_MAX, 0 };
	uint64_t all = count_samples(results, stride, turns), n = 0, *sample;

	sample = all > 0 ? malloc((size_t)all * sizeof(*sample)) : NULL;
	if (!sample)
		return;
	for (unsigned i = 0; i < turns; i++) {
		const struct speed_result *turn = &results[i * stride];

		memcpy(sample + n, turn->sample, (size_t)turn->samples * sizeof(*sample));
		n += turn->samples;
		widen(line_ns, turn);
	}
	print_head(c, round, "round");
	print_line(&c->pair, line_ns);
	print_samples(sample, all);
	printf("}\n");
	fflush(stdout);
	free(sample);
}

void speed_report_failed(const struct speed_case *c, unsigned round)
{
	print_head(c, round, "failed");
	printf("}\n");
	fflush(stdout);
}

void speed_report_run(const struct speed_options *options)
{
	const char *comma = "";

	printf("{\"type\": \"run\", \"rounds\": %u, \"ms\": %u, \"pinned\": %s, "
	       "\"missing\": {", options->rounds, options->ms,
	       options->pin ? "true" : "false");
	for (const struct rival *const *r = rivals; *r; r++) {
		if ((*r)->open)
			continue;
		printf("%s\"%s\": \"%s\"", comma, (*r)->name,
		       (*r)->package ? (*r)->package : "");
		comma = ", ";
	}
	printf("}}\n");
	fflush(stdout);
}
