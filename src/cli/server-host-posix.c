/* SPDX-License-Identifier: BSD-2-Clause */
#include "server-host.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

bool server_user(int64_t uid, char name[SERVER_USER])
{
	const struct passwd *p;

	if (uid < 0 || uid > UINT32_MAX)
		return false;
	p = getpwuid((uid_t)uid);
	if (!p || strlen(p->pw_name) >= SERVER_USER)
		return false;
	memcpy(name, p->pw_name, strlen(p->pw_name) + 1);
	return true;
}

const char *server_directory(void)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0)
		return "/run";
	return dir && *dir ? dir : NULL;
}
