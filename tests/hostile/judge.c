/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CALLS_MAX 64
#define NEST_MAX 8
#define CODES 32
#define NS_PER_MS 1000000

struct tally {
	const char *name;
	uint64_t count[CODES]; /* by code; 0: done */
	int64_t longest_ns, busiest_ns;
};

static struct {
	const char *who;
	unsigned seconds;
	int64_t slack_ns;
	struct tally tally[CALLS_MAX];
	volatile sig_atomic_t interrupted;
} judge;

/* The calls that are under way, the outer first. */
static struct under_way {
	struct tally *tally;
	int64_t began_ns, cpu_ns, timeout_ns;
	int64_t inner_ns, inner_cpu_ns;
} stack[NEST_MAX];
static volatile int depth;

static int64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 * NS_PER_MS + t.tv_nsec;
}

static void say(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		_exit(98);
}

static void on_alarm(int number)
{
	(void)number;
	say(judge.who);
	for (int i = 0; i < depth; i++) {
		say(": ");
		say(stack[i].tally->name);
	}
	say(": hangs\n");
	abort();
}

void judge_init(const char *who, unsigned seconds, unsigned slack_ms)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_alarm;
	sigaction(SIGALRM, &action, NULL);
	judge.who = who;
	judge.seconds = seconds;
	judge.slack_ns = (int64_t)slack_ms * NS_PER_MS;
}

void judge_interrupted(void)
{
	judge.interrupted = 1;
}

void judge_wrong(const char *what)
{
	fprintf(stderr, "%s: %s\n", judge.who, what);
	abort();
}

static struct tally *tally_of(const char *name)
{
	struct tally *t = judge.tally;

	while (t->name && strcmp(t->name, name) != 0)
		if (++t == judge.tally + CALLS_MAX)
			judge_wrong("more calls than there is room for");
	t->name = name;
	return t;
}

void judge_begin(const char *call, int timeout_ms)
{
	struct under_way *u = &stack[depth];

	if (depth == NEST_MAX)
		judge_wrong("calls nest too deep");
	*u = (struct under_way){ .tally = tally_of(call),
				 .began_ns = clock_ns(CLOCK_MONOTONIC),
				 .cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID),
				 .timeout_ns = (int64_t)timeout_ms * NS_PER_MS };
	depth++;
	alarm(judge.seconds);
}

static void check_time(const struct under_way *u, int64_t took_ns, int64_t cpu_ns)
{
	if (took_ns > u->tally->longest_ns)
		u->tally->longest_ns = took_ns;
	if (cpu_ns > u->tally->busiest_ns)
		u->tally->busiest_ns = cpu_ns;
	/* By its own processor time: others may use the processors meanwhile. */
	if (cpu_ns <= u->timeout_ns + judge.slack_ns)
		return;
	fprintf(stderr, "%s: %s: %lld ms of processor time, with a timeout of %lld ms\n",
		judge.who, u->tally->name, (long long)(cpu_ns / NS_PER_MS),
		(long long)(u->timeout_ns / NS_PER_MS));
	abort();
}

int64_t judge_end(int64_t rc, uint32_t allowed)
{
	struct under_way *u = &stack[--depth];
	int64_t took_ns = clock_ns(CLOCK_MONOTONIC) - u->began_ns;
	int64_t cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - u->cpu_ns;
	int code = rc < 0 && rc > -CODES ? (int)-rc : 0;

	if (judge.interrupted)
		allowed |= CODE(EINTR);
	u->tally->count[code]++;
	if (rc < 0 && (rc <= -CODES || !(allowed >> code & 1))) {
		fprintf(stderr, "%s: %s: returned %lld (%s), which its contract does not "
			"list: %s\n", judge.who, u->tally->name, (long long)rc,
			bell_strerror(code), bell_detail());
		abort();
	}
	check_time(u, took_ns - u->inner_ns, cpu_ns - u->inner_cpu_ns);
	if (depth > 0) {
		stack[depth - 1].inner_ns += took_ns;
		stack[depth - 1].inner_cpu_ns += cpu_ns;
	}
	alarm(judge.seconds);
	return rc;
}

void judge_report(void)
{
	for (const struct tally *t = judge.tally; t->name; t++) {
		printf("%s: %s:", judge.who, t->name);
		for (int i = 0; i < CODES; i++)
			if (t->count[i] > 0)
				printf(" %s %llu,", i ? bell_strerror(i) : "done",
				       (unsigned long long)t->count[i]);
		printf(" longest %lld ms, busiest %lld ms\n",
		       (long long)(t->longest_ns / NS_PER_MS),
		       (long long)(t->busiest_ns / NS_PER_MS));
	}
}
