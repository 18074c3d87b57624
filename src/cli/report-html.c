/* SPDX-License-Identifier: BSD-2-Clause */
/* A page with plots: a template, in which are the library and the JSON lines. */
#include "bench-page.h"
#include "bench-report.h"
#include "cli.h"
#include "sys.h"

#include <errno.h>
#include <string.h>

int report_html_possible(void)
{
	return CLI_DONE;
}

/*
 * The lines as one array. A "<" can only be in a text, where \u003c is the same: so
 * nothing that a peer calls itself ends the script or begins a comment.
 */
static void put_array(FILE *lines, FILE *file)
{
	int c, next;

	fputs("[\n", file);
	for (c = getc(lines); c != EOF; c = next) {
		next = getc(lines);
		if (c == '<')
			fputs("\\u003c", file);
		else if (c == '\n' && next != EOF)
			fputs(",\n", file);
		else
			putc(c, file);
	}
	fputs("]\n", file);
}

static int put_data(const struct bench *b, FILE *file)
{
	FILE *lines = sys_temporary();

	if (!lines)
		return cli_error("bench: --html: a temporary file: %s",
				 strerror(errno));
	report_json(b, lines);
	if (ferror(lines) || fflush(lines) != 0) {
		cli_error("bench: --html: a temporary file: %s", strerror(errno));
		fclose(lines);
		return CLI_FAILED;
	}
	rewind(lines);
	put_array(lines, file);
	fclose(lines);
	return CLI_DONE;
}

/* The word between @s that the line is; its length, 0 if it is none. */
static size_t word_of(const char *line, size_t len)
{
	return len > 2 && line[0] == '@' && line[len - 1] == '@' ? len - 2 : 0;
}

static int put_part(const struct bench *b, const char *word, size_t len,
		    FILE *file)
{
	const struct bench_page_part *p;

	for (p = bench_page_parts; p->word; p++)
		if (strlen(p->word) == len && memcmp(p->word, word, len) == 0) {
			fwrite(p->data, 1, p->size, file);
			return CLI_DONE;
		}
	return put_data(b, file); /* the only other word: "data" */
}

int report_html(const struct bench *b, FILE *file)
{
	const char *at = (const char *)bench_page.data, *end;
	size_t left = bench_page.size, len, word;
	int rc = CLI_DONE;

	while (left > 0 && rc == CLI_DONE) {
		end = memchr(at, '\n', left);
		len = end ? (size_t)(end - at) : left;
		word = word_of(at, len);
		if (word > 0)
			rc = put_part(b, at + 1, word, file);
		else
			fprintf(file, "%.*s\n", (int)len, at);
		len += end != NULL;
		at += len;
		left -= len;
	}
	return rc;
}
