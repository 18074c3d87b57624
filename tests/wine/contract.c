/* SPDX-License-Identifier: BSD-2-Clause */
#include "contract.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct contract *c, const char *format, va_list args)
{
	size_t used = strlen(c->note);

	if (used && used + 2 < sizeof(c->note)) {
		strcat(c->note, "; ");
		used += 2;
	}
	vsnprintf(c->note + used, sizeof(c->note) - used, format, args);
}

void seen(struct contract *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(c, format, args);
	va_end(args);
}

void failed(struct contract *c, const char *format, ...)
{
	va_list args;

	c->failures++;
	va_start(args, format);
	add(c, format, args);
	va_end(args);
}

void skip(struct contract *c, const char *why)
{
	c->skipped = 1;
	seen(c, "%s", why);
}

int wants(struct contract *c, const char *what, DWORD error, DWORD wanted)
{
	if (error == wanted)
		return 1;
	failed(c, "%s: error %lu, not %lu", what, error, wanted);
	return 0;
}

/* ---- the run --------------------------------------------------------------------------- */

struct counts {
	unsigned number;
	unsigned failed;
	unsigned skipped;
};

static void run_one(struct contract *c, const struct check *check, struct counts *counts)
{
	const char *verdict = "ok";

	c->failures = c->skipped = 0;
	c->note[0] = 0;
	check->run(c);
	if (c->failures) {
		verdict = "not ok";
		counts->failed++;
	} else if (c->skipped) {
		verdict = "skip";
		counts->skipped++;
	}
	printf("%s %u - %s%s%s\n", verdict, ++counts->number, check->name, c->note[0] ? ": " : "",
	       c->note);
	fflush(stdout);
}

static void run_all(struct contract *c, const struct check *checks, struct counts *counts)
{
	for (; checks->name; checks++)
		run_one(c, checks, counts);
}

static int run(struct contract *c)
{
	struct counts counts = {0, 0, 0};

	run_all(c, request_checks, &counts);
	run_all(c, memory_checks, &counts);
	run_all(c, event_checks, &counts);
	run_all(c, slot_checks, &counts);
	printf("# %u checks, %u failed, %u skipped: the driver %s what Bellring relies on\n",
	       counts.number, counts.failed, counts.skipped,
	       counts.failed ? "does NOT keep" : "keeps");
	return counts.failed ? 1 : 0;
}

static int usage(void)
{
	fputs("usage: bellring-contract [DEVICE]\n"
	      "Checks the ivshmem driver. DEVICE is a number, 0 for the first one; nobody\n"
	      "else may use the device meanwhile.\n"
	      "Exit status: 0 all is as expected, 1 something is not, 2 no such device.\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct contract c = {.program = argv[0]};
	unsigned number = 0;
	char *path;
	int rc;

	SetConsoleOutputCP(CP_UTF8);
	if (argc == 3 && !strcmp(argv[1], "--hold")) {
		c.path = argv[2];
		return hold(&c);
	}
	if (argc > 2 || (argc == 2 && (argv[1][0] < '0' || argv[1][0] > '9')))
		return usage();
	if (argc == 2)
		number = (unsigned)strtoul(argv[1], NULL, 10);
	system_print(number);
	path = system_device(number);
	if (!path) {
		fprintf(stderr, "no ivshmem device of number %u with a driver\n", number);
		return 2;
	}
	printf("# %s\n", path);
	c.path = path;
	rc = run(&c);
	free(path);
	return rc;
}
