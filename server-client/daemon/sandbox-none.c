/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox-none.c - a build without libcap-ng and libseccomp
 *
 * The server still becomes another user, by which the kernel takes root's
 * capabilities from it, and gets no new privileges.
 */
#include "sandbox-lock.h"

#include <unistd.h>

int sandbox_drop_bounds(void)
{
	return 0;
}

int sandbox_drop_capabilities(void)
{
	return 0;
}

bool sandbox_has_capabilities(void)
{
	return geteuid() == 0;
}

int sandbox_filter_calls(void)
{
	return 0;
}

bool sandbox_calls_filtered(void)
{
	return false;
}
