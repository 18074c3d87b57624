/* SPDX-License-Identifier: BSD-2-Clause */
/* One way, as fast as it goes, and the copy that is its limit. */
#include "bench.h"
#include "bench-copy.h"
#include "cli.h"
#include "sys.h"

#include <string.h>

#define GIB (1024.0 * 1024.0 * 1024.0)

/* Once, while it warms up, every byte is another one and is checked. */
static int pour_checked(struct bench_link *l, const struct bench_run *run)
{
	uint64_t i;
	int rc;

	for (i = 0; i < run->count; i++) {
		bench_fill(l->buf, run->size, i);
		rc = bench_post(l, run->size);
		if (rc < 0 || sys_stopped())
			return bench_failed(l, rc, "message to");
	}
	return CLI_DONE;
}

/* As the copy: the same bytes again and again, but each message has its number. */
static int pour(struct bench_link *l, const struct bench_run *run)
{
	uint64_t i;
	int rc;

	for (i = 0; i < run->count; i++) {
		memcpy(l->buf, &i, sizeof(i));
		rc = bench_post(l, run->size);
		if (rc < 0 || sys_stopped())
			return bench_failed(l, rc, "message to");
	}
	return CLI_DONE;
}

static void put_rate(struct bench_run *run, double seconds)
{
	double rate = seconds > 0 ? (double)run->count / seconds : 0;

	bench_put(run, BENCH_RATE, rate);
	bench_put(run, BENCH_GIB, rate * run->size / GIB);
}

int bench_stream_round(struct bench *b, struct bench_run *run, bool discard)
{
	struct bench_link *l = &b->link;
	struct bench_request q = { .op = BENCH_SINK, .wait = (uint16_t)run->wait,
				   .size = run->size, .count = run->count,
				   .check = discard };
	struct bench_reply reply;
	struct bench_usage u = { 0 };
	uint64_t begin_ns;
	int rc = bench_ask(l, &q);

	if (rc != CLI_DONE)
		return rc;
	memset(l->buf, 0x5a, run->size);
	bell_set_wait(l->s->bus, run->wait);
	bench_usage_begin(l, &u);
	begin_ns = sys_now_ns();
	rc = discard ? pour_checked(l, run) : pour(l, run);
	bench_usage_end(l, &u);
	if (rc == CLI_DONE) /* comes when the last one was taken */
		rc = bench_await_done(l, &reply);
	put_rate(run, (double)(sys_now_ns() - begin_ns) / 1e9);
	bell_set_wait(l->s->bus, BELL_INTERRUPT);
	if (rc == CLI_DONE)
		bench_put_cost(run, &u, &reply, run->count);
	return rc;
}

int bench_copy_round(struct bench *b, struct bench_run *run, bool discard)
{
	double seconds = 0;
	int rc = bench_copy(run->size, run->count, b->pinned, &seconds);

	(void)discard;
	put_rate(run, seconds);
	return rc;
}
