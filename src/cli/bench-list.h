/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench-list.h - options of bellring bench that are lists: "8,64" or "trip,idle"
 */
#ifndef CLI_BENCH_LIST_H
#define CLI_BENCH_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_LIST_MAX 8 /* values */

struct bench_list {
	uint64_t value[BENCH_LIST_MAX];
	size_t count;
};

/* An option that takes numbers. */
struct bench_numbers {
	const char *option; /* "--sizes" */
	const char *plural; /* "sizes" */
	uint64_t min, max;
};

/* Its values. An enum cli_exit, a wrong list told. */
int bench_list_numbers(const struct bench_numbers *what, const char *list,
		       struct bench_list *out);
/* The word is in the list. */
bool bench_list_has(const char *list, const char *word);
/*
 * Every word of the list is one of words, which a NULL ends. An enum cli_exit, a
 * wrong one told.
 */
int bench_list_words(const char *option, const char *list,
		     const char *const *words);

#endif
