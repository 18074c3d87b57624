/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include "loglimit.h"
#include "os.h"
#include "printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define LINE 6144

enum target { UNKNOWN, STDERR, JOURNAL, SYSLOG };

static struct {
	const char *program;
	bool verbose;
	enum target target;
	struct loglimit limit;
	void (*on_hold)(void *);
	void *arg;
} state = { .program = "bellring-server" };

/* ---- where to ------------------------------------------------------------------ */

/* The variable alone does not tell: stderr may have been led elsewhere since. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == (dev_t)dev &&
	       st.st_ino == (ino_t)ino;
}

static void emit(int priority, bool named, const char *line)
{
	if (state.target == UNKNOWN)
		state.target = is_journal() ? JOURNAL : STDERR;
	/* One write a line, so that lines of several processes do not mix. */
	if (state.target == SYSLOG)
		syslog(priority, "%s", line);
	else if (state.target == JOURNAL)
		fprintf(stderr, "<%d>%s\n", priority, line);
	else if (named)
		fprintf(stderr, "%s: %s\n", state.program, line);
	else
		fprintf(stderr, "%s\n", line);
}

void log_init(const char *program, bool verbose)
{
	state.program = program;
	state.verbose = verbose;
}

void log_to_syslog(void)
{
	openlog(state.program, LOG_PID, LOG_DAEMON);
	state.target = SYSLOG;
}

/* ---- how many ------------------------------------------------------------------ */

static void tell_held(void *arg, int priority, unsigned long count,
		      const char *last)
{
	char line[LOGLIMIT_LAST + 64];

	(void)arg;
	snprintf(line, sizeof(line), "... %lu more like this: %s", count, last);
	emit(priority, true, line);
}

static bool is_held_back(int priority, const char *fmt, const char *line)
{
	uint64_t now = os_now_ns();
	bool first;

	loglimit_over(&state.limit, now, tell_held, NULL);
	if (loglimit_pass(&state.limit, now, priority, fmt, line, &first))
		return false;
	if (first && state.on_hold)
		state.on_hold(state.arg);
	return true;
}

void log_limit(unsigned a_second)
{
	state.limit.rate = a_second;
}

void log_on_hold(void (*fn)(void *), void *arg)
{
	state.on_hold = fn;
	state.arg = arg;
}

void log_flush(void)
{
	loglimit_over(&state.limit, UINT64_MAX, tell_held, NULL);
}

/* ---- saying it ------------------------------------------------------------------- */

static void say(int priority, bool named, const char *fmt, va_list args)
	BELL_PRINTF(3, 0);

static void say(int priority, bool named, const char *fmt, va_list args)
{
	char raw[LINE], line[LINE];

	vsnprintf(raw, sizeof(raw), fmt, args);
	printable(raw, line, sizeof(line));
	if (!named || !is_held_back(priority, fmt, line))
		emit(priority, named, line);
}

void log_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(LOG_ERR, true, fmt, args);
	va_end(args);
}

void log_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(LOG_INFO, true, fmt, args);
	va_end(args);
}

void log_debug(const char *fmt, ...)
{
	va_list args;

	if (!state.verbose)
		return;
	va_start(args, fmt);
	say(LOG_DEBUG, true, fmt, args);
	va_end(args);
}

void log_bare(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(LOG_ERR, false, fmt, args);
	va_end(args);
}
