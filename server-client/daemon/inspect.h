/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inspect.h - a look into the running server, and a hand on it
 *
 * For the control socket and the metrics. Everything in the loop's thread.
 */
#ifndef BELL_INSPECT_H
#define BELL_INSPECT_H

#include "bellring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct server;

/* Since the first start: a restart that kept the peers goes on counting. */
struct inspect_counters {
	uint64_t joins;
	uint64_t leaves;         /* of themselves */
	uint64_t drops;          /* by the server: they sent, did not read, were kicked */
	uint64_t refusals;       /* before they were peers */
	uint64_t accept_pauses;  /* for want of descriptors or memory */
	uint64_t messages;       /* of the protocol, sent */
	uint64_t marked_dead;    /* slots of the bus */
	uint64_t links_freed;    /* of the bus, for the dead */
	uint64_t restarts;       /* that kept the peers */
};

struct inspect_status {
	const char *socket_path;
	const char *memory_kind; /* "memfd", "hugetlb", "file", "shm", "directory" */
	const char *sandbox;     /* as sandbox_text() */
	const char *store;       /* "none", "systemd", "keeper" */
	uint64_t memory_size;
	bool memory_sealed;
	bool bus;                /* there is a bus in the memory, and its header is whole */
	uint64_t bus_size;       /* as these: 0 without a bus */
	uint64_t session;
	uint32_t slots, slots_live;
	uint32_t links, links_open;
	unsigned vectors;
	size_t peers;
	size_t peers_max;
	uint32_t ids_left;
	bool draining;
	uint64_t started_ns;     /* CLOCK_MONOTONIC; the first start */
	size_t descriptors;      /* that the server's peers hold in it */
	size_t descriptors_max;  /* RLIMIT_NOFILE */
	struct inspect_counters counters;
};

struct inspect_peer {
	uint32_t id;
	long slot;               /* on the bus; -1: not on it */
	char name[BELL_NAME_MAX + 1]; /* on the bus; printable; or "" */
	const char *kind;        /* "host", "linux", ...; "" if not on the bus */
	pid_t pid;               /* of who connected */
	uid_t uid;
	gid_t gid;
	uint64_t since_ns;       /* CLOCK_MONOTONIC */
	unsigned vectors;
	size_t queued_bytes;     /* that it has not been sent yet */
	size_t queued_max;       /* beyond which it is dropped */
	bool greeted;
};

typedef void inspect_peer_fn(void *arg, const struct inspect_peer *peer);

void inspect_status(struct server *s, struct inspect_status *out);
/* Calls fn for each peer, in the order of joining. */
void inspect_peers(struct server *s, inspect_peer_fn *fn, void *arg);

/* Drops a peer, soon. 0, or -BELL_ENOPEER with a detail. */
int inspect_kick(struct server *s, uint32_t id);
/*
 * On: newcomers are refused, and the server stops when the last peer has left
 * (now, if there is none). Off: as before.
 */
void inspect_drain(struct server *s, bool on);

#endif
