/* SPDX-License-Identifier: BSD-2-Clause */
/* The serving side asleep in bell_recv(). */
#include "bench.h"
#include "cli.h"
#include "sys.h"

/* The reply comes at the end; it stays queued. */
static int sleep_beside(struct bench_link *l, int ms)
{
	uint64_t deadline = sys_deadline(ms);
	int rc;

	while (sys_left_ms(deadline) > 0 && !sys_stopped()) {
		if (sys_wait(bell_handle(l->s->peer), sys_left_ms(deadline)) < 0)
			return CLI_FAILED;
		rc = bell_dispatch(l->s->peer);
		if (rc < 0)
			return bench_failed(l, rc, "idling beside");
	}
	return CLI_DONE;
}

int bench_idle_round(struct bench *b, struct bench_run *run, bool discard)
{
	struct bench_request q = { .op = BENCH_IDLE, .wait = (uint16_t)run->wait,
				   .count = run->count };
	struct bench_reply reply;
	int rc = bench_ask(&b->link, &q);

	(void)discard;
	if (rc == CLI_DONE)
		rc = sleep_beside(&b->link, (int)run->count);
	if (rc == CLI_DONE)
		rc = bench_await_done(&b->link, &reply);
	if (rc != CLI_DONE)
		return rc;
	bench_put(run, BENCH_SECONDS, (double)run->count / 1e3);
	bench_put(run, BENCH_SHARE,
		  (double)reply.cpu_ns / 1e4 / (double)run->count);
	bench_put(run, BENCH_CPU_MS, (double)reply.cpu_ns / 1e6);
	bench_put(run, BENCH_WAKES, (double)reply.wakes);
	return CLI_DONE;
}
