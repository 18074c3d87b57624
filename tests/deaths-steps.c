/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deaths-steps.c - SIGKILL at each instruction of each thing that a peer does
 *
 * Rows "killed ..." of doc/deaths.md. Some of the instants, others at each run;
 * all of them with DEATHS_ALL=1, as `make check-deaths` does. DEATHS_SEED=N takes
 * the same ones as the run that said so.
 */
#define _GNU_SOURCE /* sched_setaffinity() */
#include "deaths-victim.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Of so many instants one, unless all. */
#define STRIDE_SERVER 23u
#define STRIDE_GUEST 97u

static uint32_t seed;
static bool all;

static void die_often(const struct deed *deed, enum news news, uint32_t stride)
{
	uint32_t at = all ? 0 : seed % stride, step = all ? 1 : stride, n = 0;
	bool more = true;

	for (; more; at += step, n++) {
		more = victim_die(deed, news, at);
		victim_bury(deed, news);
	}
	/* At its end, too: the last one was not killed before. */
	printf("# %s: killed at %u instants%s\n", deed->name, n,
	       all ? ", all there are" : "");
	fflush(stdout);
}

START_TEST(killed_and_server_tells)
{
	die_often(&deeds[_i], NEWS_SERVER, STRIDE_SERVER);
}
END_TEST

START_TEST(killed_and_device_opened_again)
{
	die_often(&deeds[_i], NEWS_REOPEN, STRIDE_GUEST);
}
END_TEST

START_TEST(killed_and_device_joined_again)
{
	die_often(&deeds[_i], NEWS_REJOIN, STRIDE_GUEST);
}
END_TEST

/* Two that take turns after each instruction do so faster on one processor. */
static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)sched_getcpu(), &set);
	must(sched_setaffinity(0, sizeof(set), &set) == 0);
}

/* All deeds, or a third of them, which changes from run to run. */
static void add(Suite *suite, const char *name, const TTest *test, bool third)
{
	int count = third && !all ? deed_count / 3 : deed_count;
	int first = (int)(seed % (uint32_t)(deed_count / count)) * count;
	TCase *tc = tcase_create(name);

	tcase_add_unchecked_fixture(tc, place_begin, place_end);
	tcase_add_checked_fixture(tc, place_setup, place_teardown);
	tcase_add_checked_fixture(tc, pin, NULL);
	tcase_set_timeout(tc, all ? 600 : 60);
	tcase_add_loop_test(tc, test, first, first + count);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	const char *text = getenv("DEATHS_SEED");
	Suite *suite = suite_create("deaths");

	all = getenv("DEATHS_ALL") != NULL;
	seed = text ? (uint32_t)strtoul(text, NULL, 10) : (uint32_t)time(NULL);
	if (!victim_possible()) {
		printf("1..%d%s\n", getenv("CI") ? 1 : 0,
		       getenv("CI") ? "\nnot ok 1 - ptrace is not allowed here" :
				      " # SKIP ptrace is not allowed here");
		return getenv("CI") ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	if (!all)
		printf("# DEATHS_SEED=%u\n", seed);
	fflush(stdout);
	add(suite, "server", killed_and_server_tells, false);
	add(suite, "reopen", killed_and_device_opened_again, true);
	add(suite, "rejoin", killed_and_device_joined_again, true);
	return run_suite(suite);
}
