/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * access.h - who may be a peer, by what the kernel says of the other end
 */
#ifndef BELL_ACCESS_H
#define BELL_ACCESS_H

#include <stddef.h>
#include <sys/types.h>

/* What SO_PEERCRED says: as it was when that process connected. */
struct access_who {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/* Without users and groups everybody may whom the socket's mode lets in. */
struct access_wish {
	uid_t *users;            /* the wish's own, from malloc(), as groups */
	size_t user_count;
	gid_t *groups;
	size_t group_count;
	size_t max_peers_per_user; /* 0: any number */
};

/* Who connected. 0, or -BELL_EIO with a detail. */
int access_who(int sock, struct access_who *out);

/*
 * Whether who at the other end of sock may be a peer: its user is listed, or one
 * of its groups (SO_PEERGROUPS) is. 0, or -BELL_EPERM with a detail that says
 * whom it refuses. Root and the server's own user have no privilege here.
 */
int access_check(const struct access_wish *wish, int sock,
		 const struct access_who *who);

/*
 * Adds the users (groups) of a list "alice,1001" to the wish. 0, or -BELL_EINVAL
 * with a detail that names the one that does not exist, -BELL_ENOMEM.
 */
int access_add_users(struct access_wish *wish, const char *list);
int access_add_groups(struct access_wish *wish, const char *list);
void access_done(struct access_wish *wish); /* all zero is fine */

#endif
