/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options.h - the command line of bellring-server
 */
#ifndef BELL_OPTIONS_H
#define BELL_OPTIONS_H

#include "serverd.h"

enum options_result { OPTIONS_RUN, OPTIONS_EXIT, OPTIONS_WRONG };

struct options {
	struct server_config server;
	const char *pid_file; /* or NULL */
	int ready_fd;         /* or -1 */
	bool daemon;
	bool verbose;
	bool check;
};

/*
 * Reads the command line; out borrows from argv. OPTIONS_EXIT: help or version
 * was printed to stdout. OPTIONS_WRONG: said why on stderr.
 */
enum options_result options_read(int argc, char **argv, struct options *out);

#endif
