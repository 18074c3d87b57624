/* SPDX-License-Identifier: BSD-2-Clause */
/* Servers are on the host, which Windows is not. */
#include "sockets.h"

#include <errno.h>

const char sockets_places[] = "";

void sockets_find(const char *first, struct sockets *out)
{
	(void)first;
	out->count = 0;
}

bool sockets_file(const char *path, struct sockets_file *out)
{
	(void)path, (void)out;
	errno = ENOENT;
	return false;
}

bool sockets_kvm(void)
{
	return false;
}
