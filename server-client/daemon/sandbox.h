/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox.h - giving up what a server that is running does not need
 */
#ifndef BELL_SANDBOX_H
#define BELL_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

struct sandbox_wish {
	const char *user;  /* to become, or NULL; by name, or a number */
	const char *group; /* instead of that user's own, or NULL */
	bool off;          /* no filter of system calls */
};

/*
 * Who that would be; the ids of this process where nothing is wished. For those
 * who make files for the server before it is that user. 0, or -BELL_EINVAL with
 * a detail.
 */
int sandbox_ids(const struct sandbox_wish *wish, uid_t *uid, gid_t *gid);

/*
 * Once everything is open: becomes that user, drops all capabilities, sets
 * no-new-privileges, and filters system calls (libseccomp) down to those that
 * the server needs, execve(2) for a live upgrade among them; others fail with
 * EPERM. Survives that a program in the same sandbox calls it again. 0, or
 * -BELL_EPERM, -BELL_EINVAL, -BELL_ENOMEM, -BELL_EIO with a detail: then the server
 * must stop.
 */
int sandbox_enter(const struct sandbox_wish *wish);

/*
 * What it did, for a log or a status: "user 998, no capabilities, no new
 * privileges, seccomp"; "none" before sandbox_enter(). Static text.
 */
const char *sandbox_text(void);

#endif
