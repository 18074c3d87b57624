/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring server, for machines without one, as guests: what needs no more */
#include "cli.h"

static int run(struct session *s, const void *args, int argc, char **argv)
{
	(void)s, (void)args, (void)argc, (void)argv;
	return cli_error("server: not in this program, which is made for guests; "
			 "a server is controlled on its host");
}

const struct bell_cmd cmd_server = {
	.name = "server",
	.usage = "...",
	.summary = "control a bellring-server; on its host only, not with this program",
	.operands_max = 2,
	.run = run,
};
