/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 32
#define SECONDS_MAX (INT_MAX / 1000)

/* What getopt_long() wants, built from both sets. */
struct getopt_args {
	struct option longs[OPTIONS_MAX + 2];
	char shorts[2 * OPTIONS_MAX + 8];
	size_t count, length;
};

static void put_short(struct getopt_args *g, char c)
{
	g->shorts[g->length++] = c;
	g->shorts[g->length] = '\0';
}

static void put_option(struct getopt_args *g, int key, const char *name,
		       bool value)
{
	struct option *o = &g->longs[g->count];

	if (g->count >= OPTIONS_MAX)
		abort(); /* a table outgrew OPTIONS_MAX */
	o->name = name;
	o->has_arg = value ? required_argument : no_argument;
	o->val = key;
	g->count++;
	if (key > UCHAR_MAX)
		return;
	put_short(g, (char)key);
	if (value)
		put_short(g, ':');
}

static void build(struct getopt_args *g, const struct option_set set[2],
		  bool mixed)
{
	const struct option_row *row;
	int i;

	memset(g, 0, sizeof(*g));
	if (!mixed)
		put_short(g, '+');
	put_short(g, ':'); /* a missing value is told apart */
	put_option(g, 'h', "help", false);
	for (i = 0; i < 2; i++)
		for (row = set[i].rows; row && row->name; row++)
			put_option(g, row->key, row->name,
				   row->type != OPTION_FLAG);
}

static const struct option_row *find_row(const struct option_set set[2], int key,
					 void **values)
{
	const struct option_row *row;
	int i;

	for (i = 0; i < 2; i++)
		for (row = set[i].rows; row && row->name; row++)
			if (row->key == key) {
				*values = set[i].values;
				return row;
			}
	return NULL;
}

bool options_number(const char *text, uint64_t min, uint64_t max,
		    uint64_t *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned long long v;
	char *end;

	/* strtoull() takes signs and blanks: a digit first. */
	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	v = strtoull(text, &end, hex ? 16 : 10);
	if (errno || *end != '\0' || v < min || v > max)
		return false;
	*value = v;
	return true;
}

static bool parse_seconds(const char *text, int *ms)
{
	char *end;
	double v;

	if (!strchr("0123456789.", text[0]))
		return false;
	v = strtod(text, &end);
	/* Not a number is in no range. */
	if (end == text || *end != '\0' || !(v >= 0 && v <= SECONDS_MAX))
		return false;
	*ms = (int)(v * 1000);
	*ms += *ms < v * 1000; /* up: 0 would not wait */
	return true;
}

static bool parse_choice(const char *text, const char *const *choices,
			 int *value)
{
	int i;

	for (i = 0; choices[i]; i++)
		if (strcmp(choices[i], text) == 0) {
			*value = i;
			return true;
		}
	return false;
}

static bool add_item(struct option_list *list, const char *text)
{
	if (list->count == OPTION_LIST_MAX)
		return false;
	list->items[list->count++] = text;
	return true;
}

static bool set_value(const struct option_row *row, void *values,
		      const char *text)
{
	void *to = (char *)values + row->offset;
	uint64_t max = row->max ? row->max : UINT64_MAX;

	switch (row->type) {
	case OPTION_FLAG:
		*(bool *)to = true;
		return true;
	case OPTION_NUMBER:
		return options_number(text, row->min, max, (uint64_t *)to);
	case OPTION_SECONDS:
		return parse_seconds(text, (int *)to);
	case OPTION_CHOICE:
		return parse_choice(text, row->choices, (int *)to);
	case OPTION_TEXT:
		*(const char **)to = text;
		return true;
	case OPTION_LIST:
		return add_item(to, text);
	}
	return false;
}

static void say_wanted(const struct option_row *row)
{
	int i;

	switch (row->type) {
	case OPTION_NUMBER:
		if (row->max)
			fprintf(stderr, "not a number from %llu to %llu\n",
				(unsigned long long)row->min,
				(unsigned long long)row->max);
		else
			fprintf(stderr, "not a number of %llu or more\n",
				(unsigned long long)row->min);
		break;
	case OPTION_SECONDS:
		fprintf(stderr, "not a number of seconds\n");
		break;
	case OPTION_CHOICE:
		fprintf(stderr, "not one of");
		for (i = 0; row->choices[i]; i++)
			fprintf(stderr, " %s", row->choices[i]);
		fputc('\n', stderr);
		break;
	case OPTION_LIST:
		fprintf(stderr, "more than %d of them\n", OPTION_LIST_MAX);
		break;
	default:
		fputs("not accepted\n", stderr);
	}
}

static void say_who(const char *who)
{
	fprintf(stderr, "bellring: %s%s", who ? who : "", who ? ": " : "");
}

/* optopt is the letter of a short option, 0 for a long one: getopt(3). */
static void say_unknown(const char *who, int result, char **argv)
{
	const char *what = result == ':' ? "needs a value" : "unknown option";
	/* A long option that needs a value, or has one too many, gives its key. */
	bool is_long = strncmp(argv[optind - 1], "--", 2) == 0;

	say_who(who);
	if (optopt && optopt <= UCHAR_MAX && !is_long)
		fprintf(stderr, "-%c: %s\n", optopt, what);
	else if (optopt && result == '?')
		fprintf(stderr, "%s: takes no value\n", argv[optind - 1]);
	else
		fprintf(stderr, "%s: %s\n", argv[optind - 1], what);
}

enum option_result options_parse(const char *who, const struct option_set set[2],
				 bool mixed, int argc, char **argv, int *first)
{
	const struct option_row *row;
	struct getopt_args g;
	void *values = NULL;
	int key;

	build(&g, set, mixed);
	optind = 0; /* starts afresh with new arguments: getopt(3), NOTES */
	opterr = 0;
	while ((key = getopt_long(argc, argv, g.shorts, g.longs, NULL)) != -1) {
		if (key == 'h')
			return OPTION_HELP;
		row = find_row(set, key, &values);
		if (!row) {
			say_unknown(who, key, argv);
			return OPTION_WRONG;
		}
		if (!set_value(row, values, optarg)) {
			say_who(who);
			fprintf(stderr, "--%s %s: ", row->name, optarg);
			say_wanted(row);
			return OPTION_WRONG;
		}
	}
	*first = optind;
	return OPTION_OK;
}

void options_help(const struct option_row *rows, FILE *file)
{
	const struct option_row *row;
	char left[48];
	int n;

	for (row = rows; row && row->name; row++) {
		n = row->key <= UCHAR_MAX ?
			    snprintf(left, sizeof(left), "-%c, ", row->key) :
			    snprintf(left, sizeof(left), "    ");
		snprintf(left + n, sizeof(left) - (size_t)n, "--%s%s%s",
			 row->name, row->value ? " " : "",
			 row->value ? row->value : "");
		fprintf(file, "  %-28s %s\n", left, row->help);
	}
}
