/* SPDX-License-Identifier: BSD-2-Clause */
/* The measuring side of bellring bench. */
#include "bench.h"
#include "cli.h"
#include "sys.h"

#include <stdlib.h>
#include <string.h>

#define SLICE_MS 1000 /* how long a signal may have to wait */

int bench_link_init(struct bench_link *l, struct session *s, size_t largest)
{
	*l = (struct bench_link){ .s = s, .peer = UINT32_MAX };
	l->size = largest > BENCH_REPLY_SIZE ? largest : BENCH_REPLY_SIZE;
	l->buf = malloc(l->size);
	return l->buf ? CLI_DONE : cli_no_memory();
}

void bench_link_done(struct bench_link *l)
{
	free(l->buf);
	l->buf = NULL;
}

int64_t bench_recv(struct bench_link *l, struct bell_envelope *env)
{
	int64_t n;
	int left_ms;

	for (left_ms = BENCH_SILENCE_MS; left_ms > 0; left_ms -= SLICE_MS) {
		n = bell_recv(l->s->bus, l->buf, l->size, env, SLICE_MS);
		/* SIGCONT interrupts too: signal(7). */
		if ((n != -BELL_EAGAIN && n != -BELL_EINTR) || sys_stopped())
			return n;
	}
	return -BELL_EAGAIN;
}

int bench_post(struct bench_link *l, uint32_t size)
{
	struct bell_envelope env = { .peer = l->peer, .tag = BENCH_TAG_DATA };
	int rc = bell_post(l->s->bus, &env, l->buf, size, 0);

	if (rc == -BELL_EAGAIN)
		rc = session_post(l->s, &env, l->buf, size, BENCH_SILENCE_MS);
	return rc;
}

/* A failed call in a measurement, told; a signal is no riddle. */
static int failed(const struct bench_link *l, int code, const char *what)
{
	char label[SESSION_LABEL];

	if (sys_stopped())
		return cli_error("bench: interrupted");
	return cli_fail(code, "bench: %s %s", what,
			session_label(l->s, l->peer, label));
}

/* The next message of the other end with that tag; all others are dropped. */
static int64_t next(struct bench_link *l, uint16_t tag)
{
	struct bell_envelope env;
	int64_t n;

	do
		n = bench_recv(l, &env);
	while (n >= 0 && (env.peer != l->peer || env.tag != tag));
	return n;
}

static int await_reply(struct bench_link *l, enum bench_status want,
		       struct bench_reply *reply)
{
	static const char *const text[] = {
		[0] = "sent a reply of no known kind",
		[BENCH_READY] = "was ready twice",
		[BENCH_DONE] = "was through too early",
		[BENCH_BUSY] = "serves another bellring bench",
		[BENCH_REFUSED] = "refused the measurement",
		[BENCH_BROKEN] = "got a message that was wrong, missing or late",
	};
	char label[SESSION_LABEL];
	unsigned status;
	int64_t n;

	do {
		n = next(l, BENCH_TAG_REPLY);
		if (n < 0)
			return failed(l, (int)n, "awaiting a reply of");
	} while (!bench_get_reply(l->buf, (size_t)n, reply) ||
		 reply->number != l->number);
	status = reply->status;
	if (status == (unsigned)want)
		return CLI_DONE;
	return cli_error("bench: %s %s", session_label(l->s, l->peer, label),
			 text[status <= BENCH_BROKEN ? status : 0]);
}

/* Sends the request and waits until the other side is ready for it. */
static int request(struct bench_link *l, struct bench_request *q)
{
	struct bell_envelope env = { .peer = l->peer, .tag = BENCH_TAG_REQUEST };
	unsigned char buf[BENCH_REQUEST_SIZE];
	struct bench_reply reply;
	int rc;

	q->number = ++l->number;
	bench_put_request(buf, q);
	rc = session_post(l->s, &env, buf, sizeof(buf), BENCH_SILENCE_MS);
	if (rc < 0)
		return failed(l, rc, "request to");
	return await_reply(l, BENCH_READY, &reply);
}

/* A request without work for us. */
static int exchange(struct bench_link *l, struct bench_request *q,
		    struct bench_reply *reply)
{
	int rc = request(l, q);

	return rc == CLI_DONE ? await_reply(l, BENCH_DONE, reply) : rc;
}

int bench_hello(struct bench_link *l)
{
	struct bench_request q = { .op = BENCH_HELLO };
	struct bench_reply reply;

	return exchange(l, &q, &reply);
}

int bench_bye(struct bench_link *l)
{
	struct bench_request q = { .op = BENCH_BYE };
	struct bench_reply reply;

	return exchange(l, &q, &reply);
}

/* What this side used, to which the other's reply is added. */
struct usage {
	uint64_t cpu_ns;
	struct bell_stats stats;
};

static void usage_begin(const struct bench_link *l, struct usage *u)
{
	bell_get_stats(l->s->bus, &u->stats);
	u->cpu_ns = sys_cpu_ns();
}

/* The cost so far, before the waiting for the reply. */
static void usage_end(const struct bench_link *l, struct usage *u)
{
	uint64_t cpu_ns = sys_cpu_ns();
	struct bell_stats now;

	bell_get_stats(l->s->bus, &now);
	u->cpu_ns = cpu_ns - u->cpu_ns;
	u->stats.doorbells = now.doorbells - u->stats.doorbells;
}

