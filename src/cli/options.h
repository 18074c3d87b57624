/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options.h - options as tables, parsed into a struct
 *
 * An option's row says how it is spelled, what its value may be and where the
 * value goes; parsing, its errors and --help all read the rows.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_type {
	OPTION_FLAG,    /* bool; takes no value */
	OPTION_NUMBER,  /* uint64_t; decimal, or hexadecimal after 0x */
	OPTION_SECONDS, /* int, milliseconds; "1.5" seconds */
	OPTION_TEXT,    /* const char *, borrowed from argv */
	OPTION_CHOICE,  /* int, the index into choices */
	OPTION_LIST     /* struct option_list; may be given again */
};

#define OPTION_LIST_MAX 64
struct option_list {
	const char *items[OPTION_LIST_MAX]; /* borrowed from argv */
	size_t count;
};

struct option_row {
	int key;          /* its letter; above 255: it has none */
	const char *name; /* long name; NULL ends a table */
	const char *value; /* what --help calls the value; NULL for a flag */
	enum option_type type;
	size_t offset;     /* into the struct that gets the value */
	uint64_t min, max; /* OPTION_NUMBER; both 0: any */
	const char *const *choices; /* OPTION_CHOICE; ends with NULL */
	const char *help;
};

/* One table and the struct that gets its values. */
struct option_set {
	const struct option_row *rows;
	void *values;
};

enum option_result {
	OPTION_OK,
	OPTION_HELP, /* -h or --help was there */
	OPTION_WRONG /* told on stderr as "bellring: WHO: ...", who may be NULL */
};

/*
 * Parses options of both sets from argv[1] on. With mixed, operands may stand
 * between options and are moved behind them; otherwise the first one ends it.
 * first gets the index of the first operand.
 */
enum option_result options_parse(const char *who, const struct option_set set[2],
				 bool mixed, int argc, char **argv, int *first);

/* One line an option. */
void options_help(const struct option_row *rows, FILE *file);

/* A whole number as OPTION_NUMBER takes it, between min and max. */
bool options_number(const char *text, uint64_t min, uint64_t max,
		    uint64_t *value);

#endif
