/* SPDX-License-Identifier: BSD-2-Clause */
/* Which ports a Linux build has, in the order in which they are tried. */
#include "port.h"

extern const struct bell_port_ops bell_port_unix; /* server-client/host.c */
extern const struct bell_port_ops bell_port_module; /* guest-linux/module.c */
extern const struct bell_port_ops bell_port_vfio; /* guest-linux/vfio.c */
extern const struct bell_port_ops bell_port_sysfs; /* guest-linux/sysfs.c */
extern const struct bell_port_ops bell_port_file; /* file.c */

const struct bell_port_ops *const bell_ports[] = {
	&bell_port_unix,
	&bell_port_module,
	&bell_port_vfio,
	&bell_port_sysfs,
	&bell_port_file,
	NULL,
};
