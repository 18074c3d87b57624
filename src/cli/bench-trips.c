/* SPDX-License-Identifier: BSD-2-Clause */
/* Round trips, with the library and without. */
#include "bench.h"
#include "cli.h"
#include "sys.h"

#include <string.h>

static uint64_t warmup_of(uint64_t count)
{
	return count / 10 + 50;
}

/* One round trip: number index there and back, its contents checked. */
static int trip(struct bench_link *l, uint32_t size, uint64_t index)
{
	uint64_t got;
	int64_t n;

	memcpy(l->buf, &index, sizeof(index));
	n = bench_post(l, size);
	if (n == 0)
		n = bench_next(l, BENCH_TAG_DATA);
	if (n < 0)
		return bench_failed(l, (int)n, "round trip to");
	memcpy(&got, l->buf, sizeof(got));
	if (n != size || got != index)
		return cli_error("bench: message %llu came back as another one",
				 (unsigned long long)index);
	return CLI_DONE;
}

static int run_trips(struct bench_link *l, struct bench_run *run,
		     const struct bench_request *q, struct bench_usage *u)
{
	uint64_t i, now_ns, last_ns = sys_now_ns();
	int rc;

	for (i = 0; i < q->warmup + q->count; i++) {
		if (i == q->warmup) {
			bench_usage_begin(l, u);
			last_ns = sys_now_ns();
		}
		rc = trip(l, run->size, i);
		if (rc != CLI_DONE)
			return rc;
		/* One look at the clock a trip, as in bench-bare.h. */
		now_ns = sys_now_ns();
		if (i >= q->warmup)
			series_add(&run->series, now_ns - last_ns);
		last_ns = now_ns;
	}
	bench_usage_end(l, u);
	return CLI_DONE;
}

int bench_trips_round(struct bench *b, struct bench_run *run, bool discard)
{
	struct bench_link *l = &b->link;
	struct bench_request q = { .op = BENCH_ECHO, .wait = (uint16_t)run->wait,
				   .size = run->size };
	struct bench_reply reply;
	struct bench_usage u = { 0 };
	int rc;

	q.count = discard ? run->count / 10 + 1 : run->count;
	q.warmup = warmup_of(run->size > 65536 ? 0 : q.count);
	rc = bench_ask(l, &q);
	if (rc != CLI_DONE)
		return rc;
	memset(l->buf, 0x5a, run->size);
	bell_set_wait(l->s->bus, run->wait);
	rc = run_trips(l, run, &q, &u);
	bell_set_wait(l->s->bus, BELL_INTERRUPT);
	if (rc == CLI_DONE)
		rc = bench_await_done(l, &reply);
	if (rc == CLI_DONE) /* a trip is two messages */
		bench_put_cost(run, &u, &reply, 2 * q.count);
	return rc;
}

int bench_bare_trips_round(struct bench *b, struct bench_run *run, bool discard)
{
	uint64_t count = discard ? run->count / 10 + 1 : run->count, cpu_ns = 0;
	int rc = bench_bare_round((enum bare_kind)run->kind, warmup_of(count),
				  count, b->pinned, &run->series, &cpu_ns);

	bench_put(run, BENCH_CPU, (double)cpu_ns / 1e3 / (double)(2 * count));
	return rc;
}
