/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * May the user that libvirt runs QEMU as use the address? That user belongs to
 * the system, so it is in /etc/passwd and its groups are in /etc/group.
 */
#include "doctor-parts.h"
#include "doctor-tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct user {
	const char *name;
	unsigned uid, gid;
};

/* Calls fn for each line until one is right. */
static bool any_line(const struct doctor *d, const char *path,
		     bool (*fn)(char *line, void *arg), void *arg)
{
	char full[TREE_PATH], *line = NULL;
	bool found = false;
	size_t room = 0;
	FILE *file;

	tree_path(d, full, "%s", path);
	file = fopen(full, "re");
	while (file && !found && getline(&line, &room, file) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		found = fn(line, arg);
	}
	free(line);
	if (file)
		fclose(file);
	return found;
}

/* passwd(5): name:password:uid:gid:... */
static bool is_user(char *line, void *arg)
{
	struct user *u = arg;
	size_t len = strlen(u->name);
	const char *rest;

	if (strncmp(line, u->name, len) != 0 || line[len] != ':')
		return false;
	rest = strchr(line + len + 1, ':');
	return rest && sscanf(rest, ":%u:%u", &u->uid, &u->gid) == 2;
}

/* Debian's and Fedora's. */
static bool find_user(const struct doctor *d, struct user *u)
{
	static const char *const names[] = { "libvirt-qemu", "qemu" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		u->name = names[i];
		if (any_line(d, "/etc/passwd", is_user, u))
			return true;
	}
	return false;
}

struct group {
	unsigned gid;
	const char *member; /* or NULL */
	char name[TREE_NAME];
};

/* group(5): name:password:gid:member,member */
static bool is_group(char *line, void *arg)
{
	struct group *g = arg;
	char *colon = strchr(line, ':'), *field = colon ? strchr(colon + 1, ':') : NULL;
	char *word, *save = NULL;
	unsigned gid;

	if (!field || sscanf(field, ":%u:", &gid) != 1 || gid != g->gid)
		return false;
	snprintf(g->name, sizeof(g->name), "%.*s", (int)(colon - line), line);
	if (!g->member)
		return true;
	field = strchr(field + 1, ':');
	for (word = field ? strtok_r(field + 1, ",", &save) : NULL; word;
	     word = strtok_r(NULL, ",", &save))
		if (strcmp(word, g->member) == 0)
			return true;
	return false;
}

static bool may_use(const struct doctor *d, const struct user *u, const struct stat *st)
{
	struct group g = { .gid = st->st_gid, .member = u->name };
	unsigned need = d->side == DOCTOR_FILE ? 6 : 2; /* a socket is only written to */

	if (st->st_uid == u->uid)
		return (st->st_mode >> 6 & need) == need;
	if (st->st_gid == u->gid || any_line(d, "/etc/group", is_group, &g))
		return (st->st_mode >> 3 & need) == need;
	return (st->st_mode & need) == need;
}

static void try_group(struct doctor *d, const struct user *u, const struct stat *st)
{
	struct group theirs = { .gid = st->st_gid }, own = { .gid = u->gid };

	(void)any_line(d, "/etc/group", is_group, &theirs);
	(void)any_line(d, "/etc/group", is_group, &own);
	if (st->st_gid != 0 && (st->st_mode & 0020) && *theirs.name)
		doctor_try(d, "sudo usermod -aG %s %s # then start the machine anew",
			   theirs.name, u->name);
	else if (d->side == DOCTOR_FILE)
		doctor_try(d, "sudo chgrp %s %s && sudo chmod 0660 %s", own.name, doctor_word(d), doctor_word(d));
	else
		doctor_try(d, "bellring-server -S %s --mode 0660 --group %s", doctor_word(d), own.name);
}

static void check_libvirt(struct doctor *d)
{
	char path[TREE_PATH];
	struct user u = { .uid = 0 };
	struct stat st;

	tree_path(d, path, "%s", doctor_place(d));
	if (!find_user(d, &u)) {
		doctor_tell(d, DOCTOR_OK, "libvirt's QEMU has no user of its own here");
	} else if (stat(path, &st) < 0) {
		doctor_tell(d, DOCTOR_SKIPPED, "there is no %s", doctor_place(d));
	} else if (may_use(d, &u, &st)) {
		doctor_tell(d, DOCTOR_OK, "its QEMUs run as %s, who may use it", u.name);
	} else {
		try_group(d, &u, &st);
		doctor_tell(d, DOCTOR_WARNING, "its QEMUs run as %s, who may not use %s: mode "
			    "%04o", u.name, doctor_place(d), (unsigned)(st.st_mode & 07777));
	}
}

const struct doctor_check doctor_libvirt[] = {
	{ "libvirt", DOCTOR_HOST | DOCTOR_FILE, false, check_libvirt },
	{ NULL, 0, false, NULL },
};
