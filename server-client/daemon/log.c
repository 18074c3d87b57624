/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

static struct {
	const char *program;
	bool verbose;
	bool syslog;
} log_state = { "bellring-server", false, false };

void log_init(const char *program, bool verbose)
{
	log_state.program = program;
	log_state.verbose = verbose;
}

void log_to_syslog(void)
{
	openlog(log_state.program, LOG_PID, LOG_DAEMON);
	log_state.syslog = true;
}

static void say(int priority, const char *fmt, va_list args) BELL_PRINTF(2, 0);

static void say(int priority, const char *fmt, va_list args)
{
	char line[1400];

	if (log_state.syslog) {
		vsyslog(priority, fmt, args);
		return;
	}
	/* One write a line, so that lines of several processes do not mix. */
	vsnprintf(line, sizeof(line), fmt, args);
	fprintf(stderr, "%s: %s\n", log_state.program, line);
}

void log_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(LOG_ERR, fmt, args);
	va_end(args);
}

void log_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(LOG_INFO, fmt, args);
	va_end(args);
}

void log_debug(const char *fmt, ...)
{
	va_list args;

	if (!log_state.verbose)
		return;
	va_start(args, fmt);
	say(LOG_DEBUG, fmt, args);
	va_end(args);
}
