/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli.h - what a command of the tool is
 *
 * A command is one file with one struct bell_cmd, listed in main.c. It opens
 * what it needs with session_open() or session_join(); main.c closes it.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "format.h"
#include "options.h"
#include "session.h"

enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_ABSENT = 3 /* timed out, or the peer is absent */
};

/* Values of a command's own options: room for the largest. */
#define CLI_ARGS_MAX 1024

struct bell_cmd {
	const char *name;
	const char *usage;   /* what follows the name */
	const char *summary; /* half a line */
	const char *more;    /* for --help, ends with a newline; or NULL */
	const struct option_row *options; /* or NULL */
	const void *defaults; /* of the struct that options fill; or NULL */
	size_t args_size;     /* its size, at most CLI_ARGS_MAX */
	int operands_min, operands_max;
	bool options_first; /* what follows the first operand is not for us */
	/*
	 * args is the filled struct; argv are the operands, ended by NULL.
	 * Returns an enum cli_exit, failures told.
	 */
	int (*run)(struct session *s, const void *args, int argc, char **argv);
};

/* "bellring: NAME: ..." and the usage on stderr; returns CLI_USAGE. */
int cli_usage(const struct bell_cmd *cmd, const char *fmt, ...)
	CLI_PRINTF(2, 3);

/*
 * "bellring: WHAT: strerror: detail" on stderr for a failed call of the
 * library, to be called right after it. Returns the exit status for code.
 */
int cli_fail(int code, const char *fmt, ...)
	CLI_PRINTF(2, 3);

/* "bellring: ..." on stderr; returns CLI_FAILED. */
int cli_error(const char *fmt, ...) CLI_PRINTF(1, 2);

/* Tells that memory ran out; returns CLI_FAILED. */
int cli_no_memory(void);

/* Flushes stdout; a failed write is told and CLI_FAILED. */
int cli_flush(void);

/* The commands of this system, ended by NULL; chosen in the makefile. */
extern const struct bell_cmd *const cli_commands[];
/* Commands that other systems have, ended by a name that is NULL. */
struct cli_elsewhere {
	const char *name;
	const char *where; /* they run, and what to do here */
};
extern const struct cli_elsewhere cli_elsewhere[];
/* The addresses of this system, for --help. */
extern const char cli_addresses[];

extern const struct bell_cmd cmd_doctor, cmd_libvirt, cmd_list, cmd_qemu;
extern const struct bell_cmd cmd_call, cmd_forward, cmd_pipe, cmd_serve;
extern const struct bell_cmd cmd_bench, cmd_bind, cmd_info, cmd_peers,
	cmd_ping, cmd_pub, cmd_recv, cmd_ring, cmd_send, cmd_server, cmd_sub,
	cmd_watch;

#endif
