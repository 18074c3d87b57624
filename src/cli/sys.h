/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys.h - the little that the tool asks of an operating system
 *
 * Implemented once a system (sys-posix.c), chosen in the makefile, so that the
 * commands include no system header.
 */
#ifndef CLI_SYS_H
#define CLI_SYS_H

#include "bellring.h"

#include <stdbool.h>
#include <stdio.h>

#define SYS_NS_PER_MS UINT64_C(1000000)
#define SYS_NS_PER_S UINT64_C(1000000000)
#define SYS_NEVER UINT64_MAX

/*
 * To be called first: from then on arguments are UTF-8, and so is what a terminal
 * is given; and last, which leaves the terminal as it was. 0, -BELL_ENOMEM.
 */
int sys_begin(int *argc, char ***argv);
void sys_end(void);

/*
 * SIGINT and SIGTERM (Ctrl-C) set the flag of sys_stopped() and end sys_wait();
 * a second one kills. A closed pipe is a write error and no signal. Again in a
 * forked child, which must not share its parent's wake-up. 0, or -BELL_EIO
 * after telling why.
 */
int sys_catch_signals(void);
bool sys_stopped(void);
/* Signalled once sys_stopped(). */
bell_handle_t sys_stop_handle(void);

/* As many open descriptors as allowed: there is one a vector of each peer. */
void sys_raise_limits(void);
/* How many there might have been before: what else is started here has that. */
uint64_t sys_files_limit(void);

/*
 * Waits until the handle is signalled, a signal came, or timeout_ms is over
 * (-1: for ever). Tells nothing: the caller looks at what it waited for.
 * -BELL_EIO after telling why.
 */
int sys_wait(bell_handle_t handle, int timeout_ms);
/* The same; 1 if there is something to read in the file, or its end, else 0. */
int sys_wait_input(FILE *file, bell_handle_t handle, int timeout_ms);

/* Monotonic clock, and CPU time of this process (user and system), ns. */
uint64_t sys_now_ns(void);
uint64_t sys_cpu_ns(void);

/* The point on the monotonic clock in timeout_ms; SYS_NEVER for -1. */
uint64_t sys_deadline(int timeout_ms);
/* Rest until then in ms, rounded up; -1 for SYS_NEVER, 0 when it is over. */
int sys_left_ms(uint64_t deadline);

bool sys_is_terminal(FILE *file);
/* What goes back to the begin of a terminal's line, and erases it. */
const char *sys_erase(void);
/* fopen() of a path in UTF-8, to read it or to write it anew; NULL with errno set. */
FILE *sys_open(const char *path, bool write);
/* No translation of line ends. */
void sys_binary(FILE *file);
/*
 * Bytes of a regular file from where it stands; BELL_UNKNOWN for all else, and
 * for 0, as of files that are made up while they are read.
 */
uint64_t sys_file_rest(FILE *file);
/*
 * What there is of the file, without its buffer; waits if there is nothing yet.
 * Bytes, 0 at its end, -BELL_EINTR once sys_stopped(), -BELL_EIO with errno set.
 */
int64_t sys_read(FILE *file, void *buf, size_t size);
/* Where the file's next byte is read or written. 0, -BELL_EIO with errno set. */
int sys_seek(FILE *file, uint64_t offset);
/* An empty file, gone when closed; NULL with errno set. */
FILE *sys_temporary(void);
/* Local time with microseconds and zone, ISO 8601; "" if unknown. */
void sys_timestamp(char *buf, size_t size);
uint32_t sys_pid(void);
/* The path of what exists, as it is from anywhere; false with errno set. */
bool sys_absolute(const char *path, char *buf, size_t size);

#endif
