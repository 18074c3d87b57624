/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring ping: round trips to the library of another peer */
#include "cli.h"
#include "json.h"
#include "sys.h"

#define PING_TIMEOUT_MS 1000

struct ping_args {
	uint64_t count;
	int interval_ms;
};

static const struct option_row options[] = {
	{ 'c', "count", "N", OPTION_NUMBER, offsetof(struct ping_args, count),
	  1, 0, NULL, "stop after N pings" },
	{ 'i', "interval", "SECONDS", OPTION_SECONDS,
	  offsetof(struct ping_args, interval_ms), 0, 0, NULL,
	  "between two pings (default 1)" },
	{ 0, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL },
};

static const struct ping_args defaults = { .interval_ms = 1000 };

struct ping {
	const char *peer; /* as the user named it */
	uint32_t id;
	uint64_t sent, answered;
	uint64_t min_ns, max_ns, sum_ns;
};

static void count_answer(struct ping *p, uint64_t rtt_ns)
{
	p->min_ns = p->answered && p->min_ns < rtt_ns ? p->min_ns : rtt_ns;
	p->max_ns = p->max_ns > rtt_ns ? p->max_ns : rtt_ns;
	p->sum_ns += rtt_ns;
	p->answered++;
}

static void print_answer(const struct session *s, const struct ping *p,
			 uint64_t rtt_ns)
{
	struct json j;

	if (!s->json) {
		printf("answer from %s (id %s): seq=%llu time=%.1f us\n",
		       p->peer, SESSION_ID(p->id), (unsigned long long)p->sent,
		       (double)rtt_ns / 1e3);
		return;
	}
	json_begin(&j, stdout);
	json_text(&j, "peer", p->peer);
	json_uint(&j, "id", p->id);
	json_uint(&j, "seq", p->sent);
	json_real(&j, "time_us", (double)rtt_ns / 1e3);
	json_end(&j);
}

static void print_summary(const struct session *s, const struct ping *p)
{
	double n = p->answered ? (double)p->answered : 1;
	double min_us = (double)p->min_ns / 1e3, max_us = (double)p->max_ns / 1e3;
	double avg_us = (double)p->sum_ns / n / 1e3;
	struct json j;

	if (!s->json) {
		printf("--- %s ---\n%llu sent, %llu answered\n", p->peer,
		       (unsigned long long)p->sent,
		       (unsigned long long)p->answered);
		if (p->answered)
			printf("min/avg/max = %.1f/%.1f/%.1f us\n", min_us,
			       avg_us, max_us);
		return;
	}
	json_begin(&j, stdout);
	json_text(&j, "peer", p->peer);
	json_uint(&j, "sent", p->sent);
	json_uint(&j, "answered", p->answered);
	if (p->answered) {
		json_real(&j, "min_us", min_us);
		json_real(&j, "avg_us", avg_us);
		json_real(&j, "max_us", max_us);
	}
	json_end(&j);
}

/* Keeps the bus going, as others may ping us, until the next one is due. */
static int pause_ms(struct session *s, const struct ping *p, int ms)
{
	uint64_t deadline = sys_deadline(ms);
	int rc = session_news_begin(s);

	while (rc == 0 && sys_left_ms(deadline) > 0 && !sys_stopped())
		rc = session_news(s, sys_left_ms(deadline));
	session_news_end(s);
	return rc < 0 ? cli_fail(rc, "ping %s", p->peer) : CLI_DONE;
}

static int ping_once(struct session *s, struct ping *p)
{
	int timeout_ms = s->timeout_ms < 0 ? PING_TIMEOUT_MS : s->timeout_ms;
	uint64_t rtt_ns;
	int rc;

	p->sent++;
	do /* SIGCONT interrupts too: signal(7) */
		rc = bell_ping(s->bus, p->id, timeout_ms, &rtt_ns);
	while (rc == -BELL_EINTR && !sys_stopped());
	if (rc == -BELL_EAGAIN || rc == -BELL_EINTR) {
		if (!sys_stopped())
			cli_error("no answer from %s (id %s): seq=%llu",
				  p->peer, SESSION_ID(p->id),
				  (unsigned long long)p->sent);
		return CLI_DONE;
	}
	if (rc < 0)
		return cli_fail(rc, "ping %s", p->peer);
	count_answer(p, rtt_ns);
	print_answer(s, p, rtt_ns);
	return cli_flush();
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	const struct ping_args *a = args;
	struct ping p = { .peer = argv[0] };
	int rc = session_join(s);

	(void)argc;
	if (rc == CLI_DONE)
		rc = session_find(s, argv[0], &p.id);
	if (rc != CLI_DONE)
		return rc;
	while (rc == CLI_DONE && !sys_stopped()) {
		rc = ping_once(s, &p);
		if (rc != CLI_DONE || (a->count && p.sent >= a->count))
			break;
		rc = pause_ms(s, &p, a->interval_ms);
	}
	print_summary(s, &p);
	if (rc == CLI_DONE && p.answered == 0)
		return CLI_ABSENT;
	return rc;
}

const struct bell_cmd cmd_ping = {
	.name = "ping",
	.usage = "[-c N] [-i SECONDS] PEER",
	.summary = "measure round trips to a peer's library",
	.more = "The peer answers whenever it receives or dispatches; "
		"a program that does neither is silent.\n-t bounds the wait "
		"for one answer (default 1 second).\n",
	.options = options,
	.defaults = &defaults,
	.args_size = sizeof(struct ping_args),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
