/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stress.c - sleeps and wakes two processes until one misses its wake-up
 *
 * A sender and a receiver over a real server's memory, a small ring, random
 * pauses about as long as a sleep takes, and random changes between sleeping,
 * spinning and both. Ends well after STRESS_SLEEPS sleeps of both; a wait of
 * ten seconds while the other side has something is a lost wake-up.
 *
 * Built with BELL_WEAKEN_WRITER or BELL_WEAKEN_SLEEPER (atomic.h) it must fail:
 * `make check-fences` shows that.
 */
#define _GNU_SOURCE /* sched_setaffinity() */
#include "bellring.h"
#include "os.h"
#include "server-fixture.h"
#include "testing.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#define LOST_MS 10000
#define MODE_EVERY 512u
#define MAX_PAUSE_NS 12000u

/* Where the two tell each other how far they are; not part of what is tested. */
struct progress {
	_Atomic uint64_t sleeps[2];
	_Atomic int stop;
};

static struct progress *progress;
static uint64_t seed;

static uint64_t next_random(void)
{
	/* xorshift64*: reproducible from --seed. */
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * UINT64_C(2685821657736338717);
}

static void pause_ns(uint64_t ns)
{
	uint64_t end = os_now_ns() + ns;

	while (os_now_ns() < end)
		;
}

static void pin(size_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set); /* one core will do too */
}

static struct bell_bus *join(const char *address, const char *name,
			     struct bell_peer **peer)
{
	struct bell_bus_config cfg = { .name = name };
	struct bell_bus *bus;

	must(bell_open(address, -1, peer) == 0);
	must(bell_join(*peer, &cfg, &bus) == 0);
	return bus;
}

/* Mostly sleeping: it is what is tested. */
static void change_mode(struct bell_bus *bus, uint64_t n)
{
	static const enum bell_wait_mode modes[] = { BELL_INTERRUPT, BELL_INTERRUPT,
						     BELL_INTERRUPT, BELL_ADAPTIVE,
						     BELL_POLL };

	if (n % MODE_EVERY == 0)
		bell_set_wait(bus, modes[next_random() % 5]);
}

static void note_sleeps(struct bell_bus *bus, int side)
{
	struct bell_stats stats;

	bell_get_stats(bus, &stats);
	progress->sleeps[side] = stats.sleeps;
}

static void find(struct bell_peer *peer, const char *name, uint32_t *id)
{
	while (bell_find(peer, name, id) < 0)
		must(bell_wait(peer, LOST_MS) >= 0);
}

static int send_all(const char *address)
{
	struct bell_peer *peer;
	struct bell_bus *bus = join(address, "sender", &peer);
	uint32_t to = 0;
	uint64_t n;

	find(peer, "receiver", &to);
	for (n = 0; !progress->stop; n++) {
		char msg[256] = { 0 };
		int rc;

		change_mode(bus, n);
		memcpy(msg, &n, sizeof(n));
		rc = bell_send(bus, to, msg, (size_t)(sizeof(n) + n % 100), LOST_MS);
		if (rc == -BELL_EAGAIN)
			printf("# LOST WAKE-UP: the sender waits for space at %llu\n",
			       (unsigned long long)n);
		if (rc < 0)
			return EXIT_FAILURE;
		/* Now and then a burst that fills the ring. */
		if (n / 1000 % 4 != 3)
			pause_ns(next_random() % MAX_PAUSE_NS);
		note_sleeps(bus, 0);
	}
	(void)bell_send(bus, to, NULL, 0, LOST_MS);
	bell_leave(bus);
	bell_close(peer);
	return EXIT_SUCCESS;
}

static int receive_all(const char *address, uint64_t sleeps)
{
	struct bell_peer *peer;
	struct bell_bus *bus = join(address, "receiver", &peer);
	uint64_t n, v;
	char msg[256];

	for (n = 0;; n++) {
		int64_t len = bell_recv(bus, msg, sizeof(msg), NULL, LOST_MS);

		if (len == 0)
			break;
		if (len == -BELL_EAGAIN)
			printf("# LOST WAKE-UP: the receiver waits for message %llu\n",
			       (unsigned long long)n);
		if (len < 0)
			return EXIT_FAILURE;
		memcpy(&v, msg, sizeof(v));
		must(v == n);
		change_mode(bus, n);
		if (n / 1000 % 8 == 5)
			pause_ns(next_random() % MAX_PAUSE_NS);
		note_sleeps(bus, 1);
		if (progress->sleeps[0] + progress->sleeps[1] >= sleeps)
			progress->stop = 1;
	}
	printf("# %llu messages, %llu sleeps of the receiver, %llu of the sender\n",
	       (unsigned long long)n, (unsigned long long)progress->sleeps[1],
	       (unsigned long long)progress->sleeps[0]);
	bell_leave(bus);
	bell_close(peer);
	return EXIT_SUCCESS;
}

static int run(const char *address, uint64_t sleeps)
{
	int status, rc;
	pid_t child = fork();

	must(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(1);
		seed += 77;
		rc = send_all(address);
		fflush(stdout);
		_exit(rc);
	}
	pin(0);
	rc = receive_all(address, sleeps);
	progress->stop = 1;
	if (rc != EXIT_SUCCESS)
		kill(child, SIGKILL);
	waitpid(child, &status, 0);
	if (rc == EXIT_SUCCESS && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		rc = EXIT_FAILURE;
	return rc;
}

int main(int argc, char **argv)
{
	static const char *const options[] = { "-l", "1M", "--ring-size", "4096", NULL };
	const char *text = getenv("STRESS_SLEEPS");
	uint64_t sleeps = text ? strtoull(text, NULL, 10) : 50000;
	int rc;

	seed = argc > 1 ? strtoull(argv[1], NULL, 10) | 1 : os_now_ns() | 1;
	printf("1..1\n# seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(progress != MAP_FAILED);
	rc = run(server_start(options), sleeps);
	server_stop();
	printf("%s 1 - no wake-up is lost in %llu sleeps\n", rc ? "not ok" : "ok",
	       (unsigned long long)sleeps);
	return rc;
}
