/* SPDX-License-Identifier: BSD-2-Clause */
/* Which ports a Linux build has, in the order in which they are tried. */
#include "port.h"

const struct bell_port_ops *const bell_ports[] = {
	NULL,
};
