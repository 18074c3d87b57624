/* SPDX-License-Identifier: BSD-2-Clause */
#include "ticker.h"

#include "os.h"

#define QUIET_PART 8

uint64_t ticker_pace_ns(const struct ticker *t)
{
	uint64_t ns = (os_now_ns() - t->active) / QUIET_PART;

	if (ns < TICKER_MIN_NS)
		return TICKER_MIN_NS;
	return ns > TICKER_MAX_NS ? TICKER_MAX_NS : ns;
}
