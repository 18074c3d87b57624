/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench-bare.h - the limit: the same trips without the library
 *
 * And the processes and cores that bellring bench needs on one host. Implemented
 * once a system: bench-bare.c and bench-process.c on Linux, bench-windows.c and
 * bench-cores-windows.c, which have no children.
 */
#ifndef CLI_BENCH_BARE_H
#define CLI_BENCH_BARE_H

#include "series.h"

#include <stdbool.h>
#include <stddef.h>

/* On Windows the first two are events, alone and among others. */
enum bare_kind {
	BARE_EVENTFD_EPOLL, /* sleep in epoll_wait(), edge-triggered, no read() */
	BARE_EVENTFD_POLL,  /* sleep in poll(), then read() */
	BARE_LINE,          /* spin on a cache line that the other one writes */
	BARE_KINDS
};

/* What it is called in reports. */
const char *bench_bare_name(enum bare_kind kind);

/*
 * Round trips between this process and a child of its own: warmup + count, of
 * which count are added to series. One look at the clock a trip. pinned: this
 * process is pinned, and the child takes the second core. cpu_ns gets the CPU
 * time of both after the warm-up. An enum cli_exit, failures told.
 */
int bench_bare_round(enum bare_kind kind, uint64_t warmup, uint64_t count,
		     bool pinned, struct series *series, uint64_t *cpu_ns);

/* Memory that both sides of bench_beside() see, zero; NULL after telling why. */
void *bench_shared(size_t size);
/* NULL is fine. */
void bench_unshare(void *memory, size_t size);

/*
 * Runs other(arg) in a child, or on Windows a thread, on the second core if pinned, and
 * own(arg) here. Both return an enum cli_exit and tell of failures; so does this.
 */
int bench_beside(const char *what, int (*other)(void *arg), int (*own)(void *arg),
		 void *arg, bool pinned);

/* CPUs this process may run on. */
int bench_cpus(void);
/*
 * Pins this process to the first (0) or second (1) of two cores, siblings of
 * one core only if there are no others. False if there are no two.
 */
bool bench_pin(int which);
/* Lets this process run on all cores but the first of them. */
bool bench_pin_away(void);

/* A child that dies with its parent. */
struct bench_child {
	int pid;      /* 0: none */
	int go_fd;    /* owned; a byte lets it begin */
	int end_fd;   /* owned; hangs up when it ends */
};

/*
 * Forks a child that calls run(arg) once it is let go, and exits with what that
 * returns. To be called before anything is opened. An enum cli_exit.
 */
int bench_child_start(struct bench_child *c, int (*run)(void *arg), void *arg);
int bench_child_go(struct bench_child *c);
bool bench_child_alive(const struct bench_child *c);
/*
 * Waits for its end; after grace_ms it is asked to (SIGTERM), then killed.
 * Returns its exit status, or -1 if it was killed or there is none.
 */
int bench_child_end(struct bench_child *c, int grace_ms);

#endif
