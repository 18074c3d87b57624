/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deaths-random.c - v sends, leaves and joins, r reads, both at full speed, and v is
 * killed at random instants
 */
#include "deaths-victim.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define RANDOM_DEATHS 60

static void send_batch(struct bell_bus *bus)
{
	struct bell_envelope env = { .peer = bell_id(r_peer) };
	struct bell_part parts[8];
	int64_t n;

	for (uint32_t i = 0; i < 8; i++)
		parts[i] = (struct bell_part){ message[(will->attempted + i) % MESSAGES],
					       64 };
	will->attempted += 8;
	n = bell_send_batch(bus, &env, parts, 8, WAIT_MS);
	must(n == 8);
	will->committed += 8;
}

static void send_one(struct bell_bus *bus, uint32_t len)
{
	uint32_t n = will->attempted++;

	must(bell_send(bus, bell_id(r_peer), message[n % MESSAGES], len, WAIT_MS) == 0);
	will->committed = n + 1;
}

static void be_busy(unsigned seed)
{
	struct bell_peer *peer = place_open();
	struct bell_bus *bus = place_join(peer, "v");

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	srandom(seed);
	will->ready = 1;
	for (;;) {
		switch (random() % 5) {
		case 0:
			/* Between two incarnations there is no order. */
			while (will->came != will->committed)
				poll(NULL, 0, 1);
			bell_leave(bus);
			bus = place_join(peer, "v");
			break;
		case 1:
			send_batch(bus);
			break;
		case 2:
			send_one(bus, MESSAGE_MAX);
			break;
		default:
			send_one(bus, (uint32_t)(4 + random() % 1000));
		}
	}
}

START_TEST(killed_at_random)
{
	const char *text = getenv("DEATHS_SEED");
	unsigned seed = text ? (unsigned)strtoul(text, NULL, 10) : (unsigned)time(NULL);

	printf("# DEATHS_SEED=%u\n", seed);
	for (unsigned i = 0; i < RANDOM_DEATHS; i++, seed++) {
		unsigned us = (seed * 2654435761u >> 8) % 20000;
		pid_t pid;
		struct timespec until, now;

		place_forget();
		place_what = "random";
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			be_busy(seed);
		UNTIL(will->ready)
			;
		clock_gettime(CLOCK_MONOTONIC, &now);
		until = now;
		until.tv_nsec += (long)us * 1000;
		while ((now.tv_sec - until.tv_sec) * 1000000000L + now.tv_nsec <
		       until.tv_nsec) {
			pump();
			clock_gettime(CLOCK_MONOTONIC, &now);
		}
		victim_kill(pid);
		place_check();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("deaths");
	TCase *tc = tcase_create("random");

	tcase_add_unchecked_fixture(tc, place_begin, place_end);
	tcase_add_checked_fixture(tc, place_setup, place_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, killed_at_random);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
