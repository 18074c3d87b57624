/* SPDX-License-Identifier: BSD-2-Clause */
#include "sandbox-lock.h"

#include "error.h"

#include <cap-ng.h>

static int drop(capng_select_t sets, const char *what)
{
	if (capng_get_caps_process() < 0)
		return error_detail(BELL_EIO, "sandbox: capabilities: cannot be read");
	capng_clear(sets);
	if (capng_apply(sets) == 0)
		return 0;
	return error_detail(BELL_EPERM, "sandbox: dropping %s: refused", what);
}

int sandbox_drop_bounds(void)
{
	if (capng_get_caps_process() < 0 ||
	    !capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		return 0;
	return drop(CAPNG_SELECT_BOUNDS, "the bounding set of capabilities");
}

int sandbox_drop_capabilities(void)
{
	return drop(CAPNG_SELECT_CAPS, "capabilities");
}

bool sandbox_has_capabilities(void)
{
	return capng_get_caps_process() < 0 ||
	       capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE;
}
