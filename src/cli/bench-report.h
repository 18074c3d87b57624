/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench-report.h - what bellring bench found, in its forms
 *
 *   report.c        which forms, and where they go
 *   report-table.c  text for a terminal
 *   report-json.c   one object a line
 *   report-csv.c    one row a figure
 *   report-html.c   a page with plots; report-html-none.c: built without
 *   bench-ratios.c  what is compared with what
 */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H

#include "bench.h"

#include <stdio.h>

/* Where the forms go that have a file. */
struct bench_outputs {
	FILE *csv, *html; /* owned, or stdout; NULL: not wanted */
};

/*
 * Opens the files before anything is measured. An enum cli_exit, failures told: two
 * forms on standard output are wrong usage.
 */
int bench_outputs_open(struct bench_outputs *o, const struct bench *b);
/* All zero is fine. */
void bench_outputs_close(struct bench_outputs *o);
/* Writes all forms. An enum cli_exit, failures told. */
int bench_report(struct bench *b, struct bench_outputs *o);

/* ---- the forms, after series_finish(); enum cli_exit, failures told ---- */

int report_table(const struct bench *b);
void report_json(const struct bench *b, FILE *file);
void report_csv(const struct bench *b, FILE *file);
int report_html(const struct bench *b, FILE *file);
/* A page can be written: CLI_DONE, or told what is missing. */
int report_html_possible(void);

/* Seven significant digits at least, and a point whatever the language. */
void report_number(FILE *file, double value);

/* ---- bench-ratios.c ---- */

struct bench_ratio {
	char name[48];     /* a word for JSON: "interrupt/eventfd" */
	char of[48], to[48]; /* for people */
	uint32_t size;     /* bytes; 0: has none */
	uint32_t every_us; /* 0: has none */
	uint32_t senders;  /* 0: has none */
	double value;
};
#define BENCH_RATIOS_MAX 64

/* By the medians of the rounds. Returns how many there are. */
size_t bench_ratios(const struct bench *b,
		    struct bench_ratio ratio[BENCH_RATIOS_MAX]);

#endif
