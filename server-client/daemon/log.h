/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.h - what the server tells its administrator: on stderr, to the journal
 * or to syslog
 *
 * Each is one line without the newline: object, action, cause. What others can
 * choose may be in it: it is made printable.
 *
 * Where stderr is the journal's (JOURNAL_STREAM, see systemd.exec(5)), a line has
 * its priority before it ("<3>") and not the program's name.
 */
#ifndef BELL_LOG_H
#define BELL_LOG_H

#include "error.h"

#include <stdbool.h>

/* Name before each line, and whether log_debug() says anything. */
void log_init(const char *program, bool verbose);
/* From here on to syslog (facility daemon), for lack of a stderr. */
void log_to_syslog(void);

/*
 * So many like messages a second are told; of further ones only how many there
 * were, once that second is over, as "... 12 more like this: THE LAST OF THEM".
 * Like are those of one format, and of "%s" those that differ in digits alone.
 * 0: all are told, as before the first call.
 */
void log_limit(unsigned a_second);
/*
 * Calls fn when a message is held back, and no other is: log_flush() is wanted a
 * second later. Without it, the next message or the end tells.
 */
void log_on_hold(void (*fn)(void *), void *arg);
/* Tells of what is held back. */
void log_flush(void);

void log_error(const char *fmt, ...) BELL_PRINTF(1, 2);
void log_info(const char *fmt, ...) BELL_PRINTF(1, 2);
void log_debug(const char *fmt, ...) BELL_PRINTF(1, 2);
/* An error without the program's name before it, and never held back. */
void log_bare(const char *fmt, ...) BELL_PRINTF(1, 2);

#endif
