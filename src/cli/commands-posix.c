/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands of hosts and Linux guests. */
#include "cli.h"

const char cli_addresses[] =
	"unix:PATH, pci:[DEVICE] or file:PATH; else $BELLRING_ADDRESS";

const struct bell_cmd *const cli_commands[] = {
	&cmd_info, &cmd_peers,   &cmd_ring, &cmd_watch, &cmd_send, &cmd_recv,
	&cmd_pipe, &cmd_forward, &cmd_call, &cmd_serve, &cmd_pub,  &cmd_sub,
	&cmd_ping, &cmd_list,    &cmd_bind, &cmd_bench, &cmd_doctor, &cmd_server,
	&cmd_qemu, &cmd_libvirt, NULL,
};

const struct cli_elsewhere cli_elsewhere[] = {
	{ NULL, NULL },
};
