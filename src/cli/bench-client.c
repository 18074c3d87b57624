/* SPDX-License-Identifier: BSD-2-Clause */
/* The measuring side's half of the conversation. */
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

int bench_failed(const struct bench_link *l, int code, const char *what)
{
	char label[SESSION_LABEL];

	if (sys_stopped())
		return cli_error("bench: interrupted");
	return cli_fail(code, "bench: %s %s", what,
			session_label(l->s, l->peer, label));
}

/* A status that is not what was awaited, told. */
static int say_status(const struct bench_link *l, unsigned status)
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

	return cli_error("bench: %s %s", session_label(l->s, l->peer, label),
			 text[status <= BENCH_BROKEN ? status : 0]);
}

static int await_reply(struct bench_link *l, enum bench_status want,
		       struct bench_reply *reply)
{
	int64_t n;

	do {
		n = bench_next(l, BENCH_TAG_REPLY);
		if (n < 0)
			return bench_failed(l, (int)n, "awaiting a reply of");
	} while (!bench_get_reply(l->buf, (size_t)n, reply) ||
		 reply->number != l->number);
	return reply->status == want ? CLI_DONE : say_status(l, reply->status);
}

int bench_await_done(struct bench_link *l, struct bench_reply *reply)
{
	return await_reply(l, BENCH_DONE, reply);
}

int bench_try_ask(struct bench_link *l, struct bench_request *q, int *code)
{
	struct bell_envelope env = { .peer = l->peer, .tag = BENCH_TAG_REQUEST };
	unsigned char buf[BENCH_REQUEST_SIZE];
	struct bench_reply reply;

	q->number = ++l->number;
	bench_put_request(buf, q);
	*code = session_post(l->s, &env, buf, sizeof(buf), BENCH_SILENCE_MS);
	return *code < 0 ? CLI_DONE : await_reply(l, BENCH_READY, &reply);
}

int bench_ask(struct bench_link *l, struct bench_request *q)
{
	int code, rc = bench_try_ask(l, q, &code);

	return code < 0 ? bench_failed(l, code, "request to") : rc;
}

/* The serving side of another version has answered so. */
static int check_version(const struct bench_link *l,
			 const struct bench_reply *reply)
{
	char label[SESSION_LABEL];

	if (reply->version == BENCH_WIRE_VERSION)
		return CLI_DONE;
	return cli_error("bench: %s serves bench's version %u, which is %s, and this is "
			 "version %u: install the same Bellring on both sides",
			 session_label(l->s, l->peer, label),
			 (unsigned)reply->version,
			 reply->version < BENCH_WIRE_VERSION ? "older" : "newer",
			 BENCH_WIRE_VERSION);
}

int bench_hello(struct bench_link *l, int *code)
{
	struct bench_request q = { .op = BENCH_HELLO };
	struct bench_reply reply = { 0 };
	int rc = bench_try_ask(l, &q, code);

	if (*code < 0 || rc != CLI_DONE)
		return rc;
	rc = bench_await_done(l, &reply);
	return rc == CLI_DONE ? check_version(l, &reply) : rc;
}

int bench_bye(struct bench_link *l)
{
	struct bench_request q = { .op = BENCH_BYE };
	struct bench_reply reply;
	int rc = bench_ask(l, &q);

	return rc == CLI_DONE ? bench_await_done(l, &reply) : rc;
}

void bench_usage_begin(const struct bench_link *l, struct bench_usage *u)
{
	struct bell_stats now;

	bell_get_stats(l->s->bus, &now);
	u->doorbells = now.doorbells;
	u->cpu_ns = sys_cpu_ns();
}

void bench_usage_end(const struct bench_link *l, struct bench_usage *u)
{
	uint64_t cpu_ns = sys_cpu_ns();
	struct bell_stats now;

	bell_get_stats(l->s->bus, &now);
	u->cpu_ns = cpu_ns - u->cpu_ns;
	u->doorbells = now.doorbells - u->doorbells;
}

void bench_put_cost(struct bench_run *run, const struct bench_usage *u,
		    const struct bench_reply *reply, uint64_t messages)
{
	bench_put(run, BENCH_CPU,
		  (double)(u->cpu_ns + reply->cpu_ns) / 1e3 / (double)messages);
	bench_put(run, BENCH_DOORBELLS,
		  (double)(u->doorbells + reply->doorbells) / (double)messages);
}