static void add_cost(struct bench_cost *cost, const struct usage *u,
		     const struct bench_reply *reply, uint64_t messages)
{
	cost->cpu_ns += u->cpu_ns + reply->cpu_ns;
	cost->doorbells += u->stats.doorbells + reply->doorbells;
	cost->messages += messages;
}

/* One round trip: number index there and back, its contents checked. */
static int trip(struct bench_link *l, uint32_t size, uint64_t index)
{
	uint64_t got;
	int64_t n;

	memcpy(l->buf, &index, sizeof(index));
	n = bench_post(l, size);
	if (n == 0)
		n = next(l, BENCH_TAG_DATA);
	if (n < 0)
		return failed(l, (int)n, "round trip to");
	memcpy(&got, l->buf, sizeof(got));
	if (n != size || got != index)
		return cli_error("bench: message %llu came back as another one",
				 (unsigned long long)index);
	return CLI_DONE;
}

static int run_trips(struct bench_link *l, struct bench_trips *t,
		     const struct bench_request *q, struct usage *u)
{
	uint64_t i, now_ns, last_ns = sys_now_ns();
	int rc;

	for (i = 0; i < q->warmup + q->count; i++) {
		if (i == q->warmup) {
			usage_begin(l, u);
			last_ns = sys_now_ns();
		}
		rc = trip(l, t->size, i);
		if (rc != CLI_DONE)
			return rc;
		/* One look at the clock a trip, as in bench-bare.h. */
		now_ns = sys_now_ns();
		if (i >= q->warmup)
			series_add(&t->series, now_ns - last_ns);
		last_ns = now_ns;
	}
	usage_end(l, u);
	return CLI_DONE;
}

int bench_trips_round(struct bench_link *l, struct bench_trips *t,
		      uint64_t count, bool discard)
{
	struct bench_request q = { .op = BENCH_ECHO, .wait = (uint16_t)t->wait,
				   .size = t->size, .count = count,
				   .warmup = count / 10 + 50 };
	struct bench_reply reply;
	struct usage u = { 0 };
	int rc = request(l, &q);

	if (rc != CLI_DONE)
		return rc;
	memset(l->buf, 0x5a, t->size);
	bell_set_wait(l->s->bus, t->wait);
	rc = run_trips(l, t, &q, &u);
	bell_set_wait(l->s->bus, BELL_INTERRUPT);
	if (rc == CLI_DONE)
		rc = await_reply(l, BENCH_DONE, &reply);
	if (rc != CLI_DONE)
		return rc;
	series_round(&t->series, discard);
	if (!discard) /* a trip is two messages */
		add_cost(&t->cost, &u, &reply, 2 * count);
	return CLI_DONE;
}

static int pour(struct bench_link *l, const struct bench_flow *f)
{
	uint64_t i;
	int rc;

	for (i = 0; i < f->count; i++) {
		bench_fill(l->buf, f->size, i);
		rc = bench_post(l, f->size);
		if (rc < 0 || sys_stopped())
			return failed(l, rc, "message to");
	}
	return CLI_DONE;
}

int bench_flow_round(struct bench_link *l, struct bench_flow *f, bool discard)
{
	struct bench_request q = { .op = BENCH_SINK, .wait = (uint16_t)f->wait,
				   .size = f->size, .count = f->count };
	struct bench_reply reply;
	struct usage u = { 0 };
	uint64_t begin_ns;
	int rc = request(l, &q);

	if (rc != CLI_DONE)
		return rc;
	bell_set_wait(l->s->bus, f->wait);
	usage_begin(l, &u);
	begin_ns = sys_now_ns();
	rc = pour(l, f);
	usage_end(l, &u);
	if (rc == CLI_DONE) /* comes when the last one was checked */
		rc = await_reply(l, BENCH_DONE, &reply);
	bell_set_wait(l->s->bus, BELL_INTERRUPT);
	if (rc != CLI_DONE || discard)
		return rc;
	f->seconds[f->rounds++] = (double)(sys_now_ns() - begin_ns) / 1e9;
	add_cost(&f->cost, &u, &reply, f->count);
	return CLI_DONE;
}

int bench_idle_once(struct bench_link *l, struct bench_idle *i)
{
	struct bench_request q = { .op = BENCH_IDLE, .wait = (uint16_t)i->wait,
				   .count = i->ms };
	struct bench_reply reply;
	uint64_t deadline;
	int rc = request(l, &q);

	if (rc != CLI_DONE)
		return rc;
	deadline = sys_deadline((int)i->ms);
	/* The reply comes about then; it stays queued. */
	while (sys_left_ms(deadline) > 0 && !sys_stopped()) {
		if (sys_wait(bell_handle(l->s->peer), sys_left_ms(deadline)) < 0)
			return CLI_FAILED;
		rc = bell_dispatch(l->s->peer);
		if (rc < 0)
			return failed(l, rc, "idling beside");
	}
	rc = await_reply(l, BENCH_DONE, &reply);
	if (rc != CLI_DONE)
		return rc;
	i->cpu_ns = reply.cpu_ns;
	i->wakes = reply.wakes;
	return CLI_DONE;
}
