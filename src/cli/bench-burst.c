/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many messages at once, then a pause: how long until the last of them is answered?
 * In the pause both sides wait as the mode says, and so may fall asleep.
 */
#include "bench.h"
#include "cli.h"
#include "sys.h"

#include <string.h>

#define PAUSE_MS 1
#define WARMUP 5 /* bursts */

static int pause_once(struct bench_link *l)
{
	struct bell_envelope env;
	int64_t n = bell_recv(l->s->bus, l->buf, l->size, &env, PAUSE_MS);

	/* What comes now is nobody's answer. */
	if (n < 0 && n != -BELL_EAGAIN && n != -BELL_EINTR)
		return bench_failed(l, (int)n, "pausing beside");
	return sys_stopped() ? bench_failed(l, 0, "") : CLI_DONE;
}

static int burst(struct bench_link *l, const struct bench_run *run, uint64_t index)
{
	uint64_t number = index * run->batch, got;
	uint32_t i;
	int64_t n = 0;

	for (i = 0; i < run->batch && n == 0; i++, number++) {
		memcpy(l->buf, &number, sizeof(number));
		n = bench_post(l, run->size);
	}
	if (n == 0)
		n = bench_next(l, BENCH_TAG_DATA);
	if (n < 0)
		return bench_failed(l, (int)n, "burst to");
	memcpy(&got, l->buf, sizeof(got));
	if (n != run->size || got != number - 1)
		return cli_error("bench: another message was answered than the "
				 "burst's last");
	return CLI_DONE;
}

static int run_bursts(struct bench_link *l, struct bench_run *run,
		      const struct bench_request *q, struct bench_usage *u)
{
	uint64_t i, begin_ns;
	int rc = CLI_DONE;

	for (i = 0; i < q->warmup + q->count && rc == CLI_DONE; i++) {
		if (i == q->warmup)
			bench_usage_begin(l, u);
		rc = pause_once(l);
		begin_ns = sys_now_ns();
		if (rc == CLI_DONE)
			rc = burst(l, run, i);
		if (i >= q->warmup)
			series_add(&run->series, sys_now_ns() - begin_ns);
	}
	bench_usage_end(l, u);
	return rc;
}

int bench_burst_round(struct bench *b, struct bench_run *run, bool discard)
{
	struct bench_link *l = &b->link;
	struct bench_request q = { .op = BENCH_BURST, .wait = (uint16_t)run->wait,
				   .size = run->size, .warmup = WARMUP,
				   .batch = (uint16_t)run->batch };
	struct bench_reply reply;
	struct bench_usage u = { 0 };
	int rc;

	q.count = discard ? run->count / 10 + 1 : run->count;
	rc = bench_ask(l, &q);
	if (rc != CLI_DONE)
		return rc;
	bell_set_wait(l->s->bus, run->wait);
	rc = run_bursts(l, run, &q, &u);
	bell_set_wait(l->s->bus, BELL_INTERRUPT);
	if (rc == CLI_DONE)
		rc = bench_await_done(l, &reply);
	if (rc == CLI_DONE)
		bench_put_cost(run, &u, &reply, q.count * (run->batch + 1));
	return rc;
}
