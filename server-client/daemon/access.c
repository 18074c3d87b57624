/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* struct ucred, SO_PEERGROUPS */

#include "access.h"

#include "accounts.h"
#include "error.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* asm-generic/socket.h; Linux 4.13 */
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

#define FEW_GROUPS 32u
#define LOOK_UP_BYTES 1024u /* of a record at first; groups can be huge */
#define LOOK_UP_MAX (1u << 24)

/* ---- who it is -------------------------------------------------------------- */

int access_who(int sock, struct access_who *out)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 ||
	    len != sizeof(cred))
		return error_detail(BELL_EIO, "newcomer: SO_PEERCRED: %s",
				    strerror(errno));
	*out = (struct access_who){ cred.pid, cred.uid, cred.gid };
	return 0;
}

static bool has(const gid_t *groups, size_t count, gid_t gid)
{
	for (size_t i = 0; i < count; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

/*
 * The other end's further groups, to be freed; NULL and 0 if they cannot be
 * told, as on an older kernel: then it is judged without them.
 */
static gid_t *peer_groups(int sock, size_t *count)
{
	socklen_t len = FEW_GROUPS * sizeof(gid_t);
	gid_t *groups = NULL, *more;

	for (;;) {
		more = realloc(groups, len);
		if (!more)
			break;
		groups = more;
		if (getsockopt(sock, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0) {
			*count = len / sizeof(gid_t);
			return groups;
		}
		if (errno != ERANGE) /* which sets len to what is needed */
			break;
	}
	free(groups);
	*count = 0;
	return NULL;
}

static bool is_in_group(const struct access_wish *wish, int sock, gid_t own)
{
	gid_t *groups;
	size_t count;
	bool found = has(wish->groups, wish->group_count, own);

	if (found || wish->group_count == 0)
		return found;
	groups = peer_groups(sock, &count);
	for (size_t i = 0; i < count && !found; i++)
		found = has(wish->groups, wish->group_count, groups[i]);
	free(groups);
	return found;
}

int access_check(const struct access_wish *wish, int sock,
		 const struct access_who *who)
{
	if (wish->user_count == 0 && wish->group_count == 0)
		return 0;
	for (size_t i = 0; i < wish->user_count; i++)
		if (wish->users[i] == who->uid)
			return 0;
	if (is_in_group(wish, sock, who->gid))
		return 0;
	return error_detail(BELL_EPERM,
			    "pid %ld, user %lu, group %lu: neither that user "
			    "nor a group of it is in --allow-user, --allow-group",
			    (long)who->pid, (unsigned long)who->uid,
			    (unsigned long)who->gid);
}

/* ---- lists ------------------------------------------------------------------------ */

_Static_assert(sizeof(uid_t) == sizeof(id_t) && sizeof(gid_t) == sizeof(id_t),
	       "users and groups share a list's code");

typedef int find_fn(const char *name, id_t *id);

static int append(id_t **ids, size_t *count, id_t id)
{
	id_t *more = realloc(*ids, (*count + 1) * sizeof(id_t));

	if (!more)
		return error_detail(BELL_ENOMEM, "list of users or groups: out of "
				    "memory");
	more[(*count)++] = id;
	*ids = more;
	return 0;
}

static int add_list(find_fn *find, const char *list, id_t **ids, size_t *count)
{
	char *copy = strdup(list), *rest = copy, *name;
	size_t before = *count;
	id_t id = 0;
	int rc = 0;

	if (!copy)
		return error_detail(BELL_ENOMEM, "list of users or groups: out of "
				    "memory");
	while (rc == 0 && (name = strsep(&rest, ",")) != NULL) {
		rc = find(name, &id);
		if (rc == 0)
			rc = append(ids, count, id);
	}
	if (rc < 0)
		*count = before;
	free(copy);
	return rc;
}

int access_add_users(struct access_wish *wish, const char *list)
{
	return add_list(accounts_user, list, &wish->users, &wish->user_count);
}

int access_add_groups(struct access_wish *wish, const char *list)
{
	return add_list(accounts_group, list, &wish->groups,
			&wish->group_count);
}

void access_done(struct access_wish *wish)
{
	free(wish->users);
	free(wish->groups);
	*wish = (struct access_wish){ .users = NULL };
}
