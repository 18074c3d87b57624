/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * snapshot.h - what a server has to know to go on where another one was
 *
 * The bytes in state.h's memory: a head, then each peer in the order of joining,
 * with its vectors and the messages that it has still to be sent. Written and
 * read on one machine; state.c's version changes with any of it.
 */
#ifndef BELL_SNAPSHOT_H
#define BELL_SNAPSHOT_H

#include "inspect.h"
#include "peers.h"

#include <stdint.h>

struct snapshot_head {
	uint64_t members;
	uint64_t next_join;
	uint64_t started_ns;
	uint64_t session;
	struct peers_book book;
	struct inspect_counters counters;
	int32_t draining;
	int32_t owns_socket; /* its file is ours to remove */
	/* Descriptors, of use only after an execve(2); -1: none. */
	int32_t memory, socket, control, metrics;
};

struct snapshot_member {
	uint64_t join;       /* its number, by which the store knows its descriptors */
	uint64_t greeted;    /* peers_greeted() */
	uint64_t joined_ns, greeted_ns, behind_ns;
	uint64_t bound;
	uint64_t items;      /* that follow, after the vectors */
	uint32_t id;
	uint32_t vectors;    /* that follow */
	int32_t sock;
	int32_t unused;
};

struct snapshot_vector {
	uint64_t ident;      /* vectors_ident(); 0: by order */
	int32_t fd;
	int32_t unused;
};

struct snapshot_item {
	int64_t number;
	uint32_t what;       /* enum queue_what */
	uint32_t count, sent;
	uint32_t unused;
};

/* A reader that goes no further than there is. */
struct snapshot_reader {
	const unsigned char *at;
	size_t left;
};

/* Copies the next n bytes out. 0, or -BELL_ECORRUPT with a detail. */
int snapshot_read(struct snapshot_reader *r, void *out, size_t n);

#endif
