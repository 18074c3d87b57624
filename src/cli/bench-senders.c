/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several processes send to this one as fast as it goes. What counts is what comes
 * while all of them send: each goes on a little longer than we look at the clock.
 */
#include "bench.h"
#include "cli.h"
#include "sys.h"

#include <string.h>

#define LONGER_MS 20
#define LOOK 32u /* messages between two looks at the clock */

struct crowd {
	struct bench_link l; /* its peer is another one all the time */
	const struct bench_crew *crew;
	struct bench_run *run;
	size_t count;
	uint64_t next[BENCH_SENDERS_MAX]; /* number of each one's next message */
	uint64_t ms;
	uint32_t first;   /* number of the first one's request */
	size_t through;   /* that have sent their last */
	struct bench_reply sum;
};

/* A single sender's share of a core gets smaller, but is to be as exact. */
static uint64_t window_ms(const struct bench_run *run)
{
	return run->count * (run->senders > 4 ? run->senders / 4 : 1);
}

static int ask_all(struct crowd *c)
{
	struct bench_request q = { .op = BENCH_SOURCE,
				   .wait = (uint16_t)c->run->wait,
				   .size = c->run->size,
				   .count = c->ms + LONGER_MS };
	int rc = CLI_DONE;
	size_t i;

	c->first = c->l.number + 1;
	for (i = 0; i < c->count && rc == CLI_DONE; i++) {
		c->l.peer = c->crew->peer[i];
		c->next[i] = BENCH_SOURCE_NUMBER(i);
		q.batch = (uint16_t)i;
		rc = bench_ask(&c->l, &q);
	}
	return rc;
}

static int start_all(struct crowd *c)
{
	int rc = 0;
	size_t i;

	for (i = 0; i < c->count && rc == 0; i++) {
		c->l.peer = c->crew->peer[i];
		rc = bench_post(&c->l, c->run->size);
	}
	return rc < 0 ? bench_failed(&c->l, rc, "message to") : CLI_DONE;
}

static int take_data(struct crowd *c, uint32_t peer, int64_t n)
{
	uint64_t number;
	size_t i;

	if (n < (int64_t)sizeof(number))
		return CLI_DONE;
	memcpy(&number, c->l.buf, sizeof(number));
	i = (size_t)(number >> 48);
	if (i >= c->count || c->crew->peer[i] != peer)
		return CLI_DONE; /* from somebody else */
	if (n != c->run->size || number != c->next[i])
		return cli_error("bench: senders: a message was lost, or another one");
	c->next[i]++;
	return CLI_DONE;
}

static int take_reply(struct crowd *c, int64_t n)
{
	struct bench_reply reply;

	if (!bench_get_reply(c->l.buf, (size_t)n, &reply) ||
	    reply.number - c->first >= c->count)
		return CLI_DONE;
	if (reply.status != BENCH_DONE)
		return cli_error("bench: senders: one of them failed");
	c->through++;
	c->sum.cpu_ns += reply.cpu_ns;
	c->sum.doorbells += reply.doorbells;
	c->sum.messages += reply.messages;
	return CLI_DONE;
}

/* One message, whoever sent it. */
static int take(struct crowd *c)
{
	struct bell_envelope env;
	int64_t n = bench_recv(&c->l, &env);

	if (n < 0)
		return bench_failed(&c->l, (int)n, "awaiting a message of");
	if (env.tag == BENCH_TAG_DATA)
		return take_data(c, env.peer, n);
	return env.tag == BENCH_TAG_REPLY ? take_reply(c, n) : CLI_DONE;
}

static void put_rates(const struct crowd *c, double seconds)
{
	double rate, least = 0, sum = 0;
	size_t i;

	for (i = 0; i < c->count; i++) {
		rate = (double)(c->next[i] - BENCH_SOURCE_NUMBER(i)) / seconds;
		sum += rate;
		if (i == 0 || rate < least)
			least = rate;
	}
	bench_put(c->run, BENCH_RATE, sum);
	bench_put(c->run, BENCH_LEAST, least);
	bench_put(c->run, BENCH_MEAN, sum / (double)c->count);
}

static int take_all(struct crowd *c)
{
	uint64_t begin_ns = sys_now_ns(), now_ns = begin_ns;
	uint64_t end_ns = begin_ns + c->ms * SYS_NS_PER_MS, n = 0;
	int rc = CLI_DONE;

	while (rc == CLI_DONE && now_ns < end_ns) {
		rc = take(c);
		if (++n % LOOK == 0)
			now_ns = sys_now_ns();
	}
	put_rates(c, (double)(now_ns - begin_ns) / 1e9);
	while (rc == CLI_DONE && c->through < c->count)
		rc = take(c);
	return rc;
}

int bench_senders_round(struct bench *b, struct bench_run *run, bool discard)
{
	struct crowd c = { .l = b->link, .crew = &b->crew, .run = run,
			   .count = run->senders, .ms = window_ms(run) };
	struct bench_usage u = { 0 };
	int rc = ask_all(&c);

	(void)discard;
	if (rc == CLI_DONE) {
		bell_set_wait(c.l.s->bus, run->wait);
		bench_usage_begin(&c.l, &u);
		rc = start_all(&c);
		if (rc == CLI_DONE)
			rc = take_all(&c);
		bench_usage_end(&c.l, &u);
		bell_set_wait(c.l.s->bus, BELL_INTERRUPT);
	}
	b->link.number = c.l.number;
	if (rc == CLI_DONE)
		bench_put_cost(run, &u, &c.sum, c.sum.messages);
	return rc;
}
