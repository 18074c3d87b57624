/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scale.h - many peers, each a process, over one real server
 *
 * What the files of this test share: a server, a page in which the processes of
 * a case say how far they are (not part of what is tested), and how they fail.
 */
#ifndef BELL_SCALE_H
#define BELL_SCALE_H

#include "bellring.h"
#include "layout.h"
#include "testing.h"

#include <stdbool.h>
#include <sys/types.h>

#define SCALE_MAX 256 /* peers of a case */
#define LONG_MS 60000 /* nothing takes that long unless it is lost */

struct scale_page {
	_Atomic bool stop;
	_Atomic uint32_t ready; /* peers that are where the case waits for them */
	_Atomic bool failed;
	char failure[600]; /* what the first that failed said */
	struct {
		_Atomic uint64_t sent; /* messages for which a send returned 0 */
		_Atomic bool full;     /* a send found no space */
	} peer[SCALE_MAX];
};

extern struct scale_page *page;
extern const char *scale_address;

/* What a case does: few of it in `make check`, all of it in check-scale. */
unsigned scale_pick(unsigned few, unsigned all);

/* A server with these options, a new page. scale_end() stops the server. */
void scale_begin(const char *const options[]);
void scale_end(void);

/* A process that runs a peer; it ends with run(). */
pid_t scale_fork(unsigned self, void (*run)(unsigned self));
/* Waits for all of them; fails the case if one failed. */
void scale_wait_all(void);

/*
 * Fails the case, from any of its processes: who and why. With the library's
 * detail if rc is negative.
 */
void scale_fail(int64_t rc, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/* A peer on the bus under NAME-SELF. */
struct bell_bus *scale_join(const char *name, unsigned self,
			    enum bell_wait_mode mode, struct bell_peer **peer);
/* The id of NAME-SELF, once it is there. */
uint32_t scale_await(struct bell_bus *bus, const char *name, unsigned self);

/* Looks again until done() (true), a peer failed, or much more than LONG_MS passed. */
bool scale_until(bool (*done)(const void *arg), const void *arg);
bool scale_all_ready(const void *count); /* page->ready reached *(unsigned *)count */

/* How many links and slots are in use, as the memory says. */
struct scale_usage {
	unsigned links, link_count;
	unsigned slots; /* live or joining */
};
struct scale_usage scale_usage(const struct bell_peer *peer);

void add_traffic(Suite *suite); /* scale-traffic.c */
void add_fair(Suite *suite);    /* scale-fair.c */
void add_cost(Suite *suite);    /* scale-cost.c */
void add_churn(Suite *suite);   /* scale-churn.c */
void add_full(Suite *suite);    /* scale-full.c */
void add_news(Suite *suite);    /* scale-news.c */

#endif
