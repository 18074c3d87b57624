/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * accounts.h - users and groups of this system, by name or number
 *
 * A number needs no entry; a name that looks like one is looked up first.
 */
#ifndef BELL_ACCOUNTS_H
#define BELL_ACCOUNTS_H

#include <sys/types.h>

/* 0, or with a detail -BELL_EINVAL (there is none), -BELL_ENOMEM. */
int accounts_user(const char *name, uid_t *uid);
int accounts_group(const char *name, gid_t *gid);

/*
 * A user's own group, and its name if name is not NULL, to be freed. 0, or with
 * a detail -BELL_EINVAL (that number has no entry), -BELL_ENOMEM.
 */
int accounts_entry(uid_t uid, gid_t *gid, char **name);

#endif
