/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench-page.h - the parts of the page that bellring bench --html writes
 *
 * Made by bench-page/embed.sh of the files beside it, and of Chart.js, which is no part
 * of the source.
 */
#ifndef CLI_BENCH_PAGE_H
#define CLI_BENCH_PAGE_H

#include <stddef.h>

/*
 * Bytes of a file. page has words between @s, each on a line of its own, where the
 * other parts go: "@page_css@".
 */
struct bench_page_part {
	const char *word; /* "page_css"; NULL ends the list */
	const unsigned char *data;
	size_t size;
};
extern const struct bench_page_part bench_page_parts[];
extern const struct bench_page_part bench_page;

#endif
