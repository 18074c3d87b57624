/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* gettid() */
#include "asleep.h"

#include "testing.h"

#include <stdio.h>
#include <unistd.h>

int this_thread(void)
{
	return gettid();
}

/* As in /proc/[pid]/stat: 'S' sleeps. */
bool is_asleep(int thread)
{
	char path[64], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
	fclose(f);
	return state == 'S';
}
