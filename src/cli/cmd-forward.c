/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring forward: UNIX and TCP connections through streams */
#include "cli.h"
#include "forward.h"

struct forward_args {
	bool serve;
	struct option_list allowed;
};

#define AT(field) offsetof(struct forward_args, field)
static const struct option_row options[] = {
	{ 's', "serve", NULL, OPTION_FLAG, AT(serve), 0, 0, NULL,
	  "be the far side: connect for others" },
	{ 256 + 16, "allow", "TARGET", OPTION_LIST, AT(allowed), 0, 0, NULL,
	  "where --serve may connect to; again for more" },
	{ 0, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL },
};
#undef AT

_Static_assert(sizeof(struct forward_args) <= CLI_ARGS_MAX, "cli.h");

static int run(struct session *s, const void *args, int argc, char **argv)
{
	const struct forward_args *a = args;

	if (a->serve && argc > 0)
		return cli_usage(&cmd_forward, "forward: %s: --serve takes no "
				 "arguments", argv[0]);
	if (a->serve)
		return forward_far(s, a->allowed.items, a->allowed.count);
	if (a->allowed.count > 0)
		return cli_usage(&cmd_forward, "forward: --allow goes with --serve");
	if (argc < 2)
		return cli_usage(&cmd_forward, "forward: LISTEN PEER:TARGET or "
				 "--serve is missing");
	return forward_near(s, argv[0], argv[1]);
}

const struct bell_cmd cmd_forward = {
	.name = "forward",
	.usage = "LISTEN PEER:TARGET | --serve [--allow TARGET]...",
	.summary = "carry TCP and UNIX connections to a peer",
	.more = "LISTEN and TARGET are tcp:PORT (on this machine only), "
		"tcp:HOST:PORT or unix:PATH.\nThe peer runs forward --serve, "
		"which connects to what --allow names and to nothing\nelse. "
		"Ends by a signal. -t bounds the opening of each connection "
		"(default 30\nseconds); -v tells of each connection when it ends.\n",
	.options = options,
	.args_size = sizeof(struct forward_args),
	.operands_min = 0,
	.operands_max = 2,
	.run = run,
};
