/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench-server.c - what a server costs: time to be greeted, memory a peer
 *
 * Both servers have their peers at the same time, and are visited in turns, so
 * that whatever else the machine does meets both. Peers are clients in this
 * process, which read what they are sent. For each number of vectors and peers:
 * visits, each from connect() to the last eventfd of its own greeting.
 *
 * The memory is what /proc says of the process (PSS, without the shared memory),
 * less what it had before the first peer. What the kernel needs for sockets,
 * eventfds and what waits in sockets belongs to no process there; the number
 * of descriptors is given instead.
 */
#include "contender.h"
#include "crowd.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define CONTENDERS 2
#define VISITS_MAX 1000
#define PEERS_ENOUGH 100u

static bool json;
static unsigned visits = 51;
static const unsigned vectors[] = { 1, 16 };
static const unsigned peers[] = { 1, 100, 1000 };

struct side {
	struct contender server;
	struct crowd *crowd;
	size_t memory_before, descriptors_before;
	bool failed; /* it did not greet one: out of the race */
	uint64_t took[VISITS_MAX];
};

static int by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double quantile_us(struct side *s, unsigned percent)
{
	qsort(s->took, visits, sizeof(s->took[0]), by_time);
	return (double)s->took[(visits - 1) * percent / 100] / 1000;
}

static void print_failure(const struct side *s, unsigned n_vectors, unsigned count)
{
	if (json)
		printf("{\"server\": \"%s\", \"vectors\": %u, \"peers\": %u, "
		       "\"failed\": true}\n", s->server.name, n_vectors, count);
	else
		printf("%-16s %7u %6u   does not serve so many\n", s->server.name,
		       n_vectors, count);
	fflush(stdout);
}

/*
 * What it has more than before the first peer, a peer. Of a few peers that tells
 * nothing: memory comes in pages, and something is always made in advance.
 */
static const char *a_peer(size_t now, size_t before, unsigned count, char text[32])
{
	if (count < PEERS_ENOUGH)
		return json ? "null" : "-";
	snprintf(text, 32, "%.1f", ((double)now - (double)before) / count);
	return text;
}

static void print_side(struct side *s, unsigned n_vectors, unsigned count)
{
	double median = quantile_us(s, 50), most = quantile_us(s, 90);
	char texts[2][32];
	const char *memory = a_peer(contender_memory(&s->server), s->memory_before, count,
				    texts[0]);
	const char *fds = a_peer(contender_descriptors(&s->server), s->descriptors_before,
				 count, texts[1]);

	if (json)
		printf("{\"server\": \"%s\", \"vectors\": %u, \"peers\": %u, "
		       "\"greeting_us\": %.1f, \"greeting_us_90\": %.1f, "
		       "\"bytes_per_peer\": %s, \"descriptors_per_peer\": %s}\n",
		       s->server.name, n_vectors, count, median, most, memory, fds);
	else
		printf("%-16s %7u %6u %11.0f %11.0f %11s %11s\n", s->server.name,
		       n_vectors, count, median, most, memory, fds);
	fflush(stdout);
}

/* The i-th visit to each, the first one changing from turn to turn. */
static void visit_all(struct side *sides, int count, unsigned i)
{
	for (int k = 0; k < count; k++) {
		struct side *s = &sides[(k + (int)i) % count];

		if (s->failed)
			continue;
		s->took[i] = crowd_visit(s->crowd);
		s->failed = s->took[i] == 0;
	}
}

static void measure(struct side *sides, int count, unsigned n_vectors, unsigned n_peers)
{
	for (int k = 0; k < count; k++)
		if (!sides[k].failed && crowd_grow(sides[k].crowd, n_peers) < 0)
			sides[k].failed = true;
	for (unsigned i = 0; i < visits; i++)
		visit_all(sides, count, i);
	for (int k = 0; k < count; k++) {
		if (sides[k].failed)
			print_failure(&sides[k], n_vectors, n_peers);
		else
			print_side(&sides[k], n_vectors, n_peers);
	}
}

/* One visit before anything is measured: it has then begun to listen. */
static void begin(struct side *s, const char *dir, unsigned n_vectors)
{
	contender_start(&s->server, dir, n_vectors);
	s->crowd = crowd_new(s->server.socket_path, n_vectors);
	s->failed = crowd_visit(s->crowd) == 0;
	s->memory_before = contender_memory(&s->server);
	s->descriptors_before = contender_descriptors(&s->server);
}

static void run(struct side *sides, int count, const char *dir, unsigned n_vectors)
{
	for (int k = 0; k < count; k++)
		begin(&sides[k], dir, n_vectors);
	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++)
		measure(sides, count, n_vectors, peers[i]);
	for (int k = 0; k < count; k++) {
		crowd_free(sides[k].crowd);
		contender_stop(&sides[k].server);
	}
}

static void read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "visits", required_argument, NULL, 'v' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "jv:", options, NULL)) != -1) {
		if (c == 'v')
			visits = (unsigned)strtoul(optarg, NULL, 10);
		if ((c != 'j' && c != 'v') || visits < 1 || visits > VISITS_MAX) {
			fprintf(stderr, "usage: bench-server [--json] [--visits 1..%u] "
				"SERVER [QEMU'S SERVER]\n", VISITS_MAX);
			exit(2);
		}
		json = json || c == 'j';
	}
}

/* For two crowds, and for servers started by us. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	static struct side sides[CONTENDERS] = {
		{ .server = { .name = "bellring-server", .max_peers = "1001" } },
		{ .server = { .name = "ivshmem-server" } },
	};
	char dir[] = "/tmp/bench-server-XXXXXX";
	int count;

	read_options(argc, argv);
	count = argc - optind;
	if (count < 1 || count > CONTENDERS || !mkdtemp(dir)) {
		fprintf(stderr, "bench-server: one server or two, and a directory: %s\n",
			strerror(errno));
		return 2;
	}
	raise_limit();
	for (int k = 0; k < count; k++)
		sides[k].server.program = argv[optind + k];
	if (!json)
		printf("%-16s %7s %6s %11s %11s %11s %11s\n", "server", "vectors", "peers",
		       "greeting us", "9 of 10 us", "bytes/peer", "fds/peer");
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		run(sides, count, dir, vectors[i]);
	(void)rmdir(dir);
	return EXIT_SUCCESS;
}
