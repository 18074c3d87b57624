/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.h - what the files of bellring bench share
 *
 *   bench.c         options, rounds
 *   bench-client.c  measuring against the serving side
 *   bench-serve.c   the serving side
 *   bench-wire.c    what they say to each other
 *   bench-bare.h    the same trips without the library, processes, cores
 *   bench-report.c  tables and JSON
 *   series.c        samples and percentiles
 */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "bench-wire.h"
#include "series.h"
#include "session.h"

#define BENCH_MODES 3
#define BENCH_SIZES_MAX 8
#define BENCH_BARES 3
#define BENCH_FLOWS 3
#define BENCH_RATE_MAX SERIES_ROUNDS_MAX

/* One end of the conversation. */
struct bench_link {
	struct session *s; /* borrowed */
	uint32_t peer;     /* the other end */
	unsigned char *buf; /* owned; room for the largest message and a control one */
	size_t size;       /* of buf, bytes */
	uint32_t number;   /* of the last request */
};

/* CPU and doorbells of both sides, over all rounds. */
struct bench_cost {
	uint64_t cpu_ns;
	uint64_t doorbells;
	uint64_t messages;
};

/* Round trips. */
struct bench_trips {
	enum bell_wait_mode wait;
	uint32_t size;
	struct series series;
	struct bench_cost cost;
};

/* The same without the library. */
struct bench_bare {
	const char *name;
	struct series series;
	uint64_t cpu_ns; /* of both sides */
	uint64_t trips;
};

/* One way, as fast as it goes. */
struct bench_flow {
	enum bell_wait_mode wait;
	uint32_t size;
	uint64_t count;    /* messages a round */
	double *seconds;   /* owned; one a round */
	size_t rounds;
	struct bench_cost cost;
};

/* The serving side asleep in bell_recv(). */
struct bench_idle {
	enum bell_wait_mode wait;
	uint64_t ms;
	uint64_t cpu_ns;
	uint64_t wakes;
};

struct bench_results {
	struct bench_bare bare[BENCH_BARES];
	struct bench_trips trips[BENCH_MODES * BENCH_SIZES_MAX];
	struct bench_flow flows[BENCH_MODES * BENCH_FLOWS];
	struct bench_idle idle[BENCH_MODES];
	size_t bares, trip_count, flow_count, idle_count;
	size_t rounds;
	bool pinned;
	bool remote; /* the other side is a peer that the user named */
	char peer[SESSION_LABEL];
};

/* Longest silence within a measurement. */
#define BENCH_SILENCE_MS 10000

/* ---- bench-client.c ---- */

/* All return an enum cli_exit, failures told. */
int bench_link_init(struct bench_link *l, struct session *s, size_t largest);
void bench_link_done(struct bench_link *l);
int bench_hello(struct bench_link *l);
int bench_bye(struct bench_link *l);
/* One round; with discard only a warm-up that leaves no trace. */
int bench_trips_round(struct bench_link *l, struct bench_trips *t,
		      uint64_t count, bool discard);
int bench_flow_round(struct bench_link *l, struct bench_flow *f, bool discard);
int bench_idle_once(struct bench_link *l, struct bench_idle *i);

/*
 * The next message of the other end, waiting at most BENCH_SILENCE_MS for it;
 * a signal ends it within a second. Returns like bell_recv().
 */
int64_t bench_recv(struct bench_link *l, struct bell_envelope *env);

/*
 * Sends size bytes of the buffer as data to the other end. A wait for space is
 * tried for only after a send without one, which looks at no clock.
 */
int bench_post(struct bench_link *l, uint32_t size);

/* ---- bench-serve.c ---- */

/* Serves on a joined bus until a signal, or with once until the client goes. */
int bench_serve(struct session *s, bool once);

/* ---- bench-report.c ---- */

/* Sorts the series and prints all. An enum cli_exit. */
int bench_report(struct bench_results *r, bool json);

#endif
