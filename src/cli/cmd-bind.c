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

struct bind_args {
	int driver; /* the index into ports */
};

static const char *const ports[] = { "best", "module", "vfio", NULL };

static const struct option_row options[] = {
	{ 'd', "driver", "DRIVER", OPTION_CHOICE, offsetof(struct bind_args, driver), 0, 0,
	  ports, "best (default), module or vfio" },
	{ 0, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL },
};

static int run(struct session *s, const void *args, int argc, char **argv)
{
	const struct bind_args *a = args;
	const char *address = s->address;
	int rc;

	if (argc > 0)
		address = argv[0];
	else if (!address)
		address = getenv("BELLRING_ADDRESS");
	if (!address || !*address)
		address = "pci:";
	rc = bell_bind(address, a->driver == 0 ? NULL : ports[a->driver], say_step, s);
	return rc < 0 ? cli_fail(rc, "bind %s", address) : CLI_DONE;
}

const struct bell_cmd cmd_bind = {
	.name = "bind",
	.usage = "[-d DRIVER] [ADDRESS]",
	.summary = "in a guest: give the device to the driver that is needed",
	.more = "ADDRESS is pci: (the default) or pci:0000:00:03.0. Needs "
		"root.\nPrints each step; doing it again is harmless. The best "
		"driver is the one that\nhas the device, if it is one of these; else "
		"ivshmem_doorbell (module), if it is\ninstalled; else vfio-pci.\n",
	.options = options,
	.args_size = sizeof(struct bind_args),
	.operands_max = 1,
	.run = run,
};
