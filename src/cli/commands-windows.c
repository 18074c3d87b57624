/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands of Windows guests. */
#include "cli.h"

const char cli_addresses[] = "pci:[DEVICE]; else %BELLRING_ADDRESS%";

const struct bell_cmd *const cli_commands[] = {
	&cmd_info,  &cmd_peers,  &cmd_ring, &cmd_watch, &cmd_send, &cmd_recv,
	&cmd_pipe,  &cmd_forward, &cmd_call, &cmd_serve, &cmd_pub, &cmd_sub,
	&cmd_ping,  &cmd_list,   &cmd_bench, &cmd_doctor, NULL,
};

#define ON_THE_HOST "runs on the host, beside QEMU"

const struct cli_elsewhere cli_elsewhere[] = {
	{ "server", ON_THE_HOST },
	{ "qemu", ON_THE_HOST },
	{ "libvirt", ON_THE_HOST },
	{ "bind", "is for Linux guests; here virtio-win's driver is installed once, "
		  "and bellring doctor tells how" },
	{ NULL, NULL },
};
