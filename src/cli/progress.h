/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * progress.h - how far a long transfer is, on a terminal, and how it ended
 *
 * One line on stderr, written over and over; nothing if stderr is no terminal.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool shown;      /* stderr is a terminal */
	bool dirty;      /* a line stands there */
	uint64_t total;  /* bytes; 0: unknown */
	uint64_t done;   /* bytes */
	uint64_t begin_ns, last_ns;
};

/* total: bytes; 0 or UINT64_MAX: unknown. */
void progress_begin(struct progress *p, bool wanted, uint64_t total);
/* Adds bytes; writes the line a few times a second. */
void progress_add(struct progress *p, uint64_t bytes);
/* Removes the line, if there is one. */
void progress_end(struct progress *p);

/*
 * After progress_end(): "bellring: DID 5 bytes in 0.010 s, 500 B/s, XXH3
 * 2d06800538d394c2" on stderr.
 */
void progress_report(const struct progress *p, const char *did,
		     uint64_t checksum);

/* "12.3 MiB": at most 16 characters with the NUL; returns buf. */
#define PROGRESS_SIZE 16
const char *progress_size(double bytes, char buf[PROGRESS_SIZE]);

#endif
