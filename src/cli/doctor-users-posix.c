/* SPDX-License-Identifier: BSD-2-Clause */
#include "doctor-users.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

const char *users_user(uint32_t uid, char buf[USERS_NAME])
{
	const struct passwd *p = getpwuid(uid);

	if (p)
		snprintf(buf, USERS_NAME, "%s", p->pw_name);
	else
		snprintf(buf, USERS_NAME, "%u", (unsigned)uid);
	return buf;
}

const char *users_group(uint32_t gid, char buf[USERS_NAME])
{
	const struct group *g = getgrgid(gid);

	if (g)
		snprintf(buf, USERS_NAME, "%s", g->gr_name);
	else
		snprintf(buf, USERS_NAME, "%u", (unsigned)gid);
	return buf;
}

bool users_member(const char *group, const char *user)
{
	const struct group *g = getgrnam(group);
	char **m;

	for (m = g ? g->gr_mem : NULL; m && *m; m++)
		if (strcmp(*m, user) == 0)
			return true;
	return false;
}
