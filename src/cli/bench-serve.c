/* SPDX-License-Identifier: BSD-2-Clause */
/* The serving side of bellring bench: does what the measuring side requests. */
#include "bench.h"
#include "cli.h"
#include "sys.h"

#include <stdlib.h>
#include <string.h>

/* More than any measurement wants; a request beyond is refused. */
#define COUNT_MAX UINT64_C(100000000)
#define TIME_MAX_MS 600000u
/* Messages of a source between two looks at the clock. */
#define SOURCE_LOOK 32u

struct mark {
	uint64_t cpu_ns;
	struct bell_stats stats;
};

static void set_mark(const struct session *s, struct mark *m)
{
	m->cpu_ns = sys_cpu_ns();
	bell_get_stats(s->bus, &m->stats);
}

static void fill_reply(const struct session *s, const struct mark *from,
		       struct bench_reply *reply)
{
	struct mark now;

	set_mark(s, &now);
	reply->cpu_ns = now.cpu_ns - from->cpu_ns;
	reply->doorbells = now.stats.doorbells - from->stats.doorbells;
	reply->messages = now.stats.received - from->stats.received;
	reply->wakes = now.stats.wakes - from->stats.wakes;
}

/* 0 or a library's code; a client that is gone is no failure of ours. */
static int reply_to(struct bench_link *l, uint32_t peer, struct bench_reply *r,
		    enum bench_status status)
{
	struct bell_envelope env = { .peer = peer, .tag = BENCH_TAG_REPLY };
	unsigned char buf[BENCH_REPLY_SIZE];

	r->status = (uint16_t)status;
	if (r->version == 0)
		r->version = BENCH_WIRE_VERSION;
	bench_put_reply(buf, r);
	return session_post(l->s, &env, buf, sizeof(buf), BENCH_SILENCE_MS);
}

/* The next data message, checked for its sender and size; others are told. */
static int64_t next_data(struct bench_link *l, uint32_t size)
{
	struct bell_envelope env;
	struct bench_request request;
	struct bench_reply reply = { 0 };
	int64_t n;

	for (;;) {
		n = bench_recv(l, &env);
		if (n < 0)
			return n;
		if (env.peer == l->peer)
			return env.tag == BENCH_TAG_DATA && n == size ?
				       n : -BELL_EPROTO;
		if (env.tag == BENCH_TAG_REQUEST &&
		    bench_get_request(l->buf, (size_t)n, &request)) {
			reply.number = request.number;
			reply_to(l, env.peer, &reply, BENCH_BUSY);
		}
	}
}

static enum bench_status echo(struct bench_link *l,
			      const struct bench_request *q,
			      struct bench_reply *reply)
{
	struct mark from;
	uint64_t i;

	set_mark(l->s, &from);
	for (i = 0; i < q->warmup + q->count; i++) {
		if (i == q->warmup)
			set_mark(l->s, &from);
		if (next_data(l, q->size) < 0 || bench_post(l, q->size) < 0)
			return BENCH_BROKEN;
	}
	fill_reply(l->s, &from, reply);
	return BENCH_DONE;
}

/* The message has the number that it should have. */
static bool is_number(const unsigned char *msg, uint64_t index)
{
	return memcmp(msg, &index, sizeof(index)) == 0;
}

static enum bench_status sink(struct bench_link *l,
			      const struct bench_request *q,
			      struct bench_reply *reply)
{
	struct mark from;
	uint64_t i;

	set_mark(l->s, &from);
	for (i = 0; i < q->count; i++)
		if (next_data(l, q->size) < 0 ||
		    (q->check ? !bench_check(l->buf, q->size, i) :
				!is_number(l->buf, i)))
			return BENCH_BROKEN;
	fill_reply(l->s, &from, reply);
	return BENCH_DONE;
}

static enum bench_status burst(struct bench_link *l,
			       const struct bench_request *q,
			       struct bench_reply *reply)
{
	struct mark from;
	uint64_t i;
	uint32_t j;

	set_mark(l->s, &from);
	for (i = 0; i < q->warmup + q->count; i++) {
		if (i == q->warmup)
			set_mark(l->s, &from);
		for (j = 0; j < q->batch; j++)
			if (next_data(l, q->size) < 0)
				return BENCH_BROKEN;
		if (bench_post(l, q->size) < 0)
			return BENCH_BROKEN;
	}
	fill_reply(l->s, &from, reply);
	return BENCH_DONE;
}

/* Messages say whose they are and how many of them were before. */
static enum bench_status source(struct bench_link *l,
				const struct bench_request *q,
				struct bench_reply *reply)
{
	uint64_t number = BENCH_SOURCE_NUMBER(q->batch), first = number, deadline;
	struct mark from;

