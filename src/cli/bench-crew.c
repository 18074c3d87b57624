/* SPDX-License-Identifier: BSD-2-Clause */
/* The serving processes of this host. */
#include "bench.h"
#include "cli.h"
#include "sys.h"

#define NAME 32 /* bytes of a name with its NUL */

/* "bench-PID", "bench-PID-1": by the process that measures. */
static const char *name_of(char name[NAME], unsigned pid, size_t i)
{
	if (i == 0)
		snprintf(name, NAME, "bench-%u", pid);
	else
		snprintf(name, NAME, "bench-%u-%zu", pid, i);
	return name;
}

struct member {
	struct bench *b;
	unsigned parent; /* its pid */
	size_t i;
};

/* In the child, before anything was opened. */
static int serve_child(void *arg)
{
	const struct member *m = arg;
	struct session s = *m->b->s;
	char name[NAME];
	int rc;

	s.name = name_of(name, m->parent, m->i);
	if (!m->b->args.no_pin)
		(void)(m->i == 0 ? bench_pin(1) : bench_pin_away());
	rc = session_join(&s);
	if (rc == CLI_DONE)
		rc = bench_serve(&s, true);
	session_close(&s);
	return rc;
}

int bench_crew_start(struct bench *b, size_t count)
{
	struct member m = { .b = b, .parent = (unsigned)sys_pid() };
	struct bench_crew *c = &b->crew;
	int rc = CLI_DONE;

	while (c->count < count && rc == CLI_DONE) {
		m.i = c->count;
		rc = bench_child_start(&c->child[m.i], serve_child, &m);
		if (rc == CLI_DONE)
			c->count++;
	}
	return rc;
}

/* Until the child is on the bus, or has told why not and ended. 0 or a code. */
static int await_child(struct bench *b, size_t i)
{
	uint64_t deadline = sys_deadline(BENCH_SILENCE_MS);
	int rc = session_news_begin(b->s);
	char name[NAME];

	name_of(name, (unsigned)sys_pid(), i);
	while (rc == 0 && bell_find(b->s->peer, name, &b->crew.peer[i]) < 0) {
		if (sys_stopped() || !bench_child_alive(&b->crew.child[i]))
			rc = -BELL_ENOPEER;
		else if (sys_left_ms(deadline) == 0)
			rc = -BELL_EAGAIN;
		else /* its death before it joins rings nobody */
			rc = session_news(b->s, 100);
	}
	session_news_end(b->s);
	return rc;
}

/* The child serves. An enum cli_exit; code: as of bench_hello(), or why not. */
static int go(struct bench *b, size_t i, int *code)
{
	int rc = bench_child_go(&b->crew.child[i]);

	*code = 0;
	if (rc != CLI_DONE)
		return rc;
	*code = await_child(b, i);
	if (*code < 0)
		return CLI_DONE;
	b->link.peer = b->crew.peer[i];
	return bench_hello(&b->link, code);
}

int bench_crew_go(struct bench *b)
{
	struct bench_crew *c = &b->crew;
	int code = 0, rc = CLI_DONE;

	while (c->ready < c->count && rc == CLI_DONE && code == 0) {
		rc = go(b, c->ready, &code);
		c->ready += rc == CLI_DONE && code == 0;
	}
	b->link.peer = c->peer[0];
	if (rc != CLI_DONE || code == 0)
		return rc;
	if (sys_stopped())
		return cli_error("bench: interrupted");
	if (c->ready == 0)
		return cli_fail(code, "bench: the serving process");
	bench_note(b, "senders: no more than %zu: the next one: %s", c->ready,
		   bell_strerror(code));
	return CLI_DONE;
}

int bench_crew_bye(struct bench *b)
{
	int rc = CLI_DONE;
	size_t i;

	for (i = 0; i < b->crew.ready && rc == CLI_DONE; i++) {
		b->link.peer = b->crew.peer[i];
		rc = bench_bye(&b->link);
	}
	return rc;
}

void bench_crew_end(struct bench *b, int grace_ms)
{
	while (b->crew.count > 0)
		bench_child_end(&b->crew.child[--b->crew.count], grace_ms);
}
