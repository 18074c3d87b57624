/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * background.h - becoming a daemon, whose starter learns whether it came up
 */
#ifndef BELL_BACKGROUND_H
#define BELL_BACKGROUND_H

#include <stdbool.h>

/*
 * Returns in the child. The parent exits, with 0 when background_ready() is
 * called, else with the child's status. False with errno if it cannot be.
 */
bool background_go(void);
/* No terminal, no folder, log to syslog from here on. */
void background_leave_terminal(void);
/* Lets the parent exit. */
void background_ready(void);

#endif
