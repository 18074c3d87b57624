/* SPDX-License-Identifier: BSD-2-Clause */
#include "doctor.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *doctor_result_name(enum doctor_result result)
{
	static const char *const names[DOCTOR_RESULTS] = { "ok", "warning", "failure",
							   "skipped" };

	return names[result];
}

/* Names of files, and what servers and machines say, may hold anything. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			*text = '?';
}

void doctor_try(struct doctor *d, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(d->remedy, sizeof(d->remedy), fmt, args);
	va_end(args);
	make_printable(d->remedy);
}

void doctor_tell(struct doctor *d, enum doctor_result result, const char *fmt, ...)
{
	char what[DOCTOR_TEXT];
	struct doctor_line line = { .check = d->check, .result = result,
				    .what = what, .remedy = d->remedy };
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	make_printable(what);
	d->count[result]++;
	d->line(d->arg, &line);
	d->remedy[0] = '\0';
}

static const struct {
	const char *prefix;
	enum doctor_side side;
} sides[] = { { "unix:", DOCTOR_HOST }, { "pci:", DOCTOR_GUEST },
	      { "file:", DOCTOR_FILE } };

enum doctor_side doctor_side_of(const char *address)
{
	size_t i;

	for (i = 0; i < sizeof(sides) / sizeof(sides[0]); i++)
		if (strncmp(address, sides[i].prefix, strlen(sides[i].prefix)) == 0)
			return sides[i].side;
	return 0;
}

const char *doctor_place(const struct doctor *d)
{
	return strchr(d->address, ':') + 1;
}

const char *doctor_word(struct doctor *d)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-+=./:@%,";
	const char *place = doctor_place(d);
	size_t n = 0;

	if (!place[strspn(place, plain)])
		return place;
	d->word[n++] = '\'';
	for (; *place && n < sizeof(d->word) - 6; place++) {
		if (*place == '\'')
			n += (size_t)snprintf(d->word + n, 5, "'\\''");
		else
			d->word[n++] = *place;
	}
	d->word[n++] = '\'';
	d->word[n] = '\0';
	return d->word;
}

static void run_one(struct doctor *d, const struct doctor_check *c)
{
	d->check = c->name;
	if (c->needs_peer && !d->peer)
		doctor_tell(d, DOCTOR_SKIPPED, "nothing was opened");
	else
		c->run(d);
}

void doctor_run(struct doctor *d, const char *only)
{
	const struct doctor_check *const *table, *c;

	for (table = doctor_tables; *table; table++)
		for (c = *table; c->name; c++)
			if ((c->sides & d->side) && (!only || strcmp(only, c->name) == 0))
				run_one(d, c);
}

void doctor_done(struct doctor *d)
{
	bell_close(d->peer);
	d->peer = NULL;
}
