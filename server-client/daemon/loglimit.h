/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loglimit.h - which messages of a flood are told, and which only counted
 *
 * Knows no clock and prints nothing.
 */
#ifndef BELL_LOGLIMIT_H
#define BELL_LOGLIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LOGLIMIT_KINDS 32 /* told apart at once */
#define LOGLIMIT_LAST 256 /* bytes that are kept of the last one held back */

struct loglimit_kind {
	uint64_t hash;     /* of the format; 0: not in use */
	uint64_t since_ns; /* its second began */
	unsigned told;
	unsigned long held;
	int priority;
	char last[LOGLIMIT_LAST];
};

/* All zero holds nothing back. */
struct loglimit {
	unsigned rate; /* a second; 0: any number */
	/* The last is for all that find no room. */
	struct loglimit_kind kinds[LOGLIMIT_KINDS];
};

/* One kind's count of held messages, and the last of them. */
typedef void loglimit_tell_fn(void *arg, int priority, unsigned long count,
			      const char *last);

/*
 * Whether a message of that format, saying line, is to be told now. If not, it is
 * counted, and *first gets whether nothing else was held.
 */
bool loglimit_pass(struct loglimit *l, uint64_t now_ns, int priority,
		   const char *fmt, const char *line, bool *first);

/* Tells of the kinds whose second is over, and forgets what was held of them. */
void loglimit_over(struct loglimit *l, uint64_t now_ns, loglimit_tell_fn *tell,
		   void *arg);

#endif
