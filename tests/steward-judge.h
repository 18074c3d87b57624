/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steward-judge.h - what a sweep may change in a memory that stands still
 */
#ifndef BELL_STEWARD_JUDGE_H
#define BELL_STEWARD_JUDGE_H

#include "layout.h"
#include "steward.h"

#include <stddef.h>

/*
 * Compares size bytes of memory with a copy from before the sweep: slots of those
 * who are not there are dead, links that nobody uses are free, who lives was told
 * if a slot was marked, and nothing else is different. NULL, or what is wrong.
 */
const char *steward_judge(const void *before, const void *after, size_t size,
			  const struct layout *l, steward_there_fn *there, void *arg);

#endif
