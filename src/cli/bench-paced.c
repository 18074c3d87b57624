/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message every so many microseconds, whether the last one is answered or not. Only
 * the receiver waits as the mode says; the sender spins for the time and for answers,
 * which makes it exact, and its own waiting no part of what is measured. A message's
 * time counts from when it was due: one that a stall delays is not left out.
 */
#include "bench.h"
#include "bench-spin.h"
#include "cli.h"

#include <string.h>

struct pace {
	struct bench_link *l;
	struct bench_run *run;
	uint64_t begin_ns, every_ns;
	uint64_t warmup, total; /* messages; total: with the warm-up */
	uint64_t answered;
	uint64_t took_ns; /* without the warm-up */
};

static int take(struct pace *p, int64_t n)
{
	uint64_t got, now_ns = sys_now_ns();

	memcpy(&got, p->l->buf, sizeof(got));
	if (n != p->run->size || got != p->answered)
		return cli_error("bench: message %llu was answered by another one",
				 (unsigned long long)p->answered);
	p->answered++;
	if (got >= p->warmup)
		series_add(&p->run->series,
			   now_ns - (p->begin_ns + got * p->every_ns));
	return CLI_DONE;
}

/* All answers that are there; behind the last one comes the reply, which stays. */
static int take_all(struct pace *p)
{
	struct bell_envelope env;
	int64_t n;
	int rc = CLI_DONE;

	while (rc == CLI_DONE && p->answered < p->total) {
		n = bell_recv(p->l->s->bus, p->l->buf, p->l->size, &env, 0);
		if (n == -BELL_EAGAIN || n == -BELL_EINTR)
			break;
		if (n < 0)
			return bench_failed(p->l, (int)n, "awaiting an answer of");
		if (env.peer == p->l->peer && env.tag == BENCH_TAG_DATA)
			rc = take(p, n);
	}
	return rc;
}

static int post(struct pace *p, uint64_t index)
{
	struct bell_envelope env = { .peer = p->l->peer, .tag = BENCH_TAG_DATA };
	struct bench_spin spin = { 0 };
	int code, rc = CLI_DONE;

	do {
		memcpy(p->l->buf, &index, sizeof(index));
		code = bell_post(p->l->s->bus, &env, p->l->buf, p->run->size, 0);
		if (code == -BELL_EAGAIN) /* or both would wait for space */
			rc = take_all(p);
	} while (code == -BELL_EAGAIN && rc == CLI_DONE && bench_spin(&spin));
	return code < 0 && rc == CLI_DONE ? bench_failed(p->l, code, "message to") :
					    rc;
}

static int await_answers(struct pace *p)
{
	struct bench_spin spin = { 0 };
	uint64_t before = p->answered;
	int rc = CLI_DONE;

	while (rc == CLI_DONE && p->answered < p->total) {
		rc = take_all(p);
		if (p->answered > before)
			spin = (struct bench_spin){ 0 };
		before = p->answered;
		if (rc == CLI_DONE && !bench_spin(&spin))
			return bench_failed(p->l, -BELL_EAGAIN,
					    "awaiting an answer of");
	}
	return rc;
}

static int run_pace(struct pace *p, struct bench_usage *u)
{
	uint64_t i;
	int rc = CLI_DONE;

	p->begin_ns = sys_now_ns();
	for (i = 0; i < p->total && rc == CLI_DONE; i++) {
		if (i == p->warmup)
			bench_usage_begin(p->l, u);
		while (sys_now_ns() < p->begin_ns + i * p->every_ns &&
		       rc == CLI_DONE)
			rc = take_all(p);
		if (rc == CLI_DONE)
			rc = sys_stopped() ? bench_failed(p->l, 0, "") : post(p, i);
	}
	if (rc == CLI_DONE)
		rc = await_answers(p);
	bench_usage_end(p->l, u);
	/* The receiver's CPU counts from its last answer of the warm-up on. */
	p->took_ns = sys_now_ns() - p->begin_ns - (p->warmup - 1) * p->every_ns;
	return rc;
}

static void put_figures(const struct pace *p, struct bench_usage *u,
			const struct bench_reply *reply)
{
	u->cpu_ns = 0; /* our spinning is not the load's */
	bench_put_cost(p->run, u, reply, p->total - p->warmup);
	bench_put(p->run, BENCH_SHARE,
		  100 * (double)reply->cpu_ns / (double)p->took_ns);
}

int bench_paced_round(struct bench *b, struct bench_run *run, bool discard)
{
	struct bench_request q = { .op = BENCH_ECHO, .wait = (uint16_t)run->wait,
				   .size = run->size };
	struct pace p = { .l = &b->link, .run = run,
			  .every_ns = (uint64_t)run->every_us * 1000 };
	struct bench_reply reply;
	struct bench_usage u = { 0 };
	int rc;

	q.count = discard ? run->count / 10 + 1 : run->count;
	q.warmup = q.count / 10 + 5;
	p.warmup = q.warmup;
	p.total = q.warmup + q.count;
	rc = bench_ask(p.l, &q);
	if (rc != CLI_DONE)
		return rc;
	bell_set_wait(p.l->s->bus, BELL_POLL);
	rc = run_pace(&p, &u);
	bell_set_wait(p.l->s->bus, BELL_INTERRUPT);
	if (rc == CLI_DONE)
		rc = bench_await_done(p.l, &reply);
	if (rc == CLI_DONE)
		put_figures(&p, &u, &reply);
	return rc;
}
