/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * speed.h - one measurement: rivals, what they are to do, and what was found
 *
 * A measurement has processes of its own: the client, on the first core, and its
 * child, the server, on the second one. Of a crowd all clients share the first.
 *
 * What is compared is measured in the same two processes, in turns of a few
 * milliseconds: how fast a core sleeps, wakes and gets at the other's memory changes
 * from one pair of processes to the next, and within a second on a virtual machine.
 * Right before and after each turn the two tell how far apart their cores are.
 */
#ifndef BENCH_SPEED_H
#define BENCH_SPEED_H

#include "rival.h"

#include "atomic.h"

#define SPEED_CLIENTS 64
#define SPEED_SAMPLES 200000u /* room for them */
#define SPEED_STEPS 6
#define SPEED_ENTRANTS 24u /* rivals and works of one measurement */
#define SPEED_TURNS 9u     /* of each; the first is a warm-up */

/* What one process found between rival_begin() and rival_finish(). */
struct speed_side {
	uint64_t begin_ns, finish_ns;
	uint64_t cpu_ns; /* user and system */
	uint64_t doorbells, wakes;
	uint64_t switches; /* times it gave its core away: getrusage(2) */
};

/* A stretch of a load that changes. */
struct speed_step {
	uint64_t first, samples; /* of them in sample[] */
	uint64_t begin_ns, begin_cpu_ns; /* the server's, when its first message came */
};

/* A word each way, each on a cache line of its own. */
struct speed_line {
	_Alignas(128) shm_u64 asked;
	_Alignas(128) shm_u64 answered;
};

/* What one turn found; in memory that all processes of the measurement share. */
struct speed_result {
	uint64_t line_ns[2]; /* a cache line's trip, before and after; 0: not asked */
	struct speed_side client, server;
	struct speed_step step[SPEED_STEPS + 1]; /* the last one only ends the others */
	uint64_t each[SPEED_CLIENTS]; /* messages of each client of a crowd */
	_Atomic int stop;             /* the crowd's end */
	_Atomic int settled;          /* the idle one's begin */
	uint64_t samples;
	uint64_t sample[SPEED_SAMPLES]; /* ns */
};

/* What both ends do. 0, or -1 after rival_fail(). */
struct speed_work {
	const char *name;
	int (*client)(struct rival_end *end, struct speed_result *result);
	int (*server)(struct rival_end *end, struct speed_result *result);
};

/* One who takes part in a measurement; of several, all but the first three are alike. */
struct speed_pair {
	const struct rival *rival;
	const struct speed_work *work;
	struct rival_plan plan;
	unsigned clients; /* 1, or a crowd of up to SPEED_CLIENTS */
	bool pin;
	bool probe; /* ask how far apart the cores are: only of pinned ones */
	int limit_ms; /* a measurement that takes longer hangs */
};

/* What each rival can: speed-work.c. */
extern const struct speed_work speed_trips, speed_stream, speed_batches;

/* One measurement: who takes part, and how often it is each one's turn. */
struct speed_match {
	const struct speed_pair *pair[SPEED_ENTRANTS];
	unsigned pairs, turns;
	struct speed_result *result; /* of turn t, pair i: result[t * pairs + i] */
};

/** speed_results_new - memory for a match's results; NULL: there is none */
struct speed_result *speed_results_new(void);

/**
 * speed_measure - one measurement, in processes of its own
 *
 * The results are emptied first. Returns 0, or -1, told on stderr: an end failed,
 * died, or did not end in time.
 */
int speed_measure(const struct speed_match *match);

/**
 * speed_catch_signals - SIGINT and SIGTERM end a run: the measurement that is under
 *                       way fails, and speed_stopped() tells
 */
void speed_catch_signals(void);
bool speed_stopped(void);

/** speed_cores - whether there are two, which speed_pin() can use */
bool speed_cores(void);

/** speed_pin - have this process run on the first core (0) or the second (1) only */
int speed_pin(unsigned which);

/**
 * speed_line_ask - how far apart this core and that of speed_line_answer() are
 *
 * Both are called at about the same time, each by one process, and spin until the
 * other is there. Returns the median of a cache line's trips there and back, ns.
 */
uint64_t speed_line_ask(struct speed_line *line);
void speed_line_answer(struct speed_line *line);

/** speed_cpu_ns - of this process so far, user and system */
uint64_t speed_cpu_ns(void);

/* A bellring-server of the run's own. */
struct speed_server {
	int pid;
	char path[128]; /* of its socket */
	char log[128];  /* what it says */
};

/**
 * speed_server_start - start it in a folder, and wait until it is ready
 * @program: path of bellring-server
 *
 * Returns 0, or -1, told on stderr.
 */
int speed_server_start(struct speed_server *server, const char *program,
		       const char *folder);

/** speed_server_stop - end it; one that was not started is fine */
void speed_server_stop(struct speed_server *server);

#endif
