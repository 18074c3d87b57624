/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox-lock.h - the parts of the sandbox that need libraries
 *
 * By libcap-ng in sandbox-caps.c and libseccomp in sandbox-calls.c; without them
 * sandbox-none.c takes the place of both. Each may be called again by a program
 * that was executed in the sandbox. All return 0, or -BELL_EPERM, -BELL_EIO,
 * -BELL_ENOMEM with a detail.
 */
#ifndef BELL_SANDBOX_LOCK_H
#define BELL_SANDBOX_LOCK_H

#include <stdbool.h>

/* What execve(2) could ever give: nothing. Does nothing without CAP_SETPCAP. */
int sandbox_drop_bounds(void);
/* All sets. */
int sandbox_drop_capabilities(void);
bool sandbox_has_capabilities(void);

/* Refuses by EPERM what is not in the list. Needs no-new-privileges. */
int sandbox_filter_calls(void);
/* Whether this very filter is in force. */
bool sandbox_calls_filtered(void);

#endif