	set_mark(l->s, &from);
	if (next_data(l, q->size) < 0)
		return BENCH_BROKEN;
	deadline = sys_now_ns() + q->count * SYS_NS_PER_MS;
	do {
		memcpy(l->buf, &number, sizeof(number));
		if (bench_post(l, q->size) < 0)
			return BENCH_BROKEN;
		number++;
	} while (number % SOURCE_LOOK != 0 || sys_now_ns() < deadline);
	fill_reply(l->s, &from, reply);
	reply->messages = number - first;
	return BENCH_DONE;
}

static enum bench_status idle(struct bench_link *l,
			      const struct bench_request *q,
			      struct bench_reply *reply)
{
	uint64_t deadline = sys_deadline((int)q->count);
	struct bell_envelope env;
	struct mark from;
	int64_t n;

	set_mark(l->s, &from);
	do {
		n = bell_recv(l->s->bus, l->buf, l->size, &env,
			      sys_left_ms(deadline));
		if (n < 0 && n != -BELL_EAGAIN && n != -BELL_EINTR)
			return BENCH_BROKEN;
	} while (sys_left_ms(deadline) > 0 && !sys_stopped());
	fill_reply(l->s, &from, reply);
	return BENCH_DONE;
}

static enum bench_status nothing(struct bench_link *l,
				 const struct bench_request *q,
				 struct bench_reply *reply)
{
	(void)l, (void)q, (void)reply;
	return BENCH_DONE;
}

/* What can be requested. */
static const struct {
	enum bench_status (*perform)(struct bench_link *l,
				     const struct bench_request *q,
				     struct bench_reply *reply);
	uint64_t max; /* of count */
} ops[BENCH_OPS] = {
	[BENCH_HELLO] = { nothing, 0 },
	[BENCH_ECHO] = { echo, COUNT_MAX },
	[BENCH_SINK] = { sink, COUNT_MAX },
	[BENCH_IDLE] = { idle, TIME_MAX_MS },
	[BENCH_BYE] = { nothing, 0 },
	[BENCH_BURST] = { burst, COUNT_MAX },
	[BENCH_SOURCE] = { source, TIME_MAX_MS },
};

static bool acceptable(const struct bench_link *l, const struct bench_request *q)
{
	return q->op < BENCH_OPS && ops[q->op].perform &&
	       q->version == BENCH_WIRE_VERSION && q->wait <= BELL_ADAPTIVE &&
	       q->size <= l->size &&
	       (q->size >= BENCH_SIZE_MIN || ops[q->op].max != COUNT_MAX) &&
	       q->count <= ops[q->op].max && q->warmup <= COUNT_MAX;
}

/* The first version says none, and takes an answer only as its own. */
static void refuse(struct bench_link *l, const struct bench_request *q,
		   struct bench_reply *reply)
{
	reply->version = q->version == 0 ? 1 : BENCH_WIRE_VERSION;
	/* A hello is to learn our version, which is more than a refusal says. */
	if (q->op == BENCH_HELLO && q->version != 0) {
		reply_to(l, l->peer, reply, BENCH_READY);
		reply_to(l, l->peer, reply, BENCH_DONE);
		return;
	}
	reply_to(l, l->peer, reply, BENCH_REFUSED);
}

/* READY, the work in the mode that was wished, DONE. */
static void handle(struct bench_link *l, const struct bench_request *q)
{
	struct bench_reply reply = { .number = q->number };
	enum bench_status status;

	if (!acceptable(l, q)) {
		refuse(l, q, &reply);
		return;
	}
	if (reply_to(l, l->peer, &reply, BENCH_READY) < 0)
		return;
	bell_set_wait(l->s->bus, (enum bell_wait_mode)q->wait);
	status = ops[q->op].perform(l, q, &reply);
	bell_set_wait(l->s->bus, BELL_INTERRUPT);
	reply_to(l, l->peer, &reply, status);
}

static bool is_there(struct session *s, uint32_t peer)
{
	struct bell_peer_info info;

	return session_peer_info(s, peer, &info) &&
	       info.state == BELL_STATE_LIVE;
}

int bench_serve(struct session *s, bool once)
{
	struct bench_link l;
	struct bench_request q = { 0 };
	struct bell_envelope env;
	bool begun = false;
	int64_t n;
	int rc = bench_link_init(&l, s, BENCH_SIZE_MAX);

	s->wait = BELL_INTERRUPT; /* between requests */
	while (rc == CLI_DONE && !sys_stopped()) {
		/* Wakes for a leave too: a client that died says no BYE. */
		n = session_look(s, l.buf, l.size, &env, -1);
		if (n == -BELL_EAGAIN) {
			if (once && begun && !is_there(s, l.peer))
				break;
			n = session_sleep(s, -1);
		}
		if (n < 0 && n != -BELL_ECORRUPT && n != -BELL_EAGAIN)
			rc = cli_fail((int)n, "bench");
		if (n <= 0 || env.tag != BENCH_TAG_REQUEST ||
		    !bench_get_request(l.buf, (size_t)n, &q))
			continue;
		l.peer = env.peer;
		begun = true;
		handle(&l, &q);
		if (once && q.op == BENCH_BYE)
			break;
	}
	bench_link_done(&l);
	return rc;
}
