/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watchdog.h - telling the service manager, again and again, that the loop runs
 */
#ifndef BELL_WATCHDOG_H
#define BELL_WATCHDOG_H

struct event;
struct event_base;
struct store;

/*
 * Tells the manager as often as it wants to hear it ($WATCHDOG_USEC). NULL if it
 * does not want to: an idle server then wakes for nobody. The caller frees the
 * event; borrows manager until then.
 */
struct event *watchdog_new(struct event_base *base, struct store *manager);

#endif
