/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench-list.h"

#include "cli.h"

#include <string.h>

/* The next word, cut if it is too long for any; at gets where the list goes on. */
static const char *next_word(const char **at, char word[24])
{
	size_t len = strcspn(*at, ",");

	snprintf(word, 24, "%.*s", (int)(len < 24 ? len : 24), *at);
	*at = (*at)[len] ? *at + len + 1 : NULL;
	return word;
}

int bench_list_numbers(const struct bench_numbers *what, const char *list,
		       struct bench_list *out)
{
	const char *at = list;
	char word[24];

	for (out->count = 0; at; out->count++) {
		if (out->count == BENCH_LIST_MAX)
			return cli_error("bench: %s: more than %d %s",
					 what->option, BENCH_LIST_MAX,
					 what->plural);
		next_word(&at, word);
		if (!options_number(word, what->min, what->max,
				    &out->value[out->count]))
			return cli_error("bench: %s: %s: not a number from %llu "
					 "to %llu", what->option, word,
					 (unsigned long long)what->min,
					 (unsigned long long)what->max);
	}
	return CLI_DONE;
}

bool bench_list_has(const char *list, const char *word)
{
	const char *at = list;
	char one[24];

	while (at)
		if (strcmp(next_word(&at, one), word) == 0)
			return true;
	return false;
}

/* "trip, stream, idle" */
static const char *in_words(const char *const *words, char *buf, size_t size)
{
	size_t n = 0;

	for (; *words && n < size; words++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? ", " : "",
				      *words);
	return buf;
}

int bench_list_words(const char *option, const char *list,
		     const char *const *words)
{
	const char *at = list;
	char one[24], all[128];
	size_t i;

	while (at) {
		next_word(&at, one);
		for (i = 0; words[i] && strcmp(words[i], one) != 0; i++)
			;
		if (!words[i])
			return cli_error("bench: %s: %s: not one of %s", option,
					 one, in_words(words, all, sizeof(all)));
	}
	return CLI_DONE;
}
