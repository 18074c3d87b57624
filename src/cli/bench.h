/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.h - what the files of bellring bench share
 *
 *   bench.c           options; both sides begin here
 *   bench-loads.c     the table of loads, and which runs each has
 *   bench-plan.c      all runs that the options ask for
 *   bench-rounds.c    all runs, round by round, in another order each
 *   bench-client.c    the measuring side's half of the conversation
 *   bench-trips.c, -stream.c, -burst.c, -paced.c, -senders.c, -idle.c
 *                     a load each: one round of it
 *   bench-crew.c      the serving processes of this host
 *   bench-serve.c     the serving side
 *   bench-wire.h      what they say to each other
 *   bench-run.h       a run and its figures; series.h: samples, percentiles
 *   bench-bare.h      the limits without the library, processes, cores
 *   bench-report.h    tables, JSON, CSV, a page
 */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "bench-bare.h"
#include "bench-list.h"
#include "bench-run.h"
#include "bench-wire.h"
#include "format.h"
#include "session.h"

#define BENCH_SENDERS_MAX 64
#define BENCH_RUNS_MAX 160
#define BENCH_NOTES_MAX 8
#define BENCH_NOTE 160        /* bytes of one with its NUL */

struct bench_args {
	uint64_t rounds, count, burst; /* 0: as quick says */
	const char *loads, *sizes, *modes, *every, *senders;
	const char *csv, *html;        /* NULL: none */
	int idle_ms;                   /* -1: as quick says */
	bool serve, once, no_pin, quick;
};

/* The lists among them. */
struct bench_lists {
	struct bench_list sizes, every, senders;
};

/* One end of the conversation. */
struct bench_link {
	struct session *s; /* borrowed */
	uint32_t peer;     /* the other end */
	unsigned char *buf; /* owned; room for the largest message and a control one */
	size_t size;       /* of buf, bytes */
	uint32_t number;   /* of the last request */
};

/* The processes of this host that serve; the first does all but --senders. */
struct bench_crew {
	struct bench_child child[BENCH_SENDERS_MAX];
	uint32_t peer[BENCH_SENDERS_MAX];
	size_t count; /* that were started */
	size_t ready; /* that are on the bus and answer */
};

struct bench {
	struct session *s; /* borrowed */
	struct bench_args args;
	struct bench_lists lists;
	struct bench_link link;
	struct bench_crew crew;
	struct bench_run run[BENCH_RUNS_MAX];
	size_t runs;
	char note[BENCH_NOTES_MAX][BENCH_NOTE]; /* what is left out, and why */
	size_t notes;
	int cpus;       /* that all of us may use */
	bool pinned;
	bool remote;    /* the other side is a peer that the user named */
	char peer[SESSION_LABEL];
};

/* A kind of measurement. */
struct bench_load {
	const char *type;  /* as JSON calls it */
	const char *word;  /* as --load and CSV call it; two may share one */
	const char *title; /* of its table; of a limit that of whose table it is in */
	const char *says;  /* what is done, for the progress */
	unsigned metrics;  /* bits, BENCH_BIT() */
	bool here;         /* not against a peer elsewhere */
	bool once;         /* after the rounds */
	/* Adds its runs, by bench_add(), all but their load being zero in from. */
	int (*plan)(struct bench *b, struct bench_run *from);
	/* One round; with discard it only warms up. */
	int (*round)(struct bench *b, struct bench_run *run, bool discard);
};
/* Ended by a type that is NULL. */
extern const struct bench_load bench_loads[];

/* Longest silence within a measurement. */
#define BENCH_SILENCE_MS 10000

/* All return an enum cli_exit, failures told, unless they say otherwise. */

/* ---- bench-plan.c ---- */

/* Fills what was not given, and reads the lists: before anything is opened. */
int bench_plan_read(struct bench *b);
/* The runs of all loads that were chosen; those of here only without remote. */
int bench_plan(struct bench *b);
void bench_plan_done(struct bench *b);
/* The most sending processes that are asked for, at least 1. */
size_t bench_plan_senders(const struct bench *b);

