/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz-config.c - any bytes as a configuration file of the server
 *
 * Input: a byte that says what the command line has set before, then the file.
 * What comes of it is printed and read again, which must be the same.
 */
#include "conffile.h"
#include "hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a command line may have said. */
static const char *const before[][2] = {
	{ "vectors", "3" }, { "memory-dir", "/x" }, { "no-control", "yes" },
	{ "allow-user", "0" }, { "keep", "no" },
};

struct told {
	size_t count;
	unsigned line;
};

static void on_error(void *arg, unsigned line, const char *text)
{
	struct told *told = arg;

	always(line > told->line); /* one error a line, in order */
	always(text[0] != '\0');
	told->line = line;
	told->count++;
}

static void begin(struct options *o, unsigned bits)
{
	always(options_init(o) == 0);
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
		if (bits >> i & 1)
			always(settings_set(o, settings_find(before[i][0]),
					    before[i][1], FROM_COMMAND_LINE,
					    0) == 0);
}

/* All that is set, as a file; to be freed. */
static char *printed(const struct options *o, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	always(f != NULL);
	settings_print(o, f);
	always(fclose(f) == 0);
	return text;
}

/* Presets are in what is printed, and so are those of the command line. */
static void check_again(const struct options *o)
{
	struct options again;
	struct told told = { 0 };
	size_t len, len_again;
	char *text = printed(o, &len), *text_again;

	begin(&again, 0);
	always(conffile_parse(&again, text, len, on_error, &told) == 0);
	text_again = printed(&again, &len_again);
	always(len == len_again && memcmp(text, text_again, len) == 0);
	free(text);
	free(text_again);
	options_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct told told = { 0 };
	struct options o;
	size_t errors;

	begin(&o, input_u8(&in));
	errors = conffile_parse(&o, (const char *)in.data, in.size, on_error,
				&told);
	always(errors == told.count);
	always(o.server.vectors >= 1 && o.server.vectors <= 256);
	if (errors == 0)
		check_again(&o);
	options_done(&o);
	return 0;
}
