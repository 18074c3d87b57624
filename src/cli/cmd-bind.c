/* SPDX-License-Identifier: BSD-2-Clause */
/* bellring bind: give this guest's device to the driver that a port needs */
#include "cli.h"
#include "json.h"

#include <stdlib.h>

static void say_step(void *arg, const char *line)
{
	const struct session *s = arg;
	struct json j;

	if (!s->json) {
		printf("%s\n", line);
		fflush(stdout);
		return;
	}
	json_begin(&j, stdout);
	json_text(&j, "step", line);
	json_end(&j);
}

static int run(struct session *s, const void *args, int argc, char **argv)
{
	const char *address = s->address;
	int rc;

	(void)args;
	if (argc > 0)
		address = argv[0];
	else if (!address)
		address = getenv("BELLRING_ADDRESS");
	if (!address || !*address)
		address = "pci:";
	rc = bell_bind(address, say_step, s);
	return rc < 0 ? cli_fail(rc, "bind %s", address) : CLI_DONE;
}

const struct bell_cmd cmd_bind = {
	.name = "bind",
	.usage = "[ADDRESS]",
	.summary = "in a guest: give the device to the driver that is needed",
	.more = "ADDRESS is pci: (the default) or pci:0000:00:03.0. Needs "
		"root.\nPrints each step; doing it again is harmless.\n",
	.operands_max = 1,
	.run = run,
};