/* Adds the run, which gets figures and a series of at most samples a round. */
int bench_add(struct bench *b, const struct bench_run *run, size_t samples);
#define BENCH_SPINNERS_NEVER 100000 /* no CPUs are enough to poll */
/* Once for each way to wait that was chosen; spinners: processes that spin in polling. */
int bench_add_modes(struct bench *b, const struct bench_run *run, size_t samples,
		    int spinners);
/* What is left out, and why: for the reports. printf() */
void bench_note(struct bench *b, const char *fmt, ...) CLI_PRINTF(2, 3);

/* ---- bench-rounds.c ---- */

int bench_measure(struct bench *b);

/* ---- bench-client.c ---- */

int bench_link_init(struct bench_link *l, struct session *s, size_t largest);
void bench_link_done(struct bench_link *l);
/*
 * Is it there, and does it speak our version? code: as of bench_try_ask(), and only
 * then nothing was told.
 */
int bench_hello(struct bench_link *l, int *code);
int bench_bye(struct bench_link *l);
/* A failed call in a measurement, told; a signal is no riddle. */
int bench_failed(const struct bench_link *l, int code, const char *what);
/* Sends the request and waits until the other side is ready for it. */
int bench_ask(struct bench_link *l, struct bench_request *q);
/*
 * The same, but if it could not be sent nothing is told, and code gets why: the
 * library's, else it is 0.
 */
int bench_try_ask(struct bench_link *l, struct bench_request *q, int *code);
/* Waits until it is through. */
int bench_await_done(struct bench_link *l, struct bench_reply *reply);
/* What this side used from begin to end. */
struct bench_usage {
	uint64_t cpu_ns;
	uint64_t doorbells;
};
void bench_usage_begin(const struct bench_link *l, struct bench_usage *u);
void bench_usage_end(const struct bench_link *l, struct bench_usage *u);
/* Figures of a round: CPU and doorbells of both sides, a message. */
void bench_put_cost(struct bench_run *run, const struct bench_usage *u,
		    const struct bench_reply *reply, uint64_t messages);

/*
 * The next message of the other end, waiting at most BENCH_SILENCE_MS for it;
 * a signal ends it within a second. Returns like bell_recv().
 */
int64_t bench_recv(struct bench_link *l, struct bell_envelope *env);

/*
 * The next message of the other end with that tag, as bench_recv(); all others are
 * dropped. Inline: it is a part of each round trip.
 */
static inline int64_t bench_next(struct bench_link *l, uint16_t tag)
{
	struct bell_envelope env;
	int64_t n;

	do
		n = bench_recv(l, &env);
	while (n >= 0 && (env.peer != l->peer || env.tag != tag));
	return n;
}

/*
 * Sends size bytes of the buffer as data to the other end. A wait for space is
 * tried for only after a send without one, which looks at no clock.
 */
int bench_post(struct bench_link *l, uint32_t size);

/* ---- a load each ---- */

int bench_trips_round(struct bench *b, struct bench_run *run, bool discard);
int bench_bare_trips_round(struct bench *b, struct bench_run *run, bool discard);
int bench_stream_round(struct bench *b, struct bench_run *run, bool discard);
int bench_copy_round(struct bench *b, struct bench_run *run, bool discard);
int bench_burst_round(struct bench *b, struct bench_run *run, bool discard);
int bench_paced_round(struct bench *b, struct bench_run *run, bool discard);
int bench_senders_round(struct bench *b, struct bench_run *run, bool discard);
int bench_idle_round(struct bench *b, struct bench_run *run, bool discard);

/* ---- bench-crew.c ---- */

/* Forks count processes that serve once they are let go. Before anything is opened. */
int bench_crew_start(struct bench *b, size_t count);
/*
 * Lets them go and waits until all serve; the link's other end is the first. If the
 * bus has no room for all of them, that is a note and ready says how many there are.
 */
int bench_crew_go(struct bench *b);
/* Says goodbye to all that serve. */
int bench_crew_bye(struct bench *b);
/* Waits for their ends; those that do not end within grace_ms are told to. */
void bench_crew_end(struct bench *b, int grace_ms);

/* ---- bench-serve.c ---- */

/* Serves on a joined bus until a signal, or with once until the client goes. */
int bench_serve(struct session *s, bool once);

#endif
