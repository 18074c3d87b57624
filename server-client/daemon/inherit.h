/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inherit.h - descriptors with names, from who held them while no server ran
 *
 * "state", "memory", "socket", "control", "metrics": one each. "p" and a number:
 * a peer's socket and its eventfds, all by the same name. Others are sockets that
 * a service manager opened for us.
 */
#ifndef BELL_INHERIT_H
#define BELL_INHERIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INHERIT_NUMBERS (UINT64_C(1) << 62) /* no peer's is above */

struct inherited {
	char name[32];
	int fd;
};

struct inherit {
	struct inherited *fds;
	size_t count, room;
};

/*
 * What the service manager passed by LISTEN_FDS, LISTEN_FDNAMES and LISTEN_PID,
 * which leave the environment: sd_listen_fds(3). None is no error. 0, or
 * -BELL_ENOMEM.
 */
int inherit_from_environment(struct inherit *in);
/* Takes *fd, also on failure. -BELL_ENOMEM. Names that are too long are cut. */
int inherit_add(struct inherit *in, const char *name, int *fd);
/* A former server is to be gone on from. */
bool inherit_has_state(const struct inherit *in);
/* One of the first five. */
bool inherit_is_part(const char *name);
/* Gives the first of that name away, or -1. */
int inherit_take(struct inherit *in, const char *name);
/* Gives a listening UNIX stream socket of none of those names away, or -1. */
int inherit_take_listener(struct inherit *in);
/* The number of a peer's descriptor, "p17". False if it is no such name. */
bool inherit_number(const char *name, uint64_t *number);
/* Closes what is left. All zero is fine. */
void inherit_done(struct inherit *in);

#endif
