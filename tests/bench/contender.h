/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * contender.h - a server that is measured: started, looked at, stopped
 */
#ifndef BENCH_CONTENDER_H
#define BENCH_CONTENDER_H

#include <stddef.h>
#include <sys/types.h>

struct contender {
	const char *name;    /* what is printed */
	const char *program;
	const char *max_peers; /* its option, or NULL */
	char socket_path[64];
	pid_t pid;
};

/*
 * Starts the program with the options of QEMU's server, in a directory. Ends the
 * program on failure.
 */
void contender_start(struct contender *c, const char *dir, unsigned vectors);
void contender_stop(struct contender *c);
/* Memory of its own, in bytes (PSS), without the one that it shares; 0: unknown. */
size_t contender_memory(const struct contender *c);
size_t contender_descriptors(const struct contender *c);

#endif
