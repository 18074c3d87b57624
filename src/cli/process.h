/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * process.h - a command that is run beside the loop
 */
#ifndef CLI_PROCESS_H
#define CLI_PROCESS_H

#include "net.h"

#include <stdint.h>

/* The ends of its standard input, output and error, which never wait. */
struct process {
	net_t in, out, err; /* owned */
	intptr_t id;        /* 0: there is none, or none any more */
};

/*
 * Starts argv[0], looked for in PATH, in a group of its own; env is a list of
 * "NAME=value" that it gets besides ours. 0, or -BELL_EIO with net_why().
 */
int process_start(struct process *p, char *const argv[], char *const env[]);
/* Kills it and what it started. */
void process_kill(const struct process *p);
/*
 * 1 when it has ended, with its status, of which 0 is success; 0 not yet. Then, and
 * only then, it is gone.
 */
int process_ended(struct process *p, int *status);
/* "exit status 3", or what else a status says; returns buf. */
#define PROCESS_STATUS 40
const char *process_status(int status, char buf[PROCESS_STATUS]);
/* Kills it if it is still there, waits for its end, closes. All zero is none. */
void process_done(struct process *p);

#endif
