/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rival.h - one way for two processes of this machine to exchange messages
 *
 * What a user could take instead of Bellring, Bellring itself, and the limits:
 * what the machine can do without any of them. All go through the same loops
 * (rival-loops.h), built into each rival's file, so that no call through a pointer
 * stands between a message and its clock.
 *
 * A measurement is one pair of processes: prepare() once, then a fork; the server is
 * the child, on the second core, and the client the parent, on the first. Each opens
 * its end; a failure is told on stderr by who met it. Then trips or streams follow,
 * several times where rivals take turns. A process that has used nng must not fork and
 * use it again: so each measurement's are new ones.
 */
#ifndef BENCH_RIVAL_H
#define BENCH_RIVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rival_side { RIVAL_CLIENT, RIVAL_SERVER };

struct rival;

/* What a measurement wants of its rival. */
struct rival_plan {
	size_t size;        /* bytes a message, 8 or more */
	uint64_t count;     /* messages of a stream, or trips */
	uint64_t warmup;    /* before them, untimed */
	uint64_t gap_ns;    /* from the begin of a trip to the next; 0: none */
	uint64_t time_ns;   /* of a measurement that goes by time */
	size_t part;        /* bytes handed over at once by the bare copy */
	bool check;         /* each byte that comes, not the number alone */
	const char *folder; /* for sockets and files; gone with the run */
	const char *server; /* path of the socket of a bellring-server */
};

/* One process's end. A rival's own struct begins with it. */
struct rival_end {
	const struct rival *rival;
	const struct rival_plan *plan;
	enum rival_side side;
	void *shared;        /* RIVAL_SHARED bytes, zero, of both processes */
	unsigned char *buf;  /* plan->size bytes, a cache line aligned; the loops' */
	unsigned number;     /* which of several clients; the first, or the only one: 0 */
	uint64_t doorbells;  /* rung by this end, for a rival that knows */
	uint64_t wakes;      /* of this end by one, the same */
};

#define RIVAL_SHARED (UINT64_C(80) << 20)

/* What a message's bytes are behind its number. */
#define RIVAL_BYTE 0x5a

/* Where a client's trips go: ns each, count of them. */
struct rival_trips {
	uint64_t *sample;
};

enum rival_kind { RIVAL_OTHER, RIVAL_LIMIT, RIVAL_BELLRING };

struct rival {
	const char *name;    /* "zeromq ipc" */
	const char *package; /* Debian's, that it was built without: then all else is NULL */
	bool polls;          /* burns a core while it waits */
	bool one_way;        /* has no way back: no trips */
	bool empty;          /* carries no bytes, only that there is something */
	size_t largest;      /* bytes a message; 0: any */
	size_t end_size;     /* of its struct, which rival_end begins */
	/* Before the fork. 0, or -1. NULL: nothing to do. */
	int (*prepare)(struct rival_end *client, struct rival_end *server);
	/* In its process. The server's is called first, and is through first. 0, or -1. */
	int (*open)(struct rival_end *end);
	/* warmup + count trips; the client's fill trips->sample. 0, or -1. */
	int (*trip)(struct rival_end *end, struct rival_trips *trips);
	int (*echo)(struct rival_end *end);
	/*
	 * Before each turn, of both ends, while nothing is on its way: messages are
	 * numbered from 0 again. NULL: nothing to do.
	 */
	void (*restart)(struct rival_end *end);
	/*
	 * warmup + count messages one way. The sender's returns when the last is on its
	 * way, the receiver's when it has it; calls rival_begin() behind the warm-up and
	 * rival_finish() at the end.
	 */
	int (*send)(struct rival_end *end);
	int (*receive)(struct rival_end *end);
	/* The same for several messages a call; NULL: it has no such call. */
	int (*send_batch)(struct rival_end *end);
	int (*receive_batch)(struct rival_end *end);
	/* Only of an end that was opened. Nobody closes before all are through. */
	void (*close)(struct rival_end *end);
	/* Brings doorbells and wakes up to date; NULL: they are. */
	void (*tally)(struct rival_end *end);
	enum rival_kind kind;
};

/* The harness's: the marks between which time, CPU and doorbells count. */
void rival_begin(struct rival_end *end);
void rival_finish(struct rival_end *end);
/* Monotonic, ns. */
uint64_t rival_now(void);
/* Until then by spinning; returns the time. */
uint64_t rival_spin_until(uint64_t ns);
/* Says it on stderr with the rival's name; -1. */
int rival_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* All there are, in the order of the tables, NULL last: rivals.c. */
extern const struct rival *const rivals[];

#endif
