/* SPDX-License-Identifier: BSD-2-Clause */
/* Timeouts as points in time: what sys.h has that is the same on every system. */
#include "sys.h"

#include <limits.h>

uint64_t sys_deadline(int timeout_ms)
{
	if (timeout_ms < 0)
		return SYS_NEVER;
	return sys_now_ns() + (uint64_t)timeout_ms * SYS_NS_PER_MS;
}

int sys_left_ms(uint64_t deadline)
{
	uint64_t now = sys_now_ns(), ms;

	if (deadline == SYS_NEVER)
		return -1;
	if (now >= deadline)
		return 0;
	ms = (deadline - now + SYS_NS_PER_MS - 1) / SYS_NS_PER_MS;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}
