/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.h - what the server tells its administrator, on stderr or to syslog
 */
#ifndef BELL_LOG_H
#define BELL_LOG_H

#include "error.h"

#include <stdbool.h>

/* Name before each line, and whether log_debug() says anything. */
void log_init(const char *program, bool verbose);
/* From here on to syslog (facility daemon), for lack of a stderr. */
void log_to_syslog(void);

/* One line each, without the newline: object, action, cause. */
void log_error(const char *fmt, ...) BELL_PRINTF(1, 2);
void log_info(const char *fmt, ...) BELL_PRINTF(1, 2);
void log_debug(const char *fmt, ...) BELL_PRINTF(1, 2);

#endif
