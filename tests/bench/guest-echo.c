/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest-echo.c - one side of what bench-guest.py measures
 *
 * The same program in the guest and on the host, so that all ways are measured by
 * the same code.
 */
#include "guest-echo.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int args;
	void (*run)(char **args);
	const char *usage;
} commands[] = {
	{ "serve", 1, talk_serve, "CHANNEL" },
	{ "drive", 3, talk_drive, "CHANNEL TRIPS BLOCKS" },
	{ "bare", 1, bare_serve, "WAY" },
	{ "drive-bare", 3, bare_drive, "ADDRESS PEER TRIPS" },
	{ "rings", 3, cost_rings, "WAY PEER COUNT" },
	{ "memory", 1, cost_memory, "WAY" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; argc > 1 && i < COMMANDS; i++) {
		if (strcmp(commands[i].name, argv[1]) != 0 ||
		    commands[i].args != argc - 2)
			continue;
		commands[i].run(argv + 2);
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(stderr, "%s guest-echo %s %s\n", i == 0 ? "usage:" : "      ",
			commands[i].name, commands[i].usage);
	return 2;
}
