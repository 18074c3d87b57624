/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store.h - where the server's descriptors stay when it dies
 *
 * With the service manager, sd_pid_notify_with_fds(3), or with a keeper, which
 * speaks the same: a message with "FDSTORE=1" and a name, and the descriptors
 * beside it. Who holds them gives them to the next server: see inherit.h.
 */
#ifndef BELL_STORE_H
#define BELL_STORE_H

#include <stdbool.h>
#include <stddef.h>

enum store_kind { STORE_NONE = 0, STORE_SYSTEMD, STORE_KEEPER };

struct store {
	enum store_kind kind;
	int sock;    /* connected to who holds them; -1: nobody */
	bool failed; /* was told */
};

/* No store. */
void store_init(struct store *st);
/* A connection to a keeper: takes *sock. */
void store_keeper(struct store *st, int *sock);
/* The service manager's, if $NOTIFY_SOCKET says that there is one. */
void store_systemd(struct store *st);
void store_done(struct store *st);

const char *store_text(const struct store *st); /* "none", "systemd", "keeper" */

/*
 * Gives copies of the descriptors to be kept, all by one name. What goes wrong is
 * told in the log: the server lives on without.
 */
void store_add(struct store *st, const char *name, const int *fds, size_t count);
/* All of that name are no longer to be kept. */
void store_remove(struct store *st, const char *name);

/*
 * Tells the service manager (nobody else) how we are, by lines of sd_notify(3):
 * "READY=1".
 */
void store_notify(struct store *st, const char *lines);
/* The keeper has nothing to keep any more, and ends. */
void store_end(struct store *st);

#endif
