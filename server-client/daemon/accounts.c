/* SPDX-License-Identifier: BSD-2-Clause */
#include "accounts.h"

#include "error.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 1024u /* of an entry; a group can be huge */
#define MAX_BYTES (1u << 24)

/* One question to the system's databases, in a buffer that may be too small. */
struct question {
	const char *name;
	id_t id; /* asked for, or found */
	gid_t gid;
	char *user;
	bool found;
};

/* 0 or an errno, as getpwnam_r(). */
typedef int ask_fn(struct question *q, char *buf, size_t size);

static int ask_user(struct question *q, char *buf, size_t size)
{
	struct passwd entry, *result = NULL;
	int err = getpwnam_r(q->name, &entry, buf, size, &result);

	q->found = result != NULL;
	if (result)
		q->id = result->pw_uid;
	return err;
}

static int ask_group(struct question *q, char *buf, size_t size)
{
	struct group entry, *result = NULL;
	int err = getgrnam_r(q->name, &entry, buf, size, &result);

	q->found = result != NULL;
	if (result)
		q->id = result->gr_gid;
	return err;
}

static int ask_entry(struct question *q, char *buf, size_t size)
{
	struct passwd entry, *result = NULL;
	int err = getpwuid_r(q->id, &entry, buf, size, &result);

	if (!result)
		return err;
	q->gid = result->pw_gid;
	q->user = strdup(result->pw_name);
	q->found = q->user != NULL;
	return q->user ? 0 : ENOMEM;
}

/* With as large a buffer as it takes. 0, or an errno. */
static int ask(ask_fn *fn, struct question *q)
{
	size_t size = FIRST_BYTES;
	char *buf = NULL, *more;
	int err = ERANGE;

	for (; err == ERANGE && size <= MAX_BYTES; size *= 2) {
		more = realloc(buf, size);
		if (!more) {
			err = ENOMEM;
			break;
		}
		buf = more;
		err = fn(q, buf, size);
	}
	free(buf);
	return err;
}

/* All ones mean 'no user' to the kernel. */
static bool is_number(const char *name, id_t *id)
{
	unsigned long long v;
	char *end;

	if (name[0] < '0' || name[0] > '9')
		return false;
	errno = 0;
	v = strtoull(name, &end, 10);
	if (*end != '\0' || errno != 0 || v >= UINT32_MAX)
		return false;
	*id = (id_t)v;
	return true;
}

/* Databases say all kinds of errors for 'none': getpwnam(3). */
static int none(const char *what, const char *name, int err)
{
	if (err == ENOMEM)
		return error_detail(BELL_ENOMEM, "%s '%s': out of memory", what,
				    name);
	return error_detail(BELL_EINVAL, "%s '%s': does not exist%s%s", what, name,
			    err ? ": " : "", err ? strerror(err) : "");
}

static int find(ask_fn *fn, const char *what, const char *name, id_t *id)
{
	struct question q = { .name = name };
	int err = ask(fn, &q);

	if (q.found)
		*id = q.id;
	else if (!is_number(name, id))
		return none(what, name, err);
	return 0;
}

int accounts_user(const char *name, uid_t *uid)
{
	return find(ask_user, "user", name, uid);
}

int accounts_group(const char *name, gid_t *gid)
{
	return find(ask_group, "group", name, gid);
}

int accounts_entry(uid_t uid, gid_t *gid, char **name)
{
	struct question q = { .id = uid };
	int err = ask(ask_entry, &q);

	if (!q.found && err == ENOMEM)
		return error_detail(BELL_ENOMEM, "user %lu: out of memory",
				    (unsigned long)uid);
	if (!q.found)
		return error_detail(BELL_EINVAL,
				    "user %lu: has no entry, so what is its group?",
				    (unsigned long)uid);
	*gid = q.gid;
	if (name)
		*name = q.user;
	else
		free(q.user);
	return 0;
}
