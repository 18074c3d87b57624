/* SPDX-License-Identifier: BSD-2-Clause */
/* Which ports a Windows build has. */
#include "port.h"

extern const struct bell_port_ops bell_port_driver; /* port.c */

const struct bell_port_ops *const bell_ports[] = {
	&bell_port_driver,
	NULL,
};
