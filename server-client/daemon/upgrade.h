/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upgrade.h - going on as a newer program, or with newer settings
 *
 * The process stays and executes its own file anew: what is there now, perhaps
 * of a newer version. All that peers see stays open. In the environment goes which
 * descriptor is the state, and which the connection to a keeper.
 */
#ifndef BELL_UPGRADE_H
#define BELL_UPGRADE_H

#include "inherit.h"

#include <stdbool.h>

struct server;
struct store;

/* Notes how this program was started. First thing in main(). Borrows argv. */
void upgrade_remember(char **argv);

/* This process was another program before, and is to go on where that was. */
bool upgrade_is_one(void);
/*
 * Takes over what that left: descriptors, and the connection to a keeper if there
 * is one. If that cannot be, all is closed and the log says so.
 */
void upgrade_inherit(struct inherit *in, struct store *store);

/*
 * With signals blocked that the new program is to get. Asks the program whether it would start with the settings as they are now, and
 * becomes it, with that socket: where the default is may have changed with the
 * user. Returns only if that failed: the log says why, and nothing changed.
 */
void upgrade_go(struct server *server, const struct store *store,
		const char *socket_path);

#endif
